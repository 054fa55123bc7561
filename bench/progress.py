"""What a person sees while trials run: one calm line an event."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console

from bench.spec import Status, TrialResult, TrialSpec

COLOURS = {Status.FINISHED: "green", Status.DIVERGED: "yellow", Status.FAILED: "red"}


def say(line: str) -> None:
    """Print a line at once; colour only where a terminal shows it (and NO_COLOR is not set)."""
    Console(soft_wrap=True, highlight=False).print(line)
    sys.stdout.flush()


class Numbering:
    """The places of trials in their sweep: `` 8/12 `` stands before the line of the eighth.

    Args:
        total: trials that the sweep runs.
        first: how many of them were launched before these.
    """

    def __init__(self, total: int, first: int = 0) -> None:
        self.total, self.first = total, first

    def prefix(self, at: int) -> str:
        """What stands before a trial's line, by its place from 0."""
        return f"{self.first + at + 1:>{len(str(self.total))}}/{self.total} "


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
    """``digits · adam · default · seed 0: finished, test/accuracy 0.9694, 1.9 s``, with colour."""
    colour = COLOURS.get(result.status, "default")
    words = [f"[{colour}]{result.status}[/{colour}]"]
    if result.reason:
        words.append(_escaped(result.reason))
    values = dict(result.curve[-1].values if result.curve else {}) | dict(result.summary)
    test = f"test/{spec.task.target_metric.metric}"
    if test in values:
        words.append(f"{test} {values[test]:.4f}")
    if "train_time_s" in values:
        words.append(f"{values['train_time_s']:.1f} s")
    return f"{_escaped(spec.label())}: {', '.join(words)}"


def _escaped(text: str) -> str:
    """Text that rich must not read as markup."""
    return text.replace("[", r"\[")
