"""Fixtures of the report tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.spec import TrialRecord
from tests.helpers.records import make_record


@pytest.fixture(scope="session")
def record() -> Callable[..., TrialRecord]:
    """The maker of one record."""
    return make_record


@pytest.fixture(scope="session")
def study() -> list[TrialRecord]:
    """Two tasks, three optimizers, two learning rates, three seeds; one diverged, one failed."""
    records = []
    for task in ("digits", "langid"):
        for optimizer, base in (("adam", 0.95), ("sgd", 0.90), ("lion", 0.951)):
            for lr in (1e-3, 1e-2):
                for seed in range(3):
                    noise = 0.002 * ((seed * 7 + len(optimizer) + len(task)) % 5 - 2)
                    value = base + noise - (0.02 if lr == 1e-2 else 0)
                    broken = optimizer == "sgd" and lr == 1e-2 and seed == 2
                    records.append(
                        make_record(
                            task=task,
                            optimizer=optimizer,
                            seed=seed,
                            point={"lr": lr} if lr != 1e-3 else {},
                            val=value,
                            test=value - 0.01 + 0.001 * seed,
                            status=("diverged" if task == "digits" else "failed")
                            if broken
                            else "finished",
                            reason="train/loss is nan at step 150" if broken else "",
                            traceback="Traceback ...\nRuntimeError" if broken else "",
                        )
                    )
    return records
