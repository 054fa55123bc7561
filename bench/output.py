"""What a user's code prints: some lines of it are shown, a flood is not.

Lines are counted by the process, not by the trial: a sweep of a thousand trials that print a line
each is a flood as well.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

LINES = 20
"""Of what all trials of one process print."""


class Limited:
    """A stream that passes so many lines on, then one that says so, then nothing."""

    left = LINES

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        if Limited.left > 0:
            Limited.left -= text.count("\n")
            self.stream.write(text)
            if Limited.left <= 0:
                self.stream.write("… what trials print is shown no further\n")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def limited() -> Iterator[None]:
    """Inside, what is printed is limited; what the harness says goes to ``own()``."""
    with redirect_stdout(Limited(own())), redirect_stderr(Limited(own(sys.stderr))):
        yield


def own(stream: Any = None) -> Any:
    """The stream beneath, for the harness's own words."""
    stream = sys.stdout if stream is None else stream
    return stream.stream if isinstance(stream, Limited) else stream
