"""What several tests of sweeps stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.sweeps.launchers.test_store_lost import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """An MLflow server of the test's own."""
    one = Server(tmp_path)
    one.start()
    yield one
    one.kill()
