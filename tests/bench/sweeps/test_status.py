"""``optbench-status``: phases, failures with reasons, what the next call would do."""

from dataclasses import replace

import pytest

from bench.spec import Phase
from bench.stack import probe as stack_probe
from bench.sweeps import status
from tests.helpers.studies import tunings


@pytest.fixture
def said(uri, capsys, monkeypatch):
    monkeypatch.setattr(stack_probe, "probe", lambda specs: stack_probe.Gain(4, 5.0, 1))

    def run(*words, store=uri):
        with pytest.raises(SystemExit) as end:
            status.main([*words, f"tracking.uri={store}"])
        return end.value.code, *capsys.readouterr()

    return run


STUDY = ["-m", "hydra/sweeper=study", "task=digits", "budget.steps=10", "report=false", "study=s"]
STUDY += ["tuning.repeats=1", "tuning.reference_factor=1"]


def test_a_complete_study(optbench, said):
    optbench(*STUDY, "optimizer=adam,sgd", "tuning.trials=2", "reporting.seeds=3")
    code, out, _ = said("study=s")
    assert code == 0
    assert "study s: 12 finished" in out
    assert "select   4 of 4 done" in out
    assert "report   8 of 8 done" in out
    assert out.strip().endswith("complete")


def test_failures_and_what_is_missing(optbench, said, tmp_path):
    folder = tmp_path / "my_conf" / "optimizer"
    folder.mkdir(parents=True)
    (folder / "raises.yaml").write_text("_target_: tests.helpers.faulty.Raises\nlr: 0.1\nat: 5\n")
    words = ["--config-dir", str(folder.parent), *STUDY, "tuning.trials=0", "reporting.seeds=2"]
    optbench(*words, "optimizer=raises")
    code, out, _ = said("study=s")
    assert code == 0
    assert "failed: digits · raises · seed 0 and 1 more: ArithmeticError: step 5 went wrong" in out
    assert "the same command runs 2 failed trials again" in out
    optbench(*words, "optimizer=raises")  # again: later outcomes stand, none is counted twice
    assert "study s: 2 failed" in said("study=s")[1]


def test_a_grid_has_no_total(optbench, said):
    optbench("-m", "task=digits", "budget.steps=5", "seed=0,1", "report=false", "study=g")
    _, out, _ = said("study=g")
    assert "explore  2 done: 2 finished" in out


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["sudy=s"], "did you mean 'study'"),
        (["study="], "write study=VALUE"),
        ([], "write study=NAME"),
        (["study=nowhere"], "it holds"),
    ],
)
def test_mistakes_are_refused(words, remedy, said):
    code, _, err = said(*words)
    assert code == 2
    assert remedy in err


def test_a_missing_store_is_not_made(said, tmp_path):
    code, _, err = said("study=s", store=f"sqlite:///{tmp_path / 'none.db'}")
    assert code == 2
    assert "there is no file" in err
    assert not (tmp_path / "none.db").exists()


def test_a_setting_that_is_not_the_choice_any_more_does_not_count():
    # the second setting is best; the third was reported before the trial of the second ran again
    records = tunings("adam", [0.9])
    former = next(one for one in records if one.tuning.index == 2)
    tuning = replace(former.tuning, index=2)
    records.append(replace(former, run_id="former", phase=Phase.REPORT, tuning=tuning))
    current = status.select_current(records)
    assert [one for one in records if one not in current] == records[-1:]


def test_budgets_of_one_study_are_tuned_and_counted_apart(optbench, said):
    words = [*STUDY, "optimizer=adam", "reporting.seeds=2", "tuning.trials=4"]
    optbench(*words, "budget.steps=2,40")
    _, out, _ = said("study=s")
    assert "select   8 of 8 done" in out
    assert "report   6 of 6 done" in out
    assert "not the choice" not in out and out.strip().endswith("complete")


def test_every_tuning_is_counted_and_those_of_the_reference(optbench, said):
    words = [*STUDY, "optimizer=adam,sgd", "reporting.seeds=2", "tuning.trials=2"]
    words += ["tuning.repeats=2", "tuning.reference_factor=2"]
    optbench(*words)
    _, out, _ = said("study=s")
    assert "select   12 of 12 done" in out
    assert "report   10 of 10 done" in out
    assert out.strip().endswith("complete")


def test_a_study_of_several_commands_counts_against_all_plans(optbench, said):
    words = [*STUDY, "reporting.seeds=2", "tuning.trials=0"]
    optbench(*words, "optimizer=adam")
    optbench(*words, "optimizer=sgd", "task=langid")
    _, out, _ = said("study=s")
    assert "report   4 of 4 done" in out
    assert out.strip().endswith("complete")
