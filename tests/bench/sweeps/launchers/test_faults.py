"""A trial that misbehaves ends itself and nothing else, in every launcher."""

from collections import Counter

import pytest

from bench import tracking
from bench.runtime import capture
from bench.sweeps.launchers import memory_growth

pytestmark = pytest.mark.usefixtures("measured")

FAST = ["-m", "task=digits", "model.hidden=[8]", "budget.steps=20", "report=false"]
IN_PROCESS = {"basic": [], "stacked": ["hydra/launcher=stacked"]}
ONE_WORKER = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=1"]
"""All trials in one process, but not this one."""
LAUNCHERS = IN_PROCESS | {"joblib": ONE_WORKER}


@pytest.fixture
def yaml(tmp_path):
    """Writes an optimizer's YAML; returns the words that make its folder known."""
    folder = tmp_path / "my_conf" / "optimizer"
    folder.mkdir(parents=True)

    def write(name, cls, **values):
        lines = [f"_target_: tests.helpers.faulty.{cls}", "lr: 0.1"]
        lines += [f"{key}: {value}" for key, value in values.items()]
        (folder / f"{name}.yaml").write_text("\n".join(lines) + "\n")
        return ["--config-dir", str(folder.parent)]

    write("innocent", "AnyLR")
    return write


def statuses(uri, study):
    return Counter(str(record.result.status) for record in tracking.read(uri, study))


def curves(uri, study):
    """Of the innocent trials, by seed."""
    return {
        record.config["seed"]: [
            {name: v for name, v in point.values.items() if name != "train_time_s"}
            for point in record.result.curve
        ]
        for record in tracking.read(uri, study)
        if record.config["optimizer"]["name"] == "innocent"
    }


REASONS = {
    "exit": "SystemExit: it called sys.exit(0)",
    "base": "Unusual: of no usual kind",
    "markup": r"ValueError: odd \[/red] and [bold] and \\[/x] \ud800",
    "wordless": "Wordless: (its message cannot be shown)",
}


@pytest.mark.parametrize("launcher", IN_PROCESS)
@pytest.mark.parametrize("how", REASONS)
def test_however_it_ends_it_is_one_failed_trial(how, launcher, optbench, uri, yaml):
    words = [*yaml("ends", "Ends", how=how, at=3), *FAST, "optimizer=ends,innocent", "seed=0,1"]
    ended = optbench(*words, *LAUNCHERS[launcher], "study=ends")
    assert ended.code == 1, ended.err
    assert statuses(uri, "ends") == {"finished": 2, "failed": 2}
    reasons = {record.result.reason for record in tracking.read(uri, "ends")} - {""}
    assert reasons == {REASONS[how]}
    assert REASONS[how] in ended.out
    assert "2 failed:" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("how", REASONS)
def test_one_that_ends_as_it_is_made_is_refused(how, optbench, uri, yaml):
    ended = optbench(*yaml("ends", "Ends", how=how, at=0), *FAST, "optimizer=ends,innocent")
    assert ended.code == 2
    assert "optimizer/ends.yaml" in ended.err
    assert "Traceback" not in ended.err
    assert tracking.read(uri, "scratch") == []


def test_a_trial_alone_that_exits_has_failed(optbench, uri, yaml):
    ended = optbench(*yaml("ends", "Ends", how="exit", at=3), *FAST[1:], "optimizer=ends")
    assert ended.code == 1
    assert statuses(uri, "scratch") == {"failed": 1}


GLOBAL = ["dtype", "grad", "threads", "generators", "denormals", "folder", "warnings", "numpy"]
GLOBAL += ["device"]


@pytest.fixture
def clean(optbench, uri, yaml):
    """What innocent trials give in a process that nobody has touched."""
    optbench(*yaml("innocent", "AnyLR"), *FAST, "optimizer=innocent", "seed=0,1", "study=clean")
    return curves(uri, "clean")


@pytest.mark.parametrize("launcher", ["basic", pytest.param("joblib", marks=pytest.mark.slow)])
def test_what_any_trial_changes_globally_no_other_sees(launcher, clean, optbench, uri, yaml):
    for at in (0, 3):
        for what in GLOBAL:
            words = yaml(f"{what}{at}", "Contaminates", what=what, at=at)
    names = ",".join(f"{what}{at}" for at in (0, 3) for what in GLOBAL)
    words += [*FAST, *LAUNCHERS[launcher], f"optimizer={names},innocent", "seed=0,1"]
    ended = optbench(*words, "study=touched")
    assert "Traceback" not in ended.err
    assert curves(uri, "touched") == clean
    assert len(tracking.read(uri, "touched")) == 2 * 19


@pytest.mark.slow
@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize("what", GLOBAL)
def test_what_one_trial_changes_globally_no_other_sees(what, at, clean, optbench, uri, yaml):
    words = [*yaml("bad", "Contaminates", what=what, at=at), *FAST]
    ended = optbench(*words, "optimizer=bad,innocent", "seed=0,1", "study=touched")
    assert "Traceback" not in ended.err
    assert curves(uri, "touched") == clean
    assert len(tracking.read(uri, "touched")) == 4


def test_nor_one_of_its_own_stack(clean, optbench, uri, yaml):
    others = [what for what in GLOBAL if what != "device"]  # that ends a stack, then one by one
    for what in others:
        words = yaml(what, "Contaminates", what=what, at=3)
    words = [*words, *FAST, *LAUNCHERS["stacked"], f"optimizer={','.join(others)},innocent"]
    ended = optbench(*words, "seed=0,1", "study=touched")
    assert "18 trials at once" in ended.out
    sizes = [r.result.summary.get("stack_size") for r in tracking.read(uri, "touched")]
    assert sizes == [18] * 18
    assert "Traceback" not in ended.err
    touched = curves(uri, "touched")
    assert touched.keys() == clean.keys()
    for seed, points in clean.items():
        for expected, found in zip(points, touched[seed], strict=True):
            assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_flood_of_prints_is_cut(optbench, uri, yaml):
    words = [*yaml("prints", "Ends", how="prints", at=3), *FAST, "optimizer=prints", "seed=0,1"]
    ended = optbench(*words)
    assert ended.code == 0
    assert ended.out.count("line ") == capture.MAX_LINES
    assert "what trials print is shown no further" in ended.out
    assert "2/2 digits · prints" in ended.out


@pytest.mark.parametrize("launcher", IN_PROCESS)
def test_a_trial_that_runs_forever_is_ended(launcher, optbench, uri, yaml):
    words = [*yaml("stuck", "Ends", how="forever", at=3), *FAST, "optimizer=stuck,innocent"]
    words += ["trainer.max_seconds=4", *LAUNCHERS[launcher], "study=stuck"]
    ended = optbench(*words)
    assert ended.code == 1
    assert statuses(uri, "stuck") == {"finished": 1, "failed": 1}
    assert "TimeLimitExceeded: trainer.max_seconds=4 are over" in ended.err


def test_a_limit_has_to_be_a_time(optbench):
    ended = optbench("trainer.max_seconds=0")
    assert ended.code == 2
    assert "trainer.max_seconds: 0" in ended.err


def test_memory_that_grows_by_the_trial_is_said_once(monkeypatch):
    held = iter([500, 900, *(1000 + 50 * trial for trial in range(20))])
    monkeypatch.setattr(memory_growth, "resident_mib", lambda: next(held))
    growth = memory_growth.MemoryGrowth()
    words = [growth.check() for _ in range(15)]
    (said,) = [word for word in words if word]
    assert "MiB a trial" in said
    assert words.index(said) == memory_growth.TRIALS


def test_memory_that_stands_still_is_not_mentioned(monkeypatch):
    held = iter([500, 900, 901, 950, 930, 931, 990, 991, 991, 991, 1020])
    monkeypatch.setattr(memory_growth, "resident_mib", lambda: next(held))
    growth = memory_growth.MemoryGrowth()
    assert not any(growth.check() for _ in range(11))
