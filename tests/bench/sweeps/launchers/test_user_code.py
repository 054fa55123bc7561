"""What a user's code raises in a sweep is a failed trial, in every launcher; the others go on."""

import os
import sys

import pytest

from bench import tracking
from tests.helpers import raising
from tests.helpers.faulty import AnyLR
from tests.helpers.raising import SIGNALS

pytestmark = pytest.mark.usefixtures("measured")

FAST = ["-m", "task=digits", "budget.steps=6", "budget.eval_every=3", "report=false"]
LAUNCHERS = {
    "basic": ["hydra/launcher=basic"],
    "stacked": ["hydra/launcher=stacked"],
    "joblib": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=1"],
}


class RaisesIt(AnyLR):
    """Raises an exception of a given class in its third step."""

    def __init__(self, params, lr=0.1, error=""):
        super().__init__(params, lr)
        self.error = error

    def step(self, closure=None):
        super().step(closure)
        if self.steps == 3 and self.error:
            raise raising.make_exception(raising.find_class(self.error))


class Exits(AnyLR):
    """Ends its process in its third step."""

    def __init__(self, params, lr=0.1, code=0):
        super().__init__(params, lr)
        self.code = code

    def step(self, closure=None):
        super().step(closure)
        if self.steps == 3:
            os._exit(self.code)


@pytest.fixture
def write(tmp_path):
    """Writes a YAML of a group; returns the words that make its folder known."""

    def write(group, name, **values):
        folder = tmp_path / "my_conf" / group
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["# @package _global_"] if group == "task" else []
        lines += [f"{key}: {value}" for key, value in values.items()]
        (folder / f"{name}.yaml").write_text("\n".join(lines) + "\n")
        return ["--config-dir", str(tmp_path / "my_conf")]

    return write


def ends(uri, study):
    """Status and reason of each trial, by optimizer, model and seed."""
    return {
        (r.config["optimizer"]["name"], r.config["model"]["name"], r.config["seed"]): (
            str(r.result.status),
            r.result.reason,
        )
        for r in tracking.read(uri, study)
    }


@pytest.mark.parametrize(
    ("launcher", "paths"),
    [
        ("stacked", SIGNALS),
        ("joblib", SIGNALS[:4]),
        pytest.param("basic", SIGNALS, marks=pytest.mark.slow),
        pytest.param("joblib", SIGNALS, marks=pytest.mark.slow),
    ],
)
def test_each_kind_of_exception_costs_its_own_trial(launcher, paths, optbench, uri, write):
    for at, path in enumerate(paths):
        write("optimizer", f"bad{at}", _target_=f"{__name__}.RaisesIt", lr=0.1, error=path)
    words = write("optimizer", "innocent", _target_=f"{__name__}.RaisesIt", lr=0.1)
    names = [f"bad{at}" for at in range(len(paths))]
    words += [*FAST, *LAUNCHERS[launcher], f"optimizer={','.join(names)},innocent"]
    ended = optbench(*words, "model.hidden=[8]", "study=bad")
    assert ended.code == 1, ended.err
    assert "Traceback" not in ended.err
    found = ends(uri, "bad")
    assert len(found) == len(paths) + 1
    for (optimizer, _, _), (status, reason) in found.items():
        if optimizer == "innocent":
            assert status == "finished"
        else:
            path = paths[int(optimizer.removeprefix("bad"))]
            error = raising.make_exception(raising.find_class(path))
            assert (status, reason.split(":")[0]) == ("failed", type(error).__name__)


STOP, CTRL_C = "builtins.StopIteration", "builtins.KeyboardInterrupt"


@pytest.mark.parametrize(
    ("launcher", "place", "path"),
    [
        *(("stacked", place, STOP) for place in raising.SHARED_PLACES),
        ("stacked", "forward", CTRL_C),
        ("stacked", "metrics", CTRL_C),
        ("basic", "forward", CTRL_C),
        ("joblib", "forward", CTRL_C),
        ("joblib", "metrics", STOP),
    ],
)
def test_what_trials_share_costs_those_that_share_it(
    launcher, place, path, optbench, uri, write, monkeypatch
):
    write("optimizer", "innocent", _target_="tests.helpers.raising.Step", lr=0.1)
    words = write("optimizer", "other", _target_="tests.helpers.raising.Step", lr=0.05)
    monkeypatch.setenv(raising.PLAN, f"{place} 3 {path}")
    task = "{_target_: tests.helpers.raising.Task, data: {_target_: tasks.data.digits.load}, "
    task += "inputs: images, metric: accuracy, direction: maximize, target: 0.9, version: 1}"
    write("task", "raises", batch_size=32, task=task)
    write("model", "raises", _target_="tests.helpers.raising.Model", inputs="images")
    words += [*FAST, *LAUNCHERS[launcher], "optimizer=innocent,other"]
    words = [word for word in words if word != "task=digits"]
    ended = optbench(*words, "task=raises", "model=raises", "study=bad")
    assert ended.code == 1, ended.out + ended.err
    found = ends(uri, "bad")
    assert len(found) == 2
    name = path.rpartition(".")[2]
    assert {(status, reason.split(":")[0]) for status, reason in found.values()} == {
        ("failed", name)
    }


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux")
@pytest.mark.parametrize("code", [0, 3])
def test_a_worker_that_ends_itself_costs_its_own_trial(code, optbench, uri, write):
    write("optimizer", "exits", _target_=f"{__name__}.Exits", lr=0.1, code=code)
    words = write("optimizer", "innocent", _target_=f"{__name__}.RaisesIt", lr=0.1)
    words += [*FAST, *LAUNCHERS["joblib"], "optimizer=exits,innocent"]
    ended = optbench(*words, "model.hidden=[8]", "study=exits")
    assert ended.code == 1
    found = ends(uri, "exits")
    assert found["innocent", "mlp", 0][0] == "finished"
    assert found["exits", "mlp", 0] == ("failed", f"its worker process ended: exit code {code}")
