"""``tuning.rerank``: the best settings of a tuning are tried on one more seed, which decides."""

from collections import Counter
from dataclasses import replace

import pytest

from bench import tracking
from bench.spec import Phase, RefusedInput, Status, TrialResult, protocol
from bench.stack import probe as stack_probe
from bench.sweeps import forecast, status, tune
from bench.sweeps.plan import make_plan
from reports.analysis.study import Study
from tests.helpers.specs import trial_spec

WORDS = ["-m", "hydra/sweeper=study", "task=digits", "model.hidden=[8]", "budget.steps=20"]
WORDS += ["reporting.seeds=5", "tuning.trials=4", "tuning.repeats=2", "tuning.reference_factor=1"]
WORDS += ["optimizer=adam,sgd", "report=false", "study=fair"]
SPACE = {"lr": {"log": [1e-3, 1e-1]}}
TUNING = {
    **{"trials": 4, "seeds": 1, "repeats": 1, "reference_factor": 1, "sampler": "sobol"},
    **{"rank": "final", "rerank": 2, "seed": 0},
}


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    monkeypatch.setattr(stack_probe, "probe", lambda specs: stack_probe.Gain(4, 5.0, 1))


def planned(**tuning):
    base = trial_spec(study="fair", point={"lr": 0.01})
    optimizer = type(base.optimizer)(**{**vars(base.optimizer), "search_space": SPACE})
    return make_plan([type(base)(**{**vars(base), "optimizer": optimizer})], TUNING | tuning, 2)


def result(value):
    ended = Status.DIVERGED if value is None else Status.FINISHED
    return TrialResult(ended, final={"val/accuracy": value or 0.0})


def choose(plan, first, second):
    """Give each setting its first value, those that are tried again their second one."""
    (draw,) = tune.make_draws(plan)
    known = {}
    for index, value in enumerate(first):
        (spec,) = plan.selection_trials(draw.base, 0, index, draw.points[index])
        known[spec.config_hash] = result(value)
    draw.again = tune.find_best(plan, draw, known)
    for index in draw.again:
        *_, spec = plan.selection_trials(draw.base, 0, index, draw.points[index], again=True)
        assert spec.seed == protocol.SELECTION_SEEDS + 1
        known[spec.config_hash] = result(second[index])
    return draw.again, tune.choose(plan, [draw], known)[0].point_index


def test_the_mean_of_both_seeds_decides_between_the_best():
    first = [0.90, 0.94, 0.80, 0.93]
    assert choose(planned(), first, {1: 0.60, 3: 0.90}) == ((1, 3), 3)
    assert choose(planned(), first, {1: 0.93, 3: 0.93}) == ((1, 3), 1)


def test_a_setting_that_was_not_tried_again_cannot_be_chosen():
    # the second and the fourth fall behind the first, which has one seed
    assert choose(planned(), [0.90, 0.94, 0.80, 0.93], {1: 0.10, 3: 0.20}) == ((1, 3), 3)


def test_a_setting_that_breaks_on_the_second_seed_stands_behind():
    assert choose(planned(), [0.90, 0.94, None, 0.93], {1: None, 3: 0.1}) == ((1, 3), 3)


def test_without_it_one_seed_decides():
    plan = planned(rerank=0)
    (draw,) = tune.make_draws(plan)
    assert tune.find_best(plan, draw, {}) == ()
    assert protocol.choose_point([[0.9], [0.94], [0.8], [0.93]], "maximize") == 1
    assert protocol.choose_point([[0.9], [0.94, 0.6], [0.8], [0.93, 0.9]], "maximize") == 3


@pytest.mark.parametrize(("rerank", "trials"), [(1, 4), (5, 4), (2, 0)])
def test_what_cannot_compete_again_is_refused(rerank, trials):
    with pytest.raises(RefusedInput, match=rf"tuning.rerank={rerank}: .* Use 0 for none, or 2 to"):
        planned(rerank=rerank, trials=trials)
    with pytest.raises(RefusedInput, match=r"tuning.rerank=-1: it has to be at least 0"):
        planned(rerank=-1)
    with pytest.raises(RefusedInput, match=r"tuning.seeds=100: .* Use at most 99"):
        planned(seeds=100)


@pytest.mark.parametrize("sampler", ["sobol", "tpe"])
def test_a_study_runs_reports_and_continues(optbench, uri, sampler):
    if sampler == "tpe":
        pytest.importorskip("optuna")
    words = [*WORDS, f"tuning.sampler={sampler}", "tuning.rerank=2"]
    said = optbench(*words, "plan=true").out
    assert ", the best 2 on one more seed" in said
    assert "38 trials, 0 recorded, 38 to run" in said  # 2 x (2 x (4 + 2 + 1) + 5)
    ended = optbench(*words)
    assert ended.code == 0, ended.err
    records = tracking.read(uri, "fair")
    selected = [one for one in records if one.phase is Phase.SELECT]
    for name in ("adam", "sgd"):
        for repeat in (0, 1):
            own = [
                one
                for one in selected
                if (one.config["optimizer"]["name"], one.tuning.repeat) == (name, repeat)
            ]
            seeds = Counter(one.config["seed"] - 1_000_000 - 100 * repeat for one in own)
            assert seeds == {0: 4, 1: 2}
            values = {}
            for one in own:
                value = one.result.final_value("val/accuracy")
                values.setdefault(one.tuning.index, []).append(value)
            best = max(
                (index for index in values if len(values[index]) == 2),
                key=lambda index: (sum(values[index]), -index),
            )
            (reported,) = (
                one
                for one in records
                if one.phase is Phase.REPORT
                and one.config["optimizer"]["name"] == name
                and one.tuning.index is not None
                and one.tuning.repeat == repeat
            )
            assert reported.tuning.index == best
            points = Study.load("fair", uri).points
            (row,) = points[
                points["selected"]
                & (points["entrant"] == name)
                & (points["repeat"] == repeat)
                & (points["phase"] == Phase.SELECT)
            ].to_dict("records")
            assert row["index"] == best
    again = optbench(*words).out
    assert "14 trials, 14 recorded, 0 to run" in again  # the reports; nothing is tuned anew
    assert len(tracking.read(uri, "fair")) == len(records) == 38
    assert status.describe_study(uri, "fair")[-1] == "  complete"
    changed = optbench(*words[:-1], "tuning.rerank=3")
    assert changed.code == 2 and "tuning.rerank was 2 and is 3" in changed.err


def test_interrupted_before_the_second_seed_it_goes_on_the_same(optbench, uri, monkeypatch):
    words = [*WORDS, "tuning.rerank=2"]
    with monkeypatch.context() as killed:

        def stop(*args):
            raise KeyboardInterrupt

        killed.setattr(tune, "find_best", stop)
        optbench(*words, "study=killed")
    assert len(tracking.read(uri, "killed")) == 16
    optbench(*words, "study=killed")
    optbench(*words)
    one, other = (
        {(r.config_hash, r.result.final.get("test/accuracy")) for r in tracking.read(uri, s)}
        for s in ("killed", "fair")
    )
    assert one == other and len(one) == 38


def test_a_space_of_few_settings_is_reranked_whole():
    (base,) = planned().bases
    few = replace(base.optimizer, search_space={"lr": {"choice": [0.01, 0.02]}})
    plan = make_plan([replace(base, optimizer=few)], TUNING | {"rerank": 4}, 2)
    (draw,) = tune.make_draws(plan)
    (count,) = forecast.count_trials(plan, {})
    assert count.trials.tuning == 2 * len(draw.points)


def test_tunings_that_were_reranked_are_not_compared_with_others():
    side = protocol.Standing("adam", results=5, settings=8, sampler="sobol")
    again = protocol.Standing("lion", results=5, settings=8, sampler="sobol", rerank=2)
    assert protocol.find_bar(side, again) == (
        "adam was tuned with tuning.rerank=0, lion with 2: only equal tuning can be compared"
    )
