"""One small task of each family: a stack of its models computes what each computes alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.stack.run import run_stack
from bench.stack.stackable import explain_unstackable
from bench.trial.run import run_trial
from tests.helpers.families import make_trial

FAMILIES = ("segmentation", "language", "quadratic", "landscape")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stack_is_its_trials_alone(family: str, tmp_path: Path) -> None:
    options = {"point": {"lr": 3e-3}, "steps": 12, "eval_every": 4}
    specs = [make_trial(family, tmp_path, **options, seed=seed) for seed in (0, 1)]
    assert explain_unstackable(specs[0]) == ""
    for spec, together in zip(specs, run_stack(specs, threads=1), strict=True):
        alone = run_trial(spec)
        assert together.status == alone.status
        for point, expected in zip(together.curve, alone.curve, strict=True):
            for name, value in expected.values.items():
                if name != "train_time_s":
                    assert point.values[name] == pytest.approx(value, rel=1e-4, abs=1e-7), name
