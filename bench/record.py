"""One trial with its record: answered from the store, or run and written there."""

from __future__ import annotations

from functools import partial

from bench import progress, tracking
from bench.spec import Outcome, Status, TrialResult, TrialSpec


def outcome(spec: TrialSpec, result: TrialResult) -> Outcome:
    """The result as a sweep hears of it."""
    return Outcome(
        label=spec.label(),
        status=str(result.status),
        reason=result.reason,
        value=result.final(f"val/{spec.task.target_metric.metric}"),
        line=progress.ended(spec, result),
    )


def answer(spec: TrialSpec, uri: str) -> Outcome:
    """A single trial: what the store knows of it, else run it now."""
    known = tracking.resume(uri, spec.study, {spec.config_hash}).get(spec.config_hash)
    if known is not None:
        progress.say(f"{progress.ended(spec, known)} (from the record)")
        return outcome(spec, known)
    ended = run(spec, uri, "single", progress_bar=progress.is_terminal())
    progress.say(ended["line"])
    return ended


def run(spec: TrialSpec, uri: str, launcher: str, *, progress_bar: bool = False) -> Outcome:
    """Run a trial and record it.

    Raises:
        RefusedInput: it cannot be built; no record is left.
    """
    from bench.trial.run import run_trial

    with tracking.recorder(uri, [spec], launcher) as records:
        result = run_trial(spec, partial(records.log, 0), progress_bar)
        records.finish(0, result)
    return outcome(spec, result)


def skip(spec: TrialSpec, uri: str, reason: str) -> Outcome:
    """Record that a trial of a sweep does not apply."""
    return _ended(spec, uri, TrialResult(Status.SKIPPED, reason), "none")


def lost(spec: TrialSpec, uri: str, reason: str, launcher: str) -> Outcome:
    """Record the failure of a trial that could not record it itself, for its process is gone."""
    tracking.discard_interrupted(uri, spec.study)
    return _ended(spec, uri, TrialResult(Status.FAILED, reason), launcher)


def _ended(spec: TrialSpec, uri: str, result: TrialResult, launcher: str) -> Outcome:
    with tracking.recorder(uri, [spec], launcher) as records:
        records.finish(0, result)
    return outcome(spec, result)
