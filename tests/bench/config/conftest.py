"""Fixtures of the tests of configs."""

from __future__ import annotations

from pathlib import Path

import pytest

GROUPS = ("experiment", "model", "optimizer", "schedule", "task")


@pytest.fixture
def my_conf(tmp_path: Path) -> Path:
    """A user's folder of YAMLs, its groups empty."""
    for group in GROUPS:
        (tmp_path / "my_conf" / group).mkdir(parents=True)
    return tmp_path / "my_conf"
