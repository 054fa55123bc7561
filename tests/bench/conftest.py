"""Fixtures of the tests of bench."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

FIXTURE = Path(__file__).parent / "fixtures" / "store.db.gz"


@pytest.fixture
def old(tmp_path: Path) -> str:
    """The address of a store that an earlier version wrote: 33 trials, one of them failed."""
    path = tmp_path / "old.db"
    with gzip.open(FIXTURE) as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return f"sqlite:///{path}"
