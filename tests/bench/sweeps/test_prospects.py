"""What a plan says that it can show."""

from dataclasses import replace

import pytest

from bench.spec import Phase, TrialOrigin, Tuning
from bench.sweeps import prospects
from bench.sweeps.plan import make_plan
from bench.sweeps.prospects import Chance, collect_cells, describe_prospects
from tests.helpers.records import make_record
from tests.helpers.specs import trial_spec

SPACE = {"lr": {"log": [1e-4, 1e-1]}}


def make(names, tasks=("digits",), *, repeats=10, trials=8, seeds=10, reference="adam"):
    base = trial_spec()
    bases = [
        replace(
            base,
            task=replace(base.task, name=task),
            optimizer=replace(base.optimizer, name=name, search_space=SPACE),
            origin=TrialOrigin(reference=reference),
        )
        for name in names
        for task in tasks
    ]
    tuning = {"trials": trials, "seeds": 1, "repeats": repeats, "reference_factor": 2, "seed": 0}
    return make_plan(bases, {**tuning, "sampler": "sobol", "rank": "final", "rerank": 0}, seeds)


def test_four_tunings_show_overall_differences_hardly_one_on_a_task():
    tasks = [f"task{at}" for at in range(8)]
    lines = describe_prospects(make(["adam", "lion", "sgd"], tasks, repeats=4))
    assert lines[0] == "  Holm's correction over 35 tests at 4 %: the first needs p ≤ 0.0011."
    assert lines[1].startswith(
        "  On one task, 4 tunings against 8 of adam: smallest p 0.004; power"
    )
    assert lines[2].startswith("  Over 8 tasks, 4 tunings against 8 of adam: smallest p ")
    assert " % at 0.75, " in lines[2] and lines[2].endswith("100 % at 1.")
    assert lines[3] == "  4 tunings can show overall differences, none on a single task."


def test_ten_tunings_of_two_optimizers_show_a_difference_on_one_task():
    *_, line, words = describe_prospects(make(["adam", "lion"]))
    assert "On one task, 10 tunings against 20 of adam" in line
    assert words == "  10 tunings can show a difference on a single task."


def test_defaults_alone_are_counted_in_seeds():
    *_, line, words = describe_prospects(make(["adam", "lion"], trials=0))
    assert "On one task, 10 seeds against 10 of adam" in line
    assert words.startswith("  10 seeds can show ")


def test_without_a_reference_pairs_are_described():
    lines = describe_prospects(make(["adamw", "lion"], reference=""))
    assert lines[0].startswith("  Holm's correction over 1 test at 4 %: ")
    assert "10 tunings against 10: smallest p" in lines[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"names": ["adam"]}, "one configuration alone is compared with nothing"),
        ({"repeats": 3, "seeds": 4}, "3 tunings an optimizer; at least 4 are needed"),
        ({"trials": 0, "seeds": 4}, "4 seeds a default; at least 5 are needed"),
    ],
)
def test_no_verdict_is_said_with_its_reason(options, said):
    names = options.pop("names", ["adam", "lion"])
    assert describe_prospects(make(names, **options)) == [f"  No verdict is possible: {said}."]


def test_beside_a_baseline_its_tunings_count():
    def record(optimizer, repeat, index, *, phase="report", draw=2, seed=0):
        tuning = Tuning(SPACE, "sobol", 0, 8, repeat, index, draw=draw, repeats=20)
        return replace(
            make_record(optimizer=optimizer, phase=Phase(phase), tuning=tuning, seed=seed),
            source="league",
        )

    own = [record("adam", at, 3, seed=1000 + at) for at in range(20)]
    own += [record("adam", 0, None, seed=at) for at in range(10)]
    own += [record("adam", 0, at, phase="select", seed=10**6) for at in range(8)]
    (cell,) = collect_cells(own)
    assert (cell.tunings, cell.seeds, cell.design, cell.own) == (20, 10, (8, "sobol", 2, 0), False)
    old = collect_cells([record("adam", 0, 3, draw=1)])
    assert old[0].design == (8, "sobol", 1, 0)


@pytest.mark.parametrize(
    ("overall", "single", "words"),
    [
        (Chance.GOOD, Chance.GOOD, "differences overall and on single tasks"),
        (Chance.GOOD, Chance.SMALL, "overall differences, hardly one on a single task"),
        (Chance.SMALL, Chance.NONE, "only very large overall differences, none on a single task"),
        (Chance.NONE, Chance.NONE, "no difference, neither overall nor on a single task"),
    ],
)
def test_what_it_means_is_said_in_words(overall, single, words):
    assert prospects._conclude({False: single, True: overall}) == words
