"""Fixtures of the sweep tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.mlflow_server import MlflowServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MlflowServer]:
    """An MLflow server of the test's own."""
    one = MlflowServer(tmp_path)
    one.start()
    yield one
    one.kill()
