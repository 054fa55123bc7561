"""What a user's code prints: some lines of it are shown, a flood is not; or all of it is kept.

Lines are counted by the process, not by the trial: a sweep of a thousand trials that print a line
each is a flood as well.
"""

from __future__ import annotations

import io
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

MAX_LINES = 20
"""Of what all trials of one process print."""

COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class LimitedStream:
    """A stream that passes so many lines on, then one that says so, then nothing."""

    lines_left = MAX_LINES

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        if LimitedStream.lines_left > 0:
            lines = text.splitlines(keepends=True)[: LimitedStream.lines_left]
            LimitedStream.lines_left -= sum(line.endswith("\n") for line in lines)
            self.stream.write("".join(lines))
            if LimitedStream.lines_left <= 0:
                self.stream.write("… what trials print is shown no further\n")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def limit_output() -> Iterator[None]:
    """Inside, what is printed is limited; what the harness says goes to ``own()``."""
    with (
        redirect_stdout(LimitedStream(unwrap_stream())),
        redirect_stderr(LimitedStream(unwrap_stream(sys.stderr))),
    ):
        yield


class CapturedOutput:
    """What was printed, of which each line is kept once."""

    def __init__(self) -> None:
        self.lines: tuple[str, ...] = ()

    def read(self, text: str) -> None:
        """Without colours, and without empty lines."""
        plain = (line.strip() for line in COLOURS.sub("", text).splitlines())
        self.lines = tuple(dict.fromkeys(line for line in plain if line))


@contextmanager
def capture_output() -> Iterator[CapturedOutput]:
    """Inside, nothing that is printed is shown; afterwards it is in what this yields.

    By Python and by the process: compilers and loggers write past ``sys.stderr``.
    """
    found = CapturedOutput()
    with tempfile.TemporaryFile("w+", errors="replace", buffering=1) as file:
        with _redirect_descriptors(file.fileno()), redirect_stdout(file), redirect_stderr(file):
            try:
                yield found
            finally:
                file.flush()
        file.seek(0)
        found.read(file.read())


@contextmanager
def capture_python_output() -> Iterator[io.StringIO]:
    """Inside, what Python prints and logs (from INFO on) is written to what this yields."""
    found = io.StringIO()
    handler, logger = logging.StreamHandler(found), logging.getLogger()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with redirect_stdout(found), redirect_stderr(found):
            yield found
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def _redirect_descriptors(to: int) -> Iterator[None]:
    """Inside, the process's own standard output and error lead elsewhere."""
    sys.stdout.flush()
    sys.stderr.flush()
    before = {number: os.dup(number) for number in (1, 2)}
    for number in before:
        os.dup2(to, number)
    try:
        yield
    finally:
        for number, copy in before.items():
            os.dup2(copy, number)
            os.close(copy)


def unwrap_stream(stream: Any = None) -> Any:
    """The stream beneath, for the harness's own words."""
    stream = sys.stdout if stream is None else stream
    return stream.stream if isinstance(stream, LimitedStream) else stream
