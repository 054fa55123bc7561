"""Fixtures of the tests of bench."""

from __future__ import annotations

import gzip
import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.services.postgres import Postgres, find_programs

FIXTURE = Path(__file__).parent / "fixtures" / "store.db.gz"


@pytest.fixture
def old(tmp_path: Path) -> str:
    """The address of a store that an earlier version wrote: 33 trials, one of them failed."""
    path = tmp_path / "old.db"
    with gzip.open(FIXTURE) as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own."""
    if find_programs() is None or importlib.util.find_spec("psycopg") is None:
        pytest.skip("needs Debian's package postgresql and pip install 'optbench[postgres]'")
    one = Postgres()
    one.start()
    yield one
    one.remove()
