"""Fixtures of the sweep tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.runtime import capture
from bench.stack import probe as stack_probe
from bench.stack.probe import Gain
from tests.helpers.services.mlflow_server import MlflowServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MlflowServer]:
    """An MLflow server of the test's own."""
    one = MlflowServer(tmp_path)
    one.start()
    yield one
    one.kill()


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stacks are made whatever this machine gains by them; nothing has been printed yet."""
    monkeypatch.setattr(stack_probe, "probe", lambda specs: Gain(len(specs), 5.0, 1))
    monkeypatch.setattr(capture.LimitedStream, "lines_left", capture.MAX_LINES)
