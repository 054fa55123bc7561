"""The result of a command that a test ran in its own process."""

from __future__ import annotations

from typing import NamedTuple


class CommandResult(NamedTuple):
    """Exit code and output of a command."""

    code: int
    out: str
    err: str
