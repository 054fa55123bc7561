"""How long a large study takes to read and to report: ``python -m bench.speed.report``.

Writes a study of made-up trials into a temporary SQLite store, then times ``tracking.read``,
the look-up of answers and the whole report. ``--store FILE`` keeps the store, or times one that is
there, so that another version of this repository can be timed on the same records.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import tracking
from bench.spec import (
    Budget,
    Component,
    CurvePoint,
    OptimizerSpec,
    RunContext,
    Status,
    Target,
    TaskSpec,
    TrialResult,
    TrialSpec,
    last_metrics,
)
from reports.output.report import make_report

STUDY = "large"
OPTIMIZERS = ("adam", "adamw", "lion", "nadam", "sgd")
RATES = tuple(10.0 ** -(k / 2) for k in range(2, 10))
SEEDS = 25
EVERY = 10
"""Steps between evaluations."""


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--evaluations", type=int, default=20)
    parser.add_argument("--store", type=Path, help="where it is kept; default: nowhere")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.store or Path(folder, "store.db")
        uri = f"sqlite:///{path}"
        if not path.exists():
            time_action("write", lambda: write(uri, given.trials, given.evaluations))
        tracking.prepare(uri, STUDY)
        time_action("read", lambda: tracking.read(uri, STUDY))
        time_action("answers", lambda: tracking.read_results(uri, STUDY))
        report = Path(folder, "report")
        time_action("whole report", lambda: make_report(uri, STUDY, report))


def time_action(what: str, action: Callable[[], object]) -> None:
    """Print how long it took."""
    start = time.perf_counter()
    action()
    print(f"{what:>12} {time.perf_counter() - start:8.2f} s", flush=True)


def write(uri: str, trials: int, evaluations: int) -> None:
    """A study of so many trials; the same numbers every time."""
    specs = [make_spec(at, evaluations) for at in range(trials)]
    numbers = random.Random(0)
    with tracking.open_recorder(uri, specs, "none") as records:
        for slot in range(trials):
            records.finish(slot, make_result(numbers, evaluations))


def make_spec(at: int, evaluations: int) -> TrialSpec:
    """One of the trials: every seed of a point, then the next point, then the next optimizer."""
    place, seed = divmod(at, SEEDS)
    place, point = divmod(place, len(RATES))
    name = f"{OPTIMIZERS[place % len(OPTIMIZERS)]}{place // len(OPTIMIZERS) or ''}"
    values = {"lr": RATES[point]}
    return TrialSpec(
        task=TaskSpec(
            "made_up",
            "tasks.image.ImageClassification",
            data=Component("", "tasks.data.digits.load"),
            target_metric=Target("accuracy", "maximize", 0.9),
        ),
        model=Component("mlp", "tasks.models.image.MLP", {"hidden": [64]}),
        optimizer=OptimizerSpec(name, f"torch.optim.{name}", values, point=values),
        schedule=Component("constant", "bench.schedules.constant"),
        batch_size=32,
        budget=Budget(evaluations * EVERY, EVERY),
        seed=seed,
        precision="32-true",
        stop_at_target=False,
        data_fingerprint="made up",
        context=RunContext(STUDY),
    )


def make_result(numbers: random.Random, evaluations: int) -> TrialResult:
    """A falling loss and what goes with it, some noise added."""
    end = evaluations * EVERY
    curve = []
    for step in range(EVERY, end + 1, EVERY):
        loss = 2.3 * 0.9 ** (step / EVERY) + numbers.uniform(0, 0.1)
        values = {"train/loss": loss, "val/loss": 1.1 * loss, "val/accuracy": 1 - loss / 4}
        curve.append(CurvePoint(step, {**values, "lr": 0.01, "train_time_s": step / 100}))
    test = {"test/loss": 1.2 * loss, "test/accuracy": 0.98 - loss / 4}
    summary = {"train_time_s": end / 100, "step_time_ms": 10.0, "peak_memory_mib": 100.0}
    return TrialResult(
        Status.FINISHED,
        "",
        tuple(curve),
        summary,
        {"device": "none"},
        final=last_metrics(curve) | test,
    )


if __name__ == "__main__":
    main()
