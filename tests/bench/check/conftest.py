"""Optimizers to be checked, and the command in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from bench.check import cost
from bench.check.findings import Report
from bench.check.suite import examine
from bench.spec import OptimizerSpec
from tests.conftest import Ended

HEAVY_BALL = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0}


@pytest.fixture(autouse=True)
def brief_timings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing here looks at them; and one thread, as the command has."""
    monkeypatch.setattr(cost, "SECONDS", 0.0)
    monkeypatch.setattr(cost, "MIN_ROUNDS", 1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def spec(target: str, arguments: dict | None = None, **rest: object) -> OptimizerSpec:
    """An optimizer of ``broken.py``, or of anywhere where the name has a dot."""
    dotted = target if "." in target else f"tests.helpers.broken_optimizers.{target}"
    return OptimizerSpec("mine", dotted, arguments or HEAVY_BALL, **rest)


def report(target: str, arguments: dict | None = None, **rest: object) -> Report:
    return examine(spec(target, arguments, **rest))


def faults(found: Report) -> dict[str, str]:
    """What failed, by the check's name."""
    return {finding.check.name: finding.detail for finding in found.failed}


@pytest.fixture
def check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """The command in this process, in an empty folder."""
    from bench.check.__main__ import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(*words: str) -> Ended:
        with pytest.raises(SystemExit) as end:
            main(words)
        return Ended(int(end.value.code or 0), *capsys.readouterr())

    return run
