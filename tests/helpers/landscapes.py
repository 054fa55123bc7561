"""Trials on a landscape of two parameters, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.spec import CurvePoint, TrialRecord
from tasks.landscapes import LANDSCAPES
from tests.helpers.records import make_record


def trial(
    places: Sequence[tuple[float, float]], *, task: str = "valley", **options: Any
) -> TrialRecord:
    """One that was measured at these places, every 2 steps."""
    made = make_record(task=task, metric="loss", direction="minimize", target=None, **options)
    config = made.config | {
        "task": made.config["task"] | {"target": f"tasks.synthetic.{task.title()}"}
    }
    curve = []
    for i, (x, y) in enumerate(places, 1):
        value = float(LANDSCAPES[task].function(np.array(x), np.array(y)))
        curve.append(CurvePoint(2 * i, {"val/loss": value, "val/x": x, "val/y": y}))
    return replace(made, config=config, result=replace(made.result, curve=tuple(curve)))
