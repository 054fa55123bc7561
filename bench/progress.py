"""What a person sees while trials run: one calm line an event."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Protocol

from rich.console import Console

from bench.spec import Outcome, Status, TrialResult, TrialSpec

COLOURS = {Status.FINISHED: "green", Status.DIVERGED: "yellow", Status.FAILED: "red"}


def say(line: str) -> None:
    """Print a line at once; colour only where a terminal shows it (and NO_COLOR is not set)."""
    Console(soft_wrap=True, highlight=False).print(line)
    sys.stdout.flush()


class Told(Protocol):
    """Hears of each trial of a sweep when it ends, by its place among those that run."""

    def __call__(self, at: int, outcome: Outcome) -> None: ...


def each(pending: Sequence[TrialSpec]) -> Told:
    """A line a trial, with its place: `` 8/12 digits · adam · …``."""
    total = str(len(pending))

    def told(at: int, outcome: Outcome) -> None:
        say(f"{at + 1:>{len(total)}}/{total} {outcome['line']}")

    return told


def assumed(specs: Iterable[TrialSpec]) -> None:
    """What is assumed of optimizers whose YAML says nothing to the harness, a line each."""
    for name in sorted({spec.optimizer.name for spec in specs if not spec.optimizer.declared}):
        say(
            f"{name}: no bench: block in conf/optimizer/{name}.yaml; assumed: one gradient a step, "
            "all parameters in one group, any schedule, nothing to tune"
        )


def is_terminal() -> bool:
    """Whether a person watches."""
    return sys.stdout.isatty()


def ended(spec: TrialSpec, result: TrialResult) -> str:
    """``digits · adam · default · seed 0: finished, test/accuracy 0.9694, 1.9 s``, as markup."""
    colour = COLOURS.get(result.status, "default")
    words = [f"[{colour}]{result.status}[/{colour}]"]
    if result.reason:
        words.append(_escaped(result.reason))
    values = dict(result.curve[-1].values if result.curve else {}) | dict(result.summary)
    measured = (f"{split}/{spec.task.target_metric.metric}" for split in ("test", "val"))
    shown = next((name for name in measured if name in values), None)
    if shown is not None:
        words.append(f"{shown} {values[shown]:.4f}")
    if "train_time_s" in values:
        words.append(f"{values['train_time_s']:.1f} s")
    return f"{_escaped(spec.label())}: {', '.join(words)}"


def _escaped(text: str) -> str:
    """Text that rich must not read as markup."""
    return text.replace("[", r"\[")
