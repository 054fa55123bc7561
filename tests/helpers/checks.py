"""Optimizers to be checked, and their reports."""

from __future__ import annotations

from bench.check.findings import Report
from bench.check.suite import examine
from bench.spec import OptimizerSpec

HEAVY_BALL = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0}


def spec(target: str, arguments: dict | None = None, **rest: object) -> OptimizerSpec:
    """Describe an optimizer of ``tests.helpers.broken_optimizers``, or of a dotted path."""
    dotted = target if "." in target else f"tests.helpers.broken_optimizers.{target}"
    return OptimizerSpec("mine", dotted, arguments or HEAVY_BALL, **rest)


def report(target: str, arguments: dict | None = None, **rest: object) -> Report:
    """Run every check on it."""
    return examine(spec(target, arguments, **rest))


def faults(report: Report) -> dict[str, str]:
    """Map each failed check's name to its detail."""
    return {finding.check.name: finding.detail for finding in report.failed}
