"""How a trial ended, as a sweep and a person hear of it; when the record is the answer."""

from __future__ import annotations

from bench import progress
from bench.spec import Outcome, TrialResult, TrialSpec


def outcome(spec: TrialSpec, result: TrialResult) -> Outcome:
    """The result as a sweep hears of it."""
    return Outcome(
        label=spec.label(),
        status=str(result.status),
        reason=result.reason,
        value=result.final(f"val/{spec.task.target_metric.metric}"),
        line=progress.ended(spec, result),
    )


def stands(spec: TrialSpec, known: TrialResult | None) -> bool:
    """Whether what is recorded answers a trial; not what is older than was asked for."""
    return known is not None and known.ended_at >= spec.fresh_since


def from_record(spec: TrialSpec, known: TrialResult) -> Outcome:
    """Say the answer that is recorded, and how old it is."""
    found = outcome(spec, known)
    progress.say(progress.shown(found) + f" (from the record, {progress.age(known)})")
    return found
