"""Everything that ``conf/`` offers composes, is built and trains for a few steps."""

from pathlib import Path

import numpy as np
import pytest

import conf
from bench import tracking
from bench.spec import Status
from tests.helpers.plain_loop import train_on_digits

FOLDER = Path(conf.__file__).parent


def names(group):
    return sorted(path.stem for path in (FOLDER / group).glob("*.yaml"))


def finished(uri, study):
    return [
        record
        for record in tracking.read(uri, study)
        if record.result.status is Status.FINISHED and record.result.curve
    ]


STEPS = 20


@pytest.mark.parametrize("launcher", ["basic", "stacked"])
def test_every_optimizer_trains_as_in_a_plain_loop_of_pytorch(launcher, optbench, uri):
    """The loss of every batch, and of the validation split after every step."""
    words = [f"budget.steps={STEPS}", "budget.eval_every=1", f"hydra/launcher={launcher}"]
    ended = optbench("-m", "optimizer=glob(*)", *words, "report=false", "study=all")
    assert ended.code == 0, ended.err
    records = tracking.read(uri, "all")
    assert sorted(r.config["optimizer"]["file"] for r in records) == names("optimizer")
    skipped = [r for r in records if r.result.status is Status.SKIPPED]
    # no shipped model has sparse gradients: nothing could be compared
    assert [r.config["optimizer"]["needs"] for r in skipped] == [["sparse_gradients"]]
    compared = finished(uri, "all")
    assert len(compared) == len(records) - len(skipped) >= 78
    elsewhere = {}
    for record in compared:
        file = record.config["optimizer"]["file"]
        plain = train_on_digits(FOLDER / "optimizer" / f"{file}.yaml", STEPS)
        ours = [(p.values["train/loss"], p.values["val/loss"]) for p in record.result.curve]
        assert len(ours) == STEPS
        if (gap := np.abs(np.subtract(ours, plain)).max()) > 1e-5:
            elsewhere[file] = gap
    assert elsewhere == {}


def test_every_schedule_trains(optbench, uri):
    words = ["schedule=glob(*)", "schedule.warmup=0.1", "budget.steps=20", "budget.eval_every=1"]
    assert optbench("-m", *words, "report=false", "study=all").code == 0
    rates = {
        record.config["schedule"]["name"]: [p.values["lr"] for p in record.result.curve]
        for record in finished(uri, "all")
    }
    assert sorted(rates) == names("schedule")
    assert rates.pop("constant")[-1] == pytest.approx(1e-3)
    assert all(values[-1] < 1e-3 for values in rates.values())


@pytest.mark.parametrize(("task", "inputs"), [("digits", "images"), ("langid", "tokens")])
def test_every_model_trains_on_an_embedded_task(task, inputs, optbench, uri):
    fit = [
        n
        for n in names("model")
        if f"inputs: {inputs}" in (FOLDER / "model" / f"{n}.yaml").read_text()
        and n not in ("3c3d", "allcnnc")  # they refuse 8 x 8; tests/tasks/models has them
    ]
    words = [f"task={task}", f"model={','.join(fit)}", "budget.steps=2", "batch_size=8"]
    assert optbench("-m", *words, "report=false", "study=all").code == 0
    assert sorted(r.config["model"]["name"] for r in finished(uri, "all")) == fit


@pytest.mark.parametrize("name", names("experiment"))
def test_every_experiment_composes(name, optbench, uri, monkeypatch):
    for sweeper in ("grid.GridSweeper", "study.StudySweeper"):  # it would take its whole time
        monkeypatch.setattr(f"bench.sweeps.sweepers.{sweeper}.sweep", lambda self, arguments: None)
    assert optbench("-m", f"experiment={name}").code == 0
