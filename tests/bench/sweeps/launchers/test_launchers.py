"""One sweep by every launcher: the same trials table, but for what was timed."""

from __future__ import annotations

import importlib.util
import re

import pandas as pd
import pytest

from bench import tracking
from bench.stack import probe as stack_probe
from bench.stack.probe import Gain
from reports.analysis.study import Study

SWEEP = ["-m", "task=digits", "model.hidden=[8]", "optimizer=adam,momentum"]
SWEEP += ["optimizer.lr=1e-3,1e-2", "seed=0,1", "budget.steps=40", "report=false"]
LAUNCHERS = {
    "stacked": None,
    "joblib": None,
    "auto": None,
    "ray": "ray",
    "submitit_local": "submitit",
}
"""And the package that each needs."""
TIMED = re.compile(
    r"run_id|study|launcher|.*(_s|_ms|_mib)|stack_size|env\.(threads|commit)|ended_at"
)
"""Columns that may differ."""


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_probe, "probe", lambda specs: Gain(len(specs), 5.0, 1))


def table(uri: str, study: str) -> pd.DataFrame:
    trials = Study.of(tracking.read(uri, study)).trials
    kept = [name for name in trials.columns if not TIMED.fullmatch(name)]
    return trials[kept].sort_values(["optimizer", "config_hash"], ignore_index=True)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_table_is_that_of_the_basic_launcher(launcher, optbench, uri) -> None:
    package = LAUNCHERS[launcher]
    if package and importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install 'optbench[ray,slurm]'")
    for name in ("basic", launcher):
        ended = optbench(*SWEEP, f"hydra/launcher={name}", f"study={name}")
        assert ended.code == 0, ended.err
    expected, found = table(uri, "basic"), table(uri, launcher)
    assert len(expected) == 8
    assert len(expected.columns) > 40
    assert set(expected["status"]) == {"finished"}
    pd.testing.assert_frame_equal(found, expected, rtol=1e-5)
