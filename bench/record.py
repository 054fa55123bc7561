"""One trial with its record: answered from the store, or run and written there."""

from __future__ import annotations

from typing import TypedDict

from bench import progress, tracking
from bench.spec import Status, TrialResult, TrialSpec


class Outcome(TypedDict):
    """How a trial ended, in plain words that any launcher can carry."""

    label: str
    status: str
    reason: str


def outcome(spec: TrialSpec, result: TrialResult) -> Outcome:
    """The result without its numbers."""
    return {"label": spec.label(), "status": str(result.status), "reason": result.reason}


def answer(spec: TrialSpec, uri: str) -> Outcome:
    """A single trial: what the store knows of it, else run it now."""
    known = tracking.resume(uri, spec.study).get(spec.config_hash)
    if known is not None:
        progress.say(f"{progress.ended(spec, known)} (from the record)")
        return outcome(spec, known)
    return run(spec, uri, "single", progress_bar=progress.is_terminal())


def run(
    spec: TrialSpec, uri: str, launcher: str, *, prefix: str = "", progress_bar: bool = False
) -> Outcome:
    """Run a trial and record it; one line when it ends.

    Raises:
        RefusedInput: it cannot be built; no record is left.
    """
    from bench.trial.run import run_trial

    with tracking.Recorder(uri, spec, launcher) as recorder:
        result = run_trial(spec, recorder.log, progress_bar)
        recorder.finish(result)
    progress.say(f"{prefix}{progress.ended(spec, result)}")
    return outcome(spec, result)


def skip(spec: TrialSpec, uri: str, reason: str) -> None:
    """Record that a trial of a sweep does not apply."""
    result = TrialResult(Status.SKIPPED, reason)
    with tracking.Recorder(uri, spec, "none") as recorder:
        recorder.finish(result)
    progress.say(progress.ended(spec, result))
