"""Output of a user's code: limited to some lines, or captured.

Lines are counted by the process, not by the trial: a thousand trials that print one line each are a
flood as well.
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
"""Lines that all trials of one process may print."""

COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class LimitedStream:
    """A stream that passes ``MAX_LINES`` lines on, then a note, then nothing."""

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
    """Limit what is printed; the harness itself prints to ``unwrap_stream()``."""
    with (
        redirect_stdout(LimitedStream(unwrap_stream())),
        redirect_stderr(LimitedStream(unwrap_stream(sys.stderr))),
    ):
        yield


@contextmanager
def capture_output() -> Iterator[list[str]]:
    """Hide what is printed; afterwards its distinct lines, without colours, are in the list.

    The process's descriptors are redirected too: compilers and loggers write past ``sys.stderr``.
    """
    lines: list[str] = []
    with tempfile.TemporaryFile("w+", errors="replace", buffering=1) as file:
        with _redirect_descriptors(file.fileno()), redirect_stdout(file), redirect_stderr(file):
            try:
                yield lines
            finally:
                file.flush()
        file.seek(0)
        plain = (line.strip() for line in COLOURS.sub("", file.read()).splitlines())
        lines += dict.fromkeys(line for line in plain if line)


@contextmanager
def capture_python_output() -> Iterator[io.StringIO]:
    """Write what Python prints and logs (from INFO on) to what this yields."""
    output = io.StringIO()
    handler, logger = logging.StreamHandler(output), logging.getLogger()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with redirect_stdout(output), redirect_stderr(output):
            yield output
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def _redirect_descriptors(to: int) -> Iterator[None]:
    """Redirect the process's own standard output and error."""
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
    """Return the stream beneath the limit, for the harness's own messages."""
    stream = sys.stdout if stream is None else stream
    return stream.stream if isinstance(stream, LimitedStream) else stream
