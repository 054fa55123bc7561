"""What a person sees while trials run: one calm line an event."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Protocol

from rich.console import Console
from rich.text import Text

from bench.config.refusal import escape_unprintable
from bench.runtime import capture
from bench.spec import Status, TrialResult, TrialSpec

COLOURS: dict[str, str] = {
    Status.FINISHED: "green",
    Status.DIVERGED: "yellow",
    Status.FAILED: "red",
}


def say(line: str | Text) -> None:
    """Print a line at once, as it is; colour only on a terminal (and where NO_COLOR is not set)."""
    console().print(line, markup=False)
    capture.unwrap_stream().flush()


def console() -> Console:
    """Of the harness's own words, whatever becomes of those that a trial prints."""
    return Console(soft_wrap=True, highlight=False, file=capture.unwrap_stream())


def shown(spec: TrialSpec, result: TrialResult) -> Text:
    """The line of a result, its status in colour."""
    text, start = Text(ended(spec, result)), len(spec.label()) + 2
    text.stylize(COLOURS.get(result.status, "default"), start, start + len(result.status))
    return text


class Told(Protocol):
    """Hears of each trial of a sweep when it ends, by its place among those that run."""

    def __call__(self, at: int, result: TrialResult) -> None: ...


def each(pending: Sequence[TrialSpec]) -> Told:
    """A line a trial, with its place: `` 8/12 digits · adam · …``."""
    total = str(len(pending))

    def told(at: int, result: TrialResult) -> None:
        say(Text(f"{at + 1:>{len(total)}}/{total} ") + shown(pending[at], result))

    return told


def assumed(specs: Iterable[TrialSpec]) -> None:
    """What is assumed of optimizers whose YAML says nothing to the harness, a line each."""
    silent = [spec.optimizer for spec in specs if not spec.optimizer.declared]
    for name, path in sorted({(one.name, one.path) for one in silent}):
        say(
            f"{name}: no bench: block in {path}; assumed: one gradient a step, "
            "all parameters in one group, any schedule, nothing to tune"
        )


def say_data_notes(specs: Iterable[TrialSpec]) -> None:
    """Say on stderr what loaders left out of the data, a line each, once a process."""
    for line in dict.fromkeys(f"{s.task.name}: {note}" for s in specs for note in s.data_notes):
        _say_once(line)


@cache
def _say_once(line: str) -> None:
    print(escape_unprintable(line), file=sys.stderr)


def age(*known: TrialResult) -> str:
    """``3 days old``, of what is recorded; of several the oldest."""
    return f"{duration(time.time() - min(one.ended_at for one in known))} old"


def duration(seconds: float) -> str:
    """``40 seconds``, ``6 minutes``, ``2.5 hours``, ``3 days``."""
    if seconds < 90:
        whole = max(1, round(seconds))
        return f"{whole} second{'s' * (whole != 1)}"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"


def is_terminal() -> bool:
    """Whether a person watches."""
    return sys.stdout.isatty()


def ended(spec: TrialSpec, result: TrialResult) -> str:
    """``digits · adam · default · seed 0: finished, test/accuracy 0.9694, 1.9 s``."""
    words = [str(result.status)]
    if result.reason:
        words.append(result.reason.strip().split("\n", maxsplit=1)[0])
    values = {**result.final, **result.summary}
    measured = (f"{split}/{spec.task.target_metric.metric}" for split in ("test", "val"))
    shown = next((name for name in measured if name in values), None)
    if shown is not None:
        words.append(f"{shown} {values[shown]:.4f}")
    if "train_time_s" in values:
        words.append(f"{values['train_time_s']:.1f} s")
    return f"{spec.label()}: {', '.join(words)}"
