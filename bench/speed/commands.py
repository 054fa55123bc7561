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
from collections.abc import Iterator
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


class Ran(NamedTuple):
    """What a command took, the largest process of it counted for memory."""

    seconds: float
    mib: float


class House:
    """A checkout, and a folder of its own in which its commands run."""

    def __init__(self, name: str, checkout: Path, python: str, folder: Path) -> None:
        self.name, self._checkout, self._python = name, checkout, python
        self._folder, self._count = folder, 0
        folder.mkdir()

    def trial(self) -> Ran | None:
        """A trial that is new in a study that is there."""
        self._count += 1
        return self.optbench(*TRIAL, f"seed={self._count}")

    def answer(self) -> Ran | None:
        return self.optbench(*TRIAL, f"seed={self._count}")

    def refusal(self) -> Ran | None:
        return self.optbench("optimizer.betas=[2,3]", code=2)

    def floor(self) -> Ran | None:
        return self._run("-c", "import torch", code=0)

    def sweep(self, words: tuple[str, ...], launcher: str) -> Ran | None:
        self._count += 1
        new = (f"study=sweep_{self._count}", f"hydra/launcher={launcher}", "report=false")
        return self.optbench("-m", *words, *new)

    def optbench(self, *words: str, code: int = 0) -> Ran | None:
        """None where it ends otherwise, as in a checkout that does not know a launcher."""
        return self._run("-m", "bench", *words, code=code)

    def _run(self, *words: str, code: int) -> Ran | None:
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
        return Ran(time.perf_counter() - began, usage.ru_maxrss / 1024)


def starts(houses: list[House], rounds: int) -> Iterator[str]:
    """A line for each checkout and each short command."""
    kinds = {
        "import torch": House.floor,
        "one trial of one step": House.trial,
        "an answer from the record": House.answer,
        "a refusal that needs torch": House.refusal,
    }
    found: dict[tuple[str, str], list[Ran | None]] = {}
    for round_ in range(rounds + 1):
        for kind, run in kinds.items():
            for house in houses:
                ran = run(house)
                if round_:
                    found.setdefault((kind, house.name), []).append(ran)
    floors = {house.name: _median(found["import torch", house.name]) for house in houses}
    for (kind, name), each in found.items():
        ran, floor = _median(each), floors[name]
        if ran and floor:
            ratio = ran.seconds / floor.seconds
            yield f"{name}: {kind}: {ran.seconds:.2f} s ({ratio:.1f}x torch), {ran.mib:.0f} MiB"
        else:
            yield f"{name}: {kind}: ended otherwise"


def sweeps(houses: list[House], rounds: int) -> Iterator[str]:
    """A line for each checkout, sweep and launcher."""
    for what, (words, launchers) in SWEEPS.items():
        found: dict[tuple[str, str], list[Ran | None]] = {}
        for _ in range(rounds):
            for launcher in launchers:
                for house in houses:
                    ran = house.sweep(words, launcher)
                    found.setdefault((house.name, launcher), []).append(ran)
        for (name, launcher), each in found.items():
            ran, basic = _median(each), _median(found[name, "basic"])
            if ran and basic:
                ratio = basic.seconds / ran.seconds
                yield f"{name}: {what}: {launcher} {ran.seconds:.1f} s, {ratio:.2f}x"
            else:
                yield f"{name}: {what}: {launcher} ended otherwise"


def _median(each: list[Ran | None]) -> Ran | None:
    if any(ran is None for ran in each):
        return None
    seconds, mib = zip(*(ran for ran in each if ran), strict=True)
    return Ran(statistics.median(seconds), max(mib))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.speed.commands", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--rounds", type=int, default=1, help="of sweeps; three times as many starts"
    )
    parser.add_argument("--only", choices=("start", "sweeps"))
    parser.add_argument("--before", type=Path, metavar="FOLDER")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        here = Path(__file__).parents[2]
        houses = [House("now", here, sys.executable, Path(scratch) / "now")]
        if chosen.before:
            python = str(chosen.before.absolute() / ".venv" / "bin" / "python")
            houses.insert(0, House("before", chosen.before, python, Path(scratch) / "before"))
        if chosen.only != "sweeps":
            for line in starts(houses, 3 * chosen.rounds):
                print(line, flush=True)
        if chosen.only != "start":
            for line in sweeps(houses, chosen.rounds):
                print(line, flush=True)


if __name__ == "__main__":
    main()
