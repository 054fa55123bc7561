"""What the record of a trial costs: ``python -m bench.speed.recording URI [TRIALS] [STACK]``.

Records trials that were never trained (20 evaluations of 5 metrics each) in a new study of a store,
``STACK`` at a time, and prints the milliseconds a trial of the first and of the last fifth; then
what it takes to look all of them up again, as a sweep does that is called once more.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace

from bench import tracking
from bench.spec import Component, CurvePoint, RunContext, Status, TrialResult, TrialSpec
from bench.speed.harness import DIGITS, make_spec

POINTS = 20
METRICS = ("train/loss", "val/loss", "val/accuracy", "lr", "train_time_s")


def main(uri: str, trials: int = 1000, stack: int = 1) -> None:
    """Record, look up, print."""
    mlp = Component("mlp", "tasks.models.image.MLP", {"hidden": [16]})
    first = make_spec(DIGITS, mlp, batch_size=32, steps=10 * POINTS)
    first = replace(first, context=RunContext(f"recording-{uuid.uuid4().hex[:8]}"))
    specs = [replace(first, seed=seed) for seed in range(trials)]
    tracking.resume(uri, first.context.study)
    fifth = max(1, trials // (5 * stack))
    seconds = [_record(uri, specs[at : at + stack]) for at in range(0, trials, stack)]
    print(f"{uri.partition(':')[0]}: {trials} trials, {stack} at a time")
    for name, part in (("first", seconds[:fifth]), ("last", seconds[-fifth:])):
        print(f"  {name} fifth: {1000 * sum(part) / (len(part) * stack):.1f} ms a trial")
    began = time.perf_counter()
    found = len(tracking.resume(uri, first.context.study))
    print(f"  looked up again: {found} in {time.perf_counter() - began:.2f} s")


def _record(uri: str, specs: Sequence[TrialSpec]) -> float:
    """Seconds for so many trials that end together."""
    curve = tuple(CurvePoint(10 * (at + 1), dict.fromkeys(METRICS, 0.5)) for at in range(POINTS))
    environment = {f"env{at}": "as long as a version" for at in range(10)}
    summary = dict.fromkeys(("train_time_s", "step_time_ms", "gradients", "test_examples"), 1.0)
    began = time.perf_counter()
    with tracking.open_recorder(uri, specs, "basic") as records:
        for slot in records.slots:
            result = TrialResult(Status.FINISHED, "", curve, summary, environment)
            records.finish(slot, result)
    return time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
