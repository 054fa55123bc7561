"""One trial with its record: answered from the store, or run and written there."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial

from bench import tracking
from bench.spec import Status, TrialResult, TrialSpec
from bench.sweeps import progress

Outcomes = dict[str, tuple[TrialSpec, TrialResult]]
"""Trials of a sweep with their results, by ``config_hash``."""

POLL = (0.2, 2.0)
"""Seconds between looks at trials that run elsewhere: at first, and at the most."""


def stands(spec: TrialSpec, known: TrialResult | None) -> bool:
    """Whether what is recorded answers a trial; not what is older than was asked for."""
    return known is not None and known.ended_at >= spec.context.fresh_since


def from_record(spec: TrialSpec, known: TrialResult) -> TrialResult:
    """Say the answer that is recorded, and how old it is."""
    progress.say(progress.shown(spec, known) + f" (from the record, {progress.age(known)})")
    return known


def answer(spec: TrialSpec, uri: str) -> TrialResult:
    """A single trial that can be built: what the store knows of it, else run it now."""
    known = tracking.resume(uri, spec.context.study, {spec.config_hash}).get(spec.config_hash)
    if known is not None and stands(spec, known):
        return from_record(spec, known)
    while True:
        ended = run(spec, uri, "single", progress_bar=progress.is_terminal())
        progress.say(progress.shown(spec, ended))
        if ended.status is not Status.ELSEWHERE:
            return ended
        for known in others([spec], uri).values():
            return from_record(spec, known)


def others(specs: Iterable[TrialSpec], uri: str) -> dict[str, TrialResult]:
    """What became of trials that other processes run, by ``config_hash``; waits for all of them.

    One that ended without an answer (it failed, or its process is gone) is left out.
    """
    wanted = {spec.config_hash: spec for spec in specs}
    study, pause = next(iter(wanted.values())).context.study, POLL[0]
    while True:
        held = tracking.find_running(
            uri, study, wanted
        )  # first: what ends in between is answered below
        known = tracking.read_results(uri, study, wanted)
        answered = {key: known[key] for key in known if stands(wanted[key], known[key])}
        if not held - answered.keys():
            return answered
        time.sleep(pause)
        pause = min(1.5 * pause, POLL[1])


def run(spec: TrialSpec, uri: str, launcher: str, *, progress_bar: bool = False) -> TrialResult:
    """Run a trial and record it; ``elsewhere`` where another process does, or just did.

    Raises:
        RefusedInput: it cannot be built; no record is left.
        StoreLost: it could not be recorded.
    """
    from bench.trial.run import run_trial

    with tracking.open_recorder(uri, [spec], launcher) as records:
        if not records.slots:
            return ELSEWHERE
        result = run_trial(spec, partial(records.log, 0), progress_bar)
        records.finish(0, result)
    return result.brief()


ELSEWHERE = TrialResult(Status.ELSEWHERE, "another process runs it")


def skip(spec: TrialSpec, uri: str, reason: str) -> TrialResult:
    """Record that a trial of a sweep does not apply."""
    return _ended(spec, uri, TrialResult(Status.SKIPPED, reason), "none")


def lost(spec: TrialSpec, uri: str, reason: str, launcher: str) -> TrialResult:
    """Record the failure of a trial that could not record it itself, for its process is gone."""
    tracking.discard_interrupted(uri, spec.context.study)
    return _ended(spec, uri, TrialResult(Status.FAILED, reason), launcher)


def _ended(spec: TrialSpec, uri: str, result: TrialResult, launcher: str) -> TrialResult:
    with tracking.open_recorder(uri, [spec], launcher) as records:
        if not records.slots:
            return ELSEWHERE
        records.finish(0, result)
    return result.brief()
