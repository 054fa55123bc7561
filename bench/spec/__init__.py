"""Trials, results and the rules of a fair comparison as plain data. Standard library only.

Nothing here holds a tensor, a config object or a tracking client: a spec can be hashed, pickled,
sent to a worker and compared with what a store recorded months ago.
"""

from bench.spec.errors import NotApplicable, RefusedInput, raise_refused
from bench.spec.result import (
    ENDS,
    CurvePoint,
    Status,
    TrialRecord,
    TrialResult,
    last_metrics,
)
from bench.spec.trial import (
    MOST_STEPS,
    PROTOCOL_VERSION,
    STUDY,
    Budget,
    Component,
    Hardware,
    OptimizerSpec,
    Phase,
    RunContext,
    Target,
    TaskSpec,
    TrialOrigin,
    TrialSpec,
    Tuning,
    check_study,
    digest,
    point_label,
)

__all__ = [
    "ENDS",
    "MOST_STEPS",
    "PROTOCOL_VERSION",
    "STUDY",
    "Budget",
    "Component",
    "CurvePoint",
    "Hardware",
    "NotApplicable",
    "OptimizerSpec",
    "Phase",
    "RefusedInput",
    "RunContext",
    "Status",
    "Target",
    "TaskSpec",
    "TrialOrigin",
    "TrialRecord",
    "TrialResult",
    "TrialSpec",
    "Tuning",
    "check_study",
    "digest",
    "last_metrics",
    "point_label",
    "raise_refused",
]
