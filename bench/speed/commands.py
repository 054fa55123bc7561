"""What a person waits for: whole commands, start-up and records included, side by side.

    python -m bench.speed.commands
    python -m bench.speed.commands --rounds 2 --only start
    python -m bench.speed.commands --before FOLDER      # and those of another checkout's .venv

Starts: one trial of one step in a study that is there, a refusal that needs torch, an answer from
the record; beside ``import torch``, the floor. Sweeps: by each launcher, on what does not repay a
stack and on what does; ``1.9x`` means that ``basic`` takes 1.9 times as long. Commands take turns;
medians count; byte code is cached by a first round that is not counted. It takes half an hour.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

TRIAL = ("task=digits", "budget.steps=1")
RATES = "optimizer.lr=1e-4,2e-4,5e-4,1e-3,2e-3,3e-3,5e-3,1e-2"
SWEEPS = {  # what stands on the command line behind -m, and the launchers
    "Fashion-MNIST CNN, 8 trials of 800 steps": (
        ("task=fashion_mnist", "budget.steps=800", "budget.eval_every=400", RATES),
        ("basic", "auto"),
    ),
    "langid Transformer, 8 trials of 400 steps": (
        ("task=langid", "model=transformer", "budget.steps=400", "budget.eval_every=200", RATES),
        ("basic", "auto"),
    ),
    "digits, 64 trials of 300 steps": (
        ("task=digits", "budget.steps=300", RATES, "seed=range(0,8)"),
        ("basic", "stacked", "auto"),
    ),
}


class Cost(NamedTuple):
    """What a command took, the largest process of it counted for memory."""

    seconds: float
    mib: float


class Checkout:
    """A checkout, and a folder of its own in which its commands run."""

    def __init__(self, name: str, checkout: Path, python: str, folder: Path) -> None:
        self.name, self._checkout, self._python = name, checkout, python
        self._folder, self.count = folder, 0
        folder.mkdir()

    def run_new(self) -> Cost | None:
        """A trial that is new in a study that is there."""
        self.count += 1
        return self.optbench(*TRIAL, f"seed={self.count}")

    def run_sweep(self, words: tuple[str, ...], launcher: str) -> Cost | None:
        self.count += 1
        new = (f"study=sweep_{self.count}", f"hydra/launcher={launcher}", "report=false")
        return self.optbench("-m", *words, *new)

    def optbench(self, *words: str, code: int = 0) -> Cost | None:
        """None where it ends otherwise, as in a checkout that does not know a launcher."""
        return self.run("-m", "bench", *words, code=code)

    def run(self, *words: str, code: int = 0) -> Cost | None:
        path = {"PYTHONPATH": str(self._checkout), "OPTBENCH_CACHE": str(self._folder / "cache")}
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        began = time.perf_counter()
        process = subprocess.Popen(
            [self._python, *words],
            cwd=self._folder,
            env=environment | path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != code:
            return None
        return Cost(time.perf_counter() - began, usage.ru_maxrss / 1024)


def measure_starts(checkouts: list[Checkout], rounds: int) -> Iterator[str]:
    """A line for each checkout and each short command."""
    kinds: dict[str, Callable[[Checkout], Cost | None]] = {
        "import torch": lambda one: one.run("-c", "import torch"),
        "one trial of one step": Checkout.run_new,
        "an answer from the record": lambda one: one.optbench(*TRIAL, f"seed={one.count}"),
        "a refusal that needs torch": lambda one: one.optbench("optimizer.betas=[2,3]", code=2),
    }
    found: dict[tuple[str, str], list[Cost | None]] = {}
    for round_ in range(rounds + 1):
        for kind, run in kinds.items():
            for checkout in checkouts[:: -1 if round_ % 2 else 1]:  # neither is always the second
                ran = run(checkout)
                if round_:
                    found.setdefault((kind, checkout.name), []).append(ran)
    for (kind, name), each in found.items():
        ran, floor = _take_median(each), _take_median(found["import torch", name])
        if ran and floor:
            ratio = ran.seconds / floor.seconds
            yield f"{name}: {kind}: {ran.seconds:.2f} s ({ratio:.1f}x torch), {ran.mib:.0f} MiB"
        else:
            yield f"{name}: {kind}: ended otherwise"


def measure_sweeps(checkouts: list[Checkout], rounds: int) -> Iterator[str]:
    """A line for each checkout, sweep and launcher."""
    for what, (words, launchers) in SWEEPS.items():
        found: dict[tuple[str, str], list[Cost | None]] = {}
        for round_ in range(rounds):
            for launcher in launchers:
                for checkout in checkouts[:: -1 if round_ % 2 else 1]:
                    ran = checkout.run_sweep(words, launcher)
                    found.setdefault((checkout.name, launcher), []).append(ran)
        for (name, launcher), each in found.items():
            ran, basic = _take_median(each), _take_median(found[name, "basic"])
            if ran and basic:
                ratio = basic.seconds / ran.seconds
                yield f"{name}: {what}: {launcher} {ran.seconds:.1f} s, {ratio:.2f}x"
            else:
                yield f"{name}: {what}: {launcher} ended otherwise"


def _take_median(each: list[Cost | None]) -> Cost | None:
    if any(ran is None for ran in each):
        return None
    seconds, mib = zip(*(ran for ran in each if ran), strict=True)
    return Cost(statistics.median(seconds), max(mib))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.speed.commands", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    starts = "of sweeps; three times as many starts"
    parser.add_argument("--rounds", type=int, default=1, help=starts)
    parser.add_argument("--only", choices=("start", "sweeps"))
    parser.add_argument("--before", type=Path, metavar="FOLDER")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        here = Path(__file__).parents[2]
        checkouts = [Checkout("now", here, sys.executable, Path(scratch) / "now")]
        if chosen.before:
            before = chosen.before.absolute()
            python = str(before / ".venv" / "bin" / "python")
            checkouts.insert(0, Checkout("before", before, python, Path(scratch) / "before"))
        if chosen.only != "sweeps":
            for line in measure_starts(checkouts, 3 * chosen.rounds):
                print(line, flush=True)
        if chosen.only != "start":
            for line in measure_sweeps(checkouts, chosen.rounds):
                print(line, flush=True)


if __name__ == "__main__":
    main()
