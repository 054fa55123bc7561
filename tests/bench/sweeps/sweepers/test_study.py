"""``hydra/sweeper=study``: equal tuning, choice on validation, reruns on fresh seeds, resume."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from bench import tracking
from bench.spec import Phase, Status, TrialResult, protocol
from bench.stack import probe as stack_probe
from bench.sweeps import status, tune
from bench.sweeps.plan import make_plan
from bench.tracking.sqlite.store import SQLiteStore
from reports.analysis.study import Study
from reports.data import baseline
from tests.helpers.specs import trial_spec

STUDY = ["-m", "hydra/sweeper=study", "task=digits", "model.hidden=[8]", "budget.steps=20"]
ONCE = ["tuning.repeats=1", "tuning.reference_factor=1"]
TINY = [*STUDY, "reporting.seeds=2", "tuning.trials=3", *ONCE, "report=false", "study=fair"]
SPACE = {"lr": {"log": [1e-3, 1e-1]}}
TUNING = {
    "trials": 3,
    "seeds": 1,
    "repeats": 1,
    "reference_factor": 1,
    "sampler": "sobol",
    "rank": "final",
    "rerank": 0,
    "seed": 0,
}


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    """A gain that does not depend on this machine."""
    gain = stack_probe.Gain(4, 5.0, 1)
    monkeypatch.setattr(stack_probe, "probe", lambda specs: gain)


def records(uri, study="fair"):
    return tracking.read(uri, study)


def phases(uri, study="fair"):
    return Counter(str(record.phase) for record in records(uri, study))


def test_everybody_gets_the_same_budget_and_the_winner_is_rerun(optbench, uri):
    ended = optbench(*TINY, "optimizer=adam,sgd")
    assert ended.code == 0, ended.err
    assert phases(uri) == {"select": 6, "report": 6}
    for name in ("adam", "sgd"):
        own = [r for r in records(uri) if r.config["optimizer"]["name"] == name]
        select = [r for r in own if r.phase is Phase.SELECT]
        assert sorted(r.tuning.index for r in select) == [0, 1, 2]
        best = max(select, key=lambda r: r.result.curve[-1].values["val/accuracy"])
        reported = [r for r in own if r.phase is Phase.REPORT]
        assert Counter(r.tuning.index for r in reported) == {None: 2, best.tuning.index: 1}
        chosen = next(r for r in reported if r.tuning.index is not None)
        assert chosen.config["optimizer"]["arguments"] == best.config["optimizer"]["arguments"]
    assert "digits · adam: chose " in ended.out


def test_tuning_never_opens_the_test_split_and_shares_no_seed(optbench, uri):
    optbench(*TINY, "optimizer=adam")
    client = MlflowClient(tracking_uri=uri)
    seeds = {Phase.SELECT: set(), Phase.REPORT: set()}
    for record in records(uri):
        metrics = client.get_run(record.run_id).data.metrics
        tested = {name for name in metrics if name.startswith("test/")}
        assert bool(tested) == (record.phase is Phase.REPORT)
        seeds[record.phase].add(record.config["seed"])
    assert not seeds[Phase.SELECT] & seeds[Phase.REPORT]
    assert min(seeds[Phase.SELECT]) >= protocol.SELECTION_SEEDS > max(seeds[Phase.REPORT])


def result(value, test, status=Status.FINISHED):
    return TrialResult(status, final={"val/accuracy": value, "test/accuracy": test})


def planned(**tuning):
    base = trial_spec(study="fair", point={"lr": 0.01})
    optimizer = type(base.optimizer)(**{**vars(base.optimizer), "search_space": SPACE})
    return make_plan([type(base)(**{**vars(base), "optimizer": optimizer})], TUNING | tuning, 2)


def chosen_by(plan, results):
    """The place that is chosen when the point at each place gave ``results`` there."""
    (draw,) = tune.make_draws(plan)
    known = {}
    for place, (point, given) in enumerate(zip(draw.points, results, strict=True)):
        for spec in plan.selection_trials(draw.base, 0, place, point):
            known[spec.config_hash] = given
    return tune.choose(plan, [draw], known)[0]


def test_a_misleading_test_value_has_no_say():
    chosen = chosen_by(planned(), [result(0.8, 0.99), result(0.9, 0.1), result(0.7, 1.0)])
    assert (chosen.point_index, chosen.value) == (1, 0.9)


def test_diverged_and_failed_points_are_the_worst():
    diverged, failed = result(1.0, 1.0, Status.DIVERGED), result(1.0, 1.0, Status.FAILED)
    assert chosen_by(planned(), [diverged, failed, result(0.1, 0.1)]).point_index == 2


def test_points_can_be_ranked_by_steps_to_target():
    def reached(steps, value):
        summary = {"steps_to_target": steps} if steps else {}
        return TrialResult(Status.FINISHED, summary=summary, final={"val/accuracy": value})

    quick = [reached(None, 0.99), reached(60.0, 0.9), reached(40.0, 0.8)]
    assert chosen_by(planned(rank="steps_to_target"), quick).point_index == 2
    nobody = [reached(None, 0.5), reached(None, 0.7), reached(None, 0.6)]
    assert chosen_by(planned(rank="steps_to_target"), nobody).point_index == 1


@pytest.fixture
def half(tmp_path):
    """An optimizer at whose higher rates training diverges at once."""
    folder = tmp_path / "my_conf" / "optimizer"
    folder.mkdir(parents=True)
    (folder / "half.yaml").write_text(
        "_target_: tests.helpers.faulty.AnyLR\nlr: 0.1\n"
        "bench: {search_space: {lr: {log: [1.0e-2, 1.0e+80]}}}\n"
    )
    return ["--config-dir", str(folder.parent)]


def test_a_space_half_of_which_diverges_costs_its_budget(half, optbench, uri):
    ended = optbench(*half, *TINY, "optimizer=half", "tuning.trials=8")
    assert ended.code == 0, ended.err
    select = [r.result.status for r in records(uri) if r.phase is Phase.SELECT]
    assert len(select) == 8
    assert select.count(Status.DIVERGED) >= 3
    reported = [r.result.status for r in records(uri) if r.phase is Phase.REPORT]
    assert reported == [Status.FINISHED] * 3


def test_a_finished_study_runs_nothing_twice(optbench, uri):
    optbench(*TINY, "optimizer=adam,sgd")
    first = {record.run_id for record in records(uri)}
    again = optbench(*TINY, "optimizer=adam,sgd")
    assert "12 trials, 12 recorded, 0 to run" in again.out
    assert {record.run_id for record in records(uri)} == first
    assert len({r.config_hash for r in records(uri)}) == len(records(uri))


def test_budgets_are_swept_tuned_apart_and_resumed(optbench, uri):
    words = [*TINY, "optimizer=adam", "budget.steps=10,20"]
    assert optbench(*words).code == 0
    again = optbench(*words)
    assert "12 trials, 12 recorded, 0 to run" in again.out, again.err
    rows = [line.split()[:3] for line in again.out.splitlines() if "adam " in line]
    assert [row for row in rows if row[0] == "digits"][:2] == [
        ["digits", "adam", "10"],
        ["digits", "adam", "20"],
    ]
    ended = optbench(*words, "budget.steps=20,30")
    assert ended.code == 2
    assert "digits · adam: budget.steps was 10 and is 20" in ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["optimizer.bench.search_space.lr.log=[1e-5,1e-2]"], "search_space was"),
        (["budget.steps=30"], "budget.steps was 20 and is 30"),
        (["tuning.seed=1"], "tuning.seed was 0 and is 1"),
        (["tuning.sampler=random"], "tuning.sampler was sobol and is random"),
        (["tuning.trials=2"], "tuning.trials was 3 and is 2"),
        (["task.version=2"], "task.version was 1 and is 2"),
        (["optimizer.eps=1e-6"], "optimizer.arguments.eps was 1e-08 and is 1e-06"),
    ],
)
def test_a_study_that_began_otherwise_is_refused(words, said, optbench, uri):
    optbench(*TINY, "optimizer=adam")
    before = len(records(uri))
    ended = optbench(*TINY, "optimizer=adam", *words)
    assert ended.code == 2
    assert f"digits · adam: {said}" in ended.err
    assert "study=fair_2" in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert ended.err.count(said.split()[0]) == 1  # each difference once, not once a trial
    assert len(records(uri)) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["seed=3"], "seed: a study"),
        (["optimizer.lr=0.1,0.2"], "optimizer.lr: a study draws"),
        (["tuning.trials=-1"], "tuning.trials=-1: it has to be at least 0"),
        (["tuning.reference_factor=0"], "tuning.reference_factor=0: it has to be at least 1"),
        (["tuning.seeds=101"], "tuning.seeds=101: each tuning has 100 seeds of its own"),
        (["tuning.repeats=501"], "these are 1002 tunings of the reference. Use at most 1000"),
        (["reporting.seeds=1001"], "reporting.seeds=1001: it has to be between 1 and 1000"),
        (["tuning.rank=best"], "tuning.rank=best: unknown"),
        (["tuning.sampler=sobl"], "did you mean 'sobol'"),
        (["reporting.seeds=0"], "reporting.seeds=0"),
        (["suite=embedded"], "task: suite names the tasks"),
        (["tuning=smal"], "did you mean 'small'"),
    ],
)
def test_a_mistake_is_refused_before_anything_trains(words, said, optbench, uri):
    ended = optbench(*STUDY, "study=fair", "optimizer=adam", *words)
    assert ended.code == 2
    assert said in ended.err
    assert "fair" not in tracking.list_studies(uri)


def test_the_plan_is_said_and_nothing_runs(optbench, uri):
    ended = optbench(*TINY, "optimizer=adam,sgd", "plan=true")
    assert ended.code == 0
    assert "12 trials, 0 recorded, 12 to run, about" in ended.out
    assert "tuning 6 trials, about " in ended.out
    assert "No verdict is possible: 1 tuning an optimizer; at least 4 are needed." in ended.out
    assert records(uri) == []
    many = optbench(
        *TINY, "optimizer=adam,sgd", "tuning.repeats=4", "reporting.seeds=5", "plan=true"
    )
    assert "Holm's correction over 2 tests at 4 %: the first needs p ≤ 0.02." in many.out
    assert "4 tunings can show " in many.out


def test_schedules_make_entrants_and_what_is_forbidden_is_skipped(optbench, uri):
    words = ["optimizer=adam,schedulefree_adamw", "schedule=constant,cosine", "tuning.trials=2"]
    ended = optbench(*TINY, *words)
    assert ended.code == 0, ended.err
    found = Counter((protocol.entrant(r.config), str(r.result.status)) for r in records(uri))
    assert found == {
        ("adam", "finished"): 5,
        ("adam+cosine", "finished"): 5,
        ("schedulefree_adamw", "finished"): 5,
        ("schedulefree_adamw+cosine", "skipped"): 1,
    }


def test_an_optimizer_without_a_space_takes_part_at_its_default(tmp_path, optbench, uri):
    folder = tmp_path / "my_conf" / "optimizer"
    folder.mkdir(parents=True)
    (folder / "plain.yaml").write_text("_target_: torch.optim.SGD\nlr: 0.1\n")
    words = ["--config-dir", str(folder.parent), *TINY, "optimizer=plain,sgd"]
    ended = optbench(*words)
    assert ended.code == 0, ended.err
    assert "no search_space" in ended.out
    own = [r for r in records(uri) if r.config["optimizer"]["name"] == "plain"]
    assert [(str(r.phase), r.tuning.index, r.tuning.points) for r in own] == [
        ("report", None, 0)
    ] * 2


def test_the_reference_is_tuned_twice_as_often(optbench, uri):
    words = [*TINY, "optimizer=adam,sgd", "tuning.repeats=2", "tuning.reference_factor=2"]
    assert optbench(*words).code == 0
    tunings, settings = {}, {}
    for record in records(uri):
        name, repeat = record.config["optimizer"]["name"], record.tuning.repeat
        if record.phase is Phase.SELECT:
            assert record.config["seed"] == 1_000_000 + 100 * repeat
            rates = settings.setdefault((name, repeat), {})
            rates[record.tuning.index] = record.config["optimizer"]["arguments"]["lr"]
        elif record.tuning.index is not None:
            tunings.setdefault(name, []).append(repeat)
            assert record.config["seed"] == 1000 + repeat
        assert (record.tuning.draw, record.tuning.points) == (2, 3)
        assert record.tuning.repeats == {"adam": 4, "sgd": 2}[name]
    assert {name: sorted(own) for name, own in tunings.items()} == {
        "adam": [0, 1, 2, 3],
        "sgd": [0, 1],
    }
    assert {rates[0] for (name, _), rates in settings.items() if name == "adam"} == {0.001}
    drawn = [rate for rates in settings.values() for at, rate in rates.items() if at]
    assert len(set(drawn)) == len(drawn) == 12


@pytest.fixture
def settled(tmp_path):
    """An optimizer that trains at its default only: elsewhere in its space it diverges."""
    folder = tmp_path / "my_conf" / "optimizer"
    folder.mkdir(parents=True)
    (folder / "settled.yaml").write_text(
        "_target_: tests.helpers.faulty.AnyLR\nlr: 0.1\n"
        "bench: {search_space: {lr: {log: [1.0e+60, 1.0e+80]}}}\n"
    )
    return ["--config-dir", str(folder.parent), *TINY, "optimizer=settled"]


def test_tunings_that_all_choose_the_default_report_each_on_its_own(settled, optbench, uri):
    words = [*settled, "tuning.repeats=5"]
    assert optbench(*words).code == 0
    reported = [r for r in records(uri) if r.phase is Phase.REPORT and r.tuning.index is not None]
    assert sorted((r.tuning.repeat, r.config["seed"]) for r in reported) == [
        (repeat, 1000 + repeat) for repeat in range(5)
    ]
    assert {r.tuning.index for r in reported} == {0}
    assert len({r.config_hash for r in reported}) == 5
    assert phases(uri) == {"select": 15, "report": 5 + 2}
    assert "22 trials, 22 recorded, 0 to run" in optbench(*words).out
    lines = status.describe_study(uri, "fair")
    assert any("select   15 of 15 done" in line for line in lines)
    assert any("report   7 of 7 done" in line for line in lines)
    assert lines[-1].strip() == "complete"


def test_a_space_of_few_settings_is_tried_whole_and_counted_right(tmp_path, optbench, uri):
    folder = tmp_path / "my_conf" / "optimizer"
    folder.mkdir(parents=True)
    (folder / "few.yaml").write_text(
        "_target_: torch.optim.SGD\nlr: 0.1\n"
        "bench: {search_space: {lr: {choice: [0.01, 0.1, 1.0]}}}\n"
    )
    words = ["--config-dir", str(folder.parent), *TINY, "optimizer=few,adam", "tuning.repeats=4"]
    words += ["tuning.trials=8", "report=true"]
    ended = optbench(*words)
    assert ended.code == 0, ended.err
    own = [r for r in records(uri) if r.config["optimizer"]["name"] == "few"]
    tried = Counter(r.tuning.index for r in own if r.phase is Phase.SELECT)
    assert tried == {0: 4, 1: 4, 2: 4}
    assert "only equal tuning" not in ended.out
    assert f"{len(records(uri))} trials, {len(records(uri))} recorded, 0 to run" in (
        optbench(*words).out
    )
    lines = status.describe_study(uri, "fair")
    assert any("select   44 of 44 done" in line for line in lines)
    assert any("report   12 of 12 done" in line for line in lines)
    assert lines[-1].strip() == "complete"


def test_several_tuning_seeds_belong_to_their_tuning(optbench, uri):
    optbench(*TINY, "optimizer=sgd", "tuning.repeats=2", "tuning.seeds=2")
    seeds = Counter(r.config["seed"] for r in records(uri) if r.phase is Phase.SELECT)
    assert seeds == {1_000_000: 3, 1_000_001: 3, 1_000_100: 3, 1_000_101: 3}


def test_more_tunings_run_exactly_what_is_missing(optbench, uri):
    words = [*TINY, "optimizer=sgd"]
    optbench(*words, "tuning.repeats=5")
    first = {record.run_id for record in records(uri)}
    assert phases(uri) == {"select": 15, "report": 5 + 2}
    ended = optbench(*words, "tuning.repeats=10")
    assert "42 trials, 22 recorded, 20 to run" in ended.out, ended.err
    added = [record for record in records(uri) if record.run_id not in first]
    assert {record.tuning.repeat for record in added} == {5, 6, 7, 8, 9}
    assert Counter(str(record.phase) for record in added) == {"select": 15, "report": 5}
    assert len({r.config_hash for r in records(uri)}) == len(records(uri)) == 42
    fewer = optbench(*words, "tuning.repeats=5")
    assert fewer.code == 2
    assert "digits · sgd: tuning.repeats was at least 10 and is 5" in fewer.err


def test_more_settings_are_refused_as_their_choices_would_be_pooled_with_others(optbench, uri):
    assert optbench(*TINY, "optimizer=sgd").code == 0
    before = len(records(uri))
    for settings in (2, 4):
        ended = optbench(*TINY, "optimizer=sgd", f"tuning.trials={settings}")
        assert ended.code == 2
        assert ended.err.strip() == (
            "refused: study=fair was started with different settings: digits · sgd: tuning.trials "
            f"was 3 and is {settings}. Restore them, or use a new name, such as study=fair_2. More "
            "tunings can be added: tuning.repeats"
        )
    assert len(records(uri)) == before


def test_an_enlarged_study_says_what_its_looks_spent(optbench, uri):
    words = [*TINY, "optimizer=adam,sgd", "reporting.seeds=5", "tuning.trials=2"]
    first = optbench(*words, "tuning.repeats=4")
    assert "Holm's correction over 2 tests at 4 %: the first needs p ≤ 0.02." in first.out
    assert "This is look" not in first.out
    assert status.describe_study(uri, "fair")[-2:] == [
        "  verdicts could be read after 4 tunings: 4 % of the error rate of 5 % are spent, the "
        "next look has 0.5 %",
        "  complete",
    ]
    second = optbench(*words, "tuning.repeats=6")
    assert (
        "This is look 2 of the study, at 0.5 %: those after 4 results spent 4 % of the 5 %, and "
        "what they showed stands." in second.out
    )
    assert "over 2 tests at 0.5 %: the first needs p ≤ 0.0025." in second.out
    assert "after 4, then 6 tunings: 4.5 % of the error" in status.describe_study(uri, "fair")[-2]
    (board,) = Study.load("fair", uri).leaderboards
    tuned = next(row for row in board.rows if row.arm.optimizer == "sgd" and row.arm.tunings)
    assert tuned.looks == 2
    assert board.tests == 2  # as the plan said: a row of the tuned and one of the default
    default = next(row for row in board.rows if row.arm.optimizer == "sgd" and not row.arm.tunings)
    assert default.looks == 1  # its seeds were not enlarged


def test_a_study_that_was_killed_shows_no_claim_until_it_has_ended(optbench, uri, monkeypatch):
    words = [*TINY, "optimizer=adam,sgd", "reporting.seeds=5", "tuning.repeats=4"]
    with monkeypatch.context() as killed:
        killed.setattr(tune, "rerun", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        optbench(*words)
    optbench(*words, "optimizer=adam")  # one of the two goes on: the other one is still missing
    study = Study.load("fair", uri)
    assert study.pending == (
        "so far 9 of 18 declared results are there; a verdict waits for all of them. Run the "
        "study's command again"
    )
    optbench(*words)
    study = Study.load("fair", uri)
    assert not study.pending
    (board,) = study.leaderboards
    claims = {row.verdict.claim for row in board.rows if row.arm.optimizer == "sgd"}
    assert "no verdict" not in claims


def test_a_study_of_an_older_design_is_not_continued(optbench, uri, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr(protocol, "DRAW", 1)
        assert optbench(*TINY, "optimizer=adam").code == 0
    before = len(records(uri))
    for optimizer in ("adam", "sgd"):  # also of others: one study is of one design
        ended = optbench(*TINY, f"optimizer={optimizer}")
        assert ended.code == 2
        assert ended.err.strip() == (
            "refused: study=fair: an older version tuned each optimizer of it once, so it cannot "
            "be continued. Use a new name, such as study=fair_2; optbench-report study=fair still "
            "shows the old one."
        )
    assert len(records(uri)) == before


def test_an_older_study_without_tunings_is_continued(optbench, uri, monkeypatch):
    words = [*TINY, "optimizer=adam"]
    with monkeypatch.context() as older:
        older.setattr(protocol, "DRAW", 1)
        assert optbench(*words, "tuning.trials=0").code == 0
    assert "6 trials, 2 recorded, 4 to run" in optbench(*words).out


@pytest.mark.parametrize(
    "words",
    [
        ["optimizer=adam", "budget.steps=10,20,40"],
        ["optimizer=adam", "schedule=constant,cosine"],
        ["optimizer=adam", "model=mlp,mlp_dropout"],
        ["optimizer=adam", "model.hidden=[8],[16]"],
        ["optimizer=adam,adamax,amsgrad,nadam"],
        ["optimizer=adam", "batch_size=32,64"],
    ],
)
def test_no_two_configurations_or_comparisons_share_settings(words, optbench, uri):
    ended = optbench(*TINY, *words, "budget.eval_every=10")
    assert ended.code == 0, ended.err
    rates = Counter(
        r.config["optimizer"]["arguments"]["lr"]
        for r in records(uri)
        if r.phase is Phase.SELECT and r.tuning.index
    )
    assert set(rates.values()) == {1}
    assert len(rates) >= 4


def test_a_suite_names_tasks_and_their_budgets(tmp_path, optbench, uri):
    folder = tmp_path / "my_conf" / "suite"
    folder.mkdir(parents=True)
    (folder / "two.yaml").write_text("digits: [budget.steps=6]\nlangid: [budget.steps=4]\n")
    words = ["-m", "hydra/sweeper=study", "suite=two", "optimizer=adam", "tuning=one_shot"]
    ended = optbench("--config-dir", str(folder.parent), *words, "reporting.seeds=1", "study=s")
    assert ended.code == 0, ended.err
    steps = {r.config["task"]["name"]: r.config["budget"]["steps"] for r in records(uri, "s")}
    assert steps == {"digits": 6, "langid": 4}


@pytest.mark.parametrize("words", [["suite=embedded"], ["plan=true"], ["ablate=[lr]"]])
def test_keys_of_a_study_are_refused_elsewhere(words, optbench):
    for sweep in ([], ["-m"]):
        ended = optbench(*sweep, "task=digits", "budget.steps=5", *words)
        assert ended.code == 2
        assert "hydra/sweeper=" in ended.err


@pytest.fixture
def theirs(optbench, uri, tmp_path):
    """A baseline of Adam, by another study."""
    assert optbench(*TINY, "optimizer=adam", "study=theirs").code == 0
    path = tmp_path / "theirs.json"
    baseline.write(records(uri, "theirs"), path, {})
    return path


def test_one_command_tunes_runs_and_compares(optbench, uri, theirs):
    words = [f"compare={theirs}", "report=true", "study=mine"]
    ended = optbench(*TINY, "optimizer=sgd", *words)
    assert ended.code == 0, ended.err
    assert phases(uri, "mine") == {"select": 3, "report": 3}
    assert "theirs: 6 trials join: 6 of adam" in ended.out
    board = pd.read_csv("outputs/mine/report/leaderboard.csv")
    assert set(board["entrant"]) == {"adam", "sgd"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["optimizer=sgd", "batch_size=16"], "digits has other settings: batch_size is 16 here"),
        (["optimizer=adam", "tuning.seed=1"], "tuning.seed is 1 here and 0 there"),
        (["optimizer=sgd", "compare=embeded"], "no such baseline; did you mean 'embedded'"),
        (["optimizer=sgd", "compare=embedded.json"], "there is no such file"),
    ],
)
def test_what_could_not_be_compared_is_refused_before_anything_trains(
    words, said, optbench, uri, theirs
):
    ended = optbench(*TINY, f"compare={theirs}", "study=mine", *words)
    assert ended.code == 2
    assert said in ended.err
    assert "mine" not in tracking.list_studies(uri)


def test_a_sweep_that_explores_is_not_compared_with_a_study(optbench, uri, theirs):
    words = ["-m", *STUDY[2:], "optimizer=sgd", "seed=0,1", "study=mine", f"compare={theirs}"]
    ended = optbench(*words)
    assert ended.code == 2
    assert "only explores" in ended.err
    assert "mine" not in tracking.list_studies(uri)
    alone = optbench("task=digits", "compare=embedded")
    assert alone.code == 2
    assert "compare=embedded: `compare=` applies only to sweeps. Add -m." in alone.err


def test_adaptive_samplers_ask_and_tell_and_resume(optbench, uri):
    pytest.importorskip("optuna")
    words = [*TINY, "optimizer=adam", "tuning.sampler=tpe"]
    assert optbench(*words).code == 0
    rates = [r.config["optimizer"]["arguments"]["lr"] for r in records(uri) if r.phase == "select"]
    assert len(set(rates)) == 3
    assert 0.001 in rates
    again = optbench(*words)
    counts = re.findall(r"study fair: (\d+) trials, (\d+) recorded, (\d+) to run", again.out)
    assert counts == [("1", "1", "0"), ("2", "2", "0"), ("3", "3", "0"), ("3", "3", "0")]
    assert len(records(uri)) == 3 + 3


def test_adaptive_samplers_tune_each_repeat_on_its_own(optbench, uri):
    pytest.importorskip("optuna")
    optbench(*TINY, "optimizer=adam", "tuning.sampler=tpe", "tuning.repeats=3")
    rates = [
        (r.tuning.repeat, r.tuning.index, r.config["optimizer"]["arguments"]["lr"])
        for r in records(uri)
        if r.phase is Phase.SELECT
    ]
    assert {rate for _, index, rate in rates if index == 0} == {0.001}
    drawn = [rate for _, index, rate in rates if index]
    assert len(set(drawn)) == len(drawn) == 6


@pytest.fixture
def reads(monkeypatch):
    """Whether each read of a whole study loaded curves; claims look up their own trials."""
    seen = []
    read_trials = SQLiteStore.read_trials

    def counted(self, study, *, curves=False, hashes=None, **selection):
        if hashes is None:
            seen.append(curves)
        return read_trials(self, study, curves=curves, hashes=hashes, **selection)

    monkeypatch.setattr(SQLiteStore, "read_trials", counted)
    return seen


def test_a_study_reads_its_store_once_a_phase_and_no_curves(optbench, uri, reads):
    assert optbench(*TINY, "optimizer=adam,sgd").code == 0
    assert reads == [False, False]  # before tuning, and before reporting
    reads.clear()
    assert "6 trials, 6 recorded, 0 to run" in optbench(*TINY, "optimizer=adam,sgd").out
    assert reads == [False, False]


def test_an_adaptive_study_reads_its_store_once_a_point(optbench, uri, reads):
    pytest.importorskip("optuna")
    assert optbench(*TINY, "optimizer=adam", "tuning.sampler=tpe").code == 0
    assert reads == [False] * (1 + 3)  # at the start, and after each point


@pytest.mark.parametrize("kills", [[7], pytest.param([2, 7, 15], marks=pytest.mark.slow)])
def test_killed_it_ends_in_the_same_leaderboard(kills, uri, tmp_path):
    words = ["-m", "hydra/sweeper=study", "task=digits", "model.hidden=[8]", "budget.steps=200"]
    words += ["optimizer=adam,sgd", "tuning.trials=3", "tuning.repeats=2", "reporting.seeds=5"]
    words += ["hydra/launcher=basic", f"tracking.uri={uri}"]
    boards = []
    for study, ends in (("calm", []), ("killed", kills)):
        for after in ends:
            sweep = subprocess.Popen(
                [sys.executable, "-m", "bench", *words, f"study={study}"],
                cwd=tmp_path,
                start_new_session=True,
                stdout=subprocess.DEVNULL,
            )
            deadline = time.monotonic() + 120
            while len(tracking.read_results(uri, study)) < after:
                assert sweep.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            os.killpg(sweep.pid, signal.SIGKILL)
            sweep.wait()
        subprocess.run(
            [sys.executable, "-m", "bench", *words, f"study={study}"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            timeout=240,
        )
        assert len(records(uri, study)) == len({r.config_hash for r in records(uri, study)}) == 34
        boards.append((tmp_path / "outputs" / study / "report" / "leaderboard.csv").read_text())
    untimed = [[line.split(",")[:12] for line in board.splitlines()] for board in boards]
    assert untimed[0] == untimed[1]


def test_another_reference_asks_for_the_missing_tunings_only(optbench, uri):
    more = ["tuning.trials=2", "tuning.repeats=2", "tuning.reference_factor=2"]
    words = [*TINY, "optimizer=adam,sgd", *more]
    assert optbench(*words).code == 0
    before = {(r.config["optimizer"]["name"], r.config_hash) for r in records(uri)}
    ended = optbench(*words, "reference=sgd")
    assert ended.code == 0, ended.err
    after = {(r.config["optimizer"]["name"], r.config_hash) for r in records(uri)}
    # two more tunings of sgd, each of two settings and one report
    assert before < after
    assert [name for name, _ in after - before] == ["sgd"] * 6
    references = [one.reference for one in tracking.read_plans(uri, "fair").plans]
    assert references == ["adam", "sgd"]
    refused = optbench(*words, "reference=lion")
    assert refused.code == 2
    assert "reference=lion: no optimizer of that name takes part" in refused.err
