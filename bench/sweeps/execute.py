"""One trial with its record: reused from the store, or run and written there."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from functools import partial

from bench import tracking
from bench.spec import ELSEWHERE, Outcome, Status, TrialResult, TrialSpec
from bench.sweeps import progress

POLL_S = (0.2, 2.0)
"""Seconds between looks at trials that run elsewhere: at first, and at the most."""


def make_outcome(spec: TrialSpec, result: TrialResult) -> Outcome:
    """Convert a result into the outcome that launchers return."""
    return Outcome(
        label=spec.label(),
        status=str(result.status),
        reason=result.reason,
        value=result.final(f"val/{spec.task.target_metric.metric}"),
        line=progress.describe_end(spec, result),
    )


def can_reuse(spec: TrialSpec, stored: TrialResult | None) -> bool:
    """Say if a stored result is as new as the trial asks for."""
    return stored is not None and stored.ended_at >= spec.fresh_since


def reuse(spec: TrialSpec, stored: TrialResult) -> Outcome:
    """Print a stored result with its age, and return it."""
    outcome = make_outcome(spec, stored)
    age = progress.format_age(stored)
    progress.say(progress.format_outcome(outcome) + f" (from the record, {age})")
    return outcome


def run_single(spec: TrialSpec, uri: str) -> Outcome:
    """Reuse a trial's stored result, or run the trial; it is known that it can be built."""
    tracking.prepare(uri, spec.study)
    tracking.discard_interrupted(uri, spec.study)
    stored = tracking.answers(uri, spec.study, {spec.config_hash}).get(spec.config_hash)
    if stored is not None and can_reuse(spec, stored):
        return reuse(spec, stored)
    while True:
        outcome = run(spec, uri, "single", progress_bar=progress.is_terminal())
        progress.say(progress.format_outcome(outcome))
        if outcome["status"] != ELSEWHERE:
            return outcome
        for stored in wait_for_others([spec], uri).values():
            return reuse(spec, stored)


def wait_for_others(specs: Iterable[TrialSpec], uri: str) -> dict[str, TrialResult]:
    """Wait for trials that other processes run; return their results by ``config_hash``.

    A trial that ended without a result (it failed, or its process is gone) is left out.
    """
    wanted = {spec.config_hash: spec for spec in specs}
    study, pause = next(iter(wanted.values())).study, POLL_S[0]
    while True:
        held = tracking.held(uri, study, wanted)  # first: what ends in between is found below
        stored = tracking.answers(uri, study, wanted)
        results = {key: stored[key] for key in stored if can_reuse(wanted[key], stored[key])}
        if not held - results.keys():
            return results
        time.sleep(pause)
        pause = min(1.5 * pause, POLL_S[1])


def run(spec: TrialSpec, uri: str, launcher: str, *, progress_bar: bool = False) -> Outcome:
    """Run a trial and record it; ``ELSEWHERE`` where another process does, or just did.

    Raises:
        RefusedInput: it cannot be built; no record is left.
        StoreLost: it could not be recorded.
    """
    from bench.trial.run import run_trial  # torch: a stored result needs none

    with tracking.recorder(uri, [spec], launcher) as records:
        if not records.free:
            return make_elsewhere(spec)
        result = run_trial(spec, partial(records.log, 0), progress_bar)
        records.finish(0, result)
    return make_outcome(spec, result)


def make_elsewhere(spec: TrialSpec) -> Outcome:
    """Return the outcome of a trial that another process runs."""
    line = f"{spec.label()}: {ELSEWHERE}, another process runs it"
    return Outcome(label=spec.label(), status=ELSEWHERE, reason="", value=math.nan, line=line)


def record_skip(spec: TrialSpec, uri: str, reason: str) -> Outcome:
    """Record that a trial of a sweep does not apply."""
    return _record(spec, uri, TrialResult(Status.SKIPPED, reason), "none")


def record_failure(spec: TrialSpec, uri: str, reason: str, launcher: str) -> Outcome:
    """Record the failure of a trial whose process is gone."""
    tracking.discard_interrupted(uri, spec.study)
    return _record(spec, uri, TrialResult(Status.FAILED, reason), launcher)


def _record(spec: TrialSpec, uri: str, result: TrialResult, launcher: str) -> Outcome:
    with tracking.recorder(uri, [spec], launcher) as records:
        if not records.free:
            return make_elsewhere(spec)
        records.finish(0, result)
    return make_outcome(spec, result)
