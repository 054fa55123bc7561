"""Fixtures of the tests of ``optbench-check``: short timings, and the command in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from bench.check import cost
from tests.helpers.commands import CommandResult


@pytest.fixture(autouse=True)
def brief_timings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Shorten the timings, which no test here reads, and use one thread, as the command does."""
    monkeypatch.setattr(cost, "SECONDS", 0.0)
    monkeypatch.setattr(cost, "MIN_ROUNDS", 1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., CommandResult]:
    """The command in this process, in an empty folder."""
    from bench.check.__main__ import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(*words: str) -> CommandResult:
        with pytest.raises(SystemExit) as end:
            main(words)
        return CommandResult(int(end.value.code or 0), *capsys.readouterr())

    return run
