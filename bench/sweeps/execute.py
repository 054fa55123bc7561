"""One trial with its record: reused from the store, or run and written there."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial

from bench import tracking
from bench.runtime.processes import pause_collector
from bench.spec import Status, TrialResult, TrialSpec
from bench.sweeps import progress
from bench.sweeps.resume import select_results

Outcomes = dict[str, tuple[TrialSpec, TrialResult]]
"""Trials of a sweep with their results, by ``config_hash``."""

ELSEWHERE = TrialResult(Status.ELSEWHERE, "another process runs it")

POLL_S = (0.2, 2.0)
"""Seconds between looks at trials that run elsewhere: at first, and at the most."""


def number_trials(specs: Sequence[TrialSpec], uri: str) -> list[TrialSpec]:
    """Give trials the number of the command that begins here; those that have one keep it.

    Trials are of one study. Whoever runs them, in whatever process, has the number from them.
    """
    if all(spec.context.generation for spec in specs):
        return list(specs)
    number = tracking.next_generation(uri, specs[0].context.study)
    return [spec.within(generation=number) for spec in specs]


def can_reuse(spec: TrialSpec, stored: TrialResult | None) -> bool:
    """Say if a stored result is as new as the trial asks for."""
    return stored is not None and spec.context.can_reuse(stored.generation)


def reuse(spec: TrialSpec, stored: TrialResult) -> TrialResult:
    """Print a stored result with its age, and return it."""
    age = progress.format_age(stored)
    progress.say(progress.format_end(spec, stored) + f" (from the record, {age})")
    return stored


def run_single(spec: TrialSpec, uri: str) -> TrialResult:
    """Reuse a trial's stored result, or run the trial; it is known that it can be built."""
    study, key = spec.context.study, spec.config_hash
    found = tracking.resume(uri, study, {key})
    (spec,) = number_trials([spec], uri)
    if found.unreadable:
        progress.say(found.unreadable)
    stored = select_results(found.records).get(key)
    if stored is not None and can_reuse(spec, stored):
        return reuse(spec, stored)
    while True:
        result = run(spec, uri, "single", progress_bar=progress.is_terminal())
        progress.say(progress.format_end(spec, result))
        if result.status is not Status.ELSEWHERE:
            return result
        for stored in wait_for_others([spec], uri).values():
            return reuse(spec, stored)


def wait_for_others(specs: Iterable[TrialSpec], uri: str) -> dict[str, TrialResult]:
    """Wait for trials that other processes run; return their results by ``config_hash``.

    A trial that ended without a result (it failed, or its process is gone) is left out.
    """
    wanted = {spec.config_hash: spec for spec in specs}
    study, pause = next(iter(wanted.values())).context.study, POLL_S[0]
    while True:
        held = tracking.find_running(uri, study, wanted)  # first: ends in between are read below
        stored = tracking.read_results(uri, study, wanted)
        results = {key: stored[key] for key in stored if can_reuse(wanted[key], stored[key])}
        if not held - results.keys():
            return results
        time.sleep(pause)
        pause = min(1.5 * pause, POLL_S[1])


def run(spec: TrialSpec, uri: str, launcher: str, *, progress_bar: bool = False) -> TrialResult:
    """Run a trial and record it; ``ELSEWHERE`` where another process does, or just did.

    Raises:
        RefusedInput: it cannot be built; no record is left.
        StoreLost: it could not be recorded.
    """
    with pause_collector():  # Lightning: a stored result needs none
        from bench.trial.run import run_trial

    with tracking.open_recorder(uri, [spec], launcher) as records:
        if not records.slots:
            return ELSEWHERE
        result = run_trial(spec, partial(records.log, 0), progress_bar)
        records.finish(0, result)
    return result.brief()


def record_skip(spec: TrialSpec, uri: str, reason: str) -> TrialResult:
    """Record that a trial of a sweep does not apply."""
    return _record(spec, uri, TrialResult(Status.SKIPPED, reason), "none")


def record_failure(spec: TrialSpec, uri: str, reason: str, launcher: str) -> TrialResult:
    """Record the failure of a trial whose process is gone."""
    tracking.discard_interrupted(uri, spec.context.study)
    return _record(spec, uri, TrialResult(Status.FAILED, reason), launcher)


def _record(spec: TrialSpec, uri: str, result: TrialResult, launcher: str) -> TrialResult:
    with tracking.open_recorder(uri, [spec], launcher) as records:
        if not records.slots:
            return ELSEWHERE
        records.finish(0, result)
    return result.brief()
