"""One trial with its record: answered from the store, or run and written there."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from functools import partial

from bench import tracking
from bench.spec import ELSEWHERE, Outcome, Status, TrialResult, TrialSpec
from bench.sweeps import progress

POLL = (0.2, 2.0)
"""Seconds between looks at trials that run elsewhere: at first, and at the most."""


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


def answer(spec: TrialSpec, uri: str) -> Outcome:
    """A single trial that can be built: what the store knows of it, else run it now."""
    known = tracking.resume(uri, spec.study, {spec.config_hash}).get(spec.config_hash)
    if known is not None and stands(spec, known):
        return from_record(spec, known)
    while True:
        ended = run(spec, uri, "single", progress_bar=progress.is_terminal())
        if ended["status"] != ELSEWHERE:
            progress.say(progress.shown(ended))
            return ended
        progress.say(progress.shown(ended))
        for known in others([spec], uri).values():
            return from_record(spec, known)


def others(specs: Iterable[TrialSpec], uri: str) -> dict[str, TrialResult]:
    """What became of trials that other processes run, by ``config_hash``; waits for all of them.

    One that ended without an answer (it failed, or its process is gone) is left out.
    """
    wanted = {spec.config_hash: spec for spec in specs}
    study, pause = next(iter(wanted.values())).study, POLL[0]
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


def run(spec: TrialSpec, uri: str, launcher: str, *, progress_bar: bool = False) -> Outcome:
    """Run a trial and record it; ``ELSEWHERE`` where another process does, or just did.

    Raises:
        RefusedInput: it cannot be built; no record is left.
        StoreLost: it could not be recorded.
    """
    from bench.trial.run import run_trial

    with tracking.open_recorder(uri, [spec], launcher) as records:
        if not records.slots:
            return elsewhere(spec)
        result = run_trial(spec, partial(records.log, 0), progress_bar)
        records.finish(0, result)
    return outcome(spec, result)


def elsewhere(spec: TrialSpec) -> Outcome:
    """That another process runs a trial."""
    line = f"{spec.label()}: {ELSEWHERE}, another process runs it"
    return Outcome(label=spec.label(), status=ELSEWHERE, reason="", value=math.nan, line=line)


def skip(spec: TrialSpec, uri: str, reason: str) -> Outcome:
    """Record that a trial of a sweep does not apply."""
    return _ended(spec, uri, TrialResult(Status.SKIPPED, reason), "none")


def lost(spec: TrialSpec, uri: str, reason: str, launcher: str) -> Outcome:
    """Record the failure of a trial that could not record it itself, for its process is gone."""
    tracking.discard_interrupted(uri, spec.study)
    return _ended(spec, uri, TrialResult(Status.FAILED, reason), launcher)


def _ended(spec: TrialSpec, uri: str, result: TrialResult, launcher: str) -> Outcome:
    with tracking.open_recorder(uri, [spec], launcher) as records:
        if not records.slots:
            return elsewhere(spec)
        records.finish(0, result)
    return outcome(spec, result)
