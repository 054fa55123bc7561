"""Lines that a person reads while trials run: one calm line an event."""

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
    make_console().print(line, markup=False)
    capture.unwrap_stream().flush()


def counted(count: float, word: str) -> str:
    """Return ``1 trial`` or ``2 trials``."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def make_console() -> Console:
    """Return a console that prints the harness's own words, also where a trial's are captured."""
    return Console(soft_wrap=True, highlight=False, file=capture.unwrap_stream())


def format_end(spec: TrialSpec, result: TrialResult) -> Text:
    """Return the line of a trial's end, its status in colour."""
    text, start = Text(describe_end(spec, result)), len(spec.label()) + 2
    text.stylize(COLOURS.get(result.status, "default"), start, start + len(result.status))
    return text


class OnTrialEnd(Protocol):
    """A callback for the end of each trial of a sweep, with its index among those that run."""

    def __call__(self, at: int, result: TrialResult) -> None: ...


def print_ends(pending: Sequence[TrialSpec]) -> OnTrialEnd:
    """Return a callback that prints a numbered line a trial: `` 8/12 digits · adam · …``."""
    total = str(len(pending))

    def on_end(at: int, result: TrialResult) -> None:
        say(Text(f"{at + 1:>{len(total)}}/{total} ") + format_end(pending[at], result))

    return on_end


def say_assumptions(specs: Iterable[TrialSpec]) -> None:
    """Print the assumptions about optimizers whose YAML has no ``bench:`` block, a line each."""
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


def format_age(*results: TrialResult) -> str:
    """Return the age of the oldest stored result: ``3 days old``."""
    return f"{format_duration(time.time() - min(one.ended_at for one in results))} old"


def format_duration(seconds: float) -> str:
    """Return ``40 seconds``, ``6 minutes``, ``2.5 hours``, ``3 days``."""
    if seconds < 90:
        whole = max(1, round(seconds))
        return f"{whole} second{'s' * (whole != 1)}"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"


def is_terminal() -> bool:
    """Say if a person watches."""
    return sys.stdout.isatty()


def describe_end(spec: TrialSpec, result: TrialResult) -> str:
    """Return ``digits · adam · default · seed 0: finished, test/accuracy 0.9694, 1.9 s``."""
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
