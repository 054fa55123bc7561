"""Readers of a study's trials: records for reports, results for sweeps."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from bench.spec import RefusedInput, TrialRecord, TrialResult
from bench.spec.errors import StoreLost
from bench.tracking import claims, owner
from bench.tracking.faults import format_unreadable, split_readable
from bench.tracking.opening import exists, find_store, open_store, prepare
from bench.tracking.runs import select_results, to_record, to_result, to_whole_result
from bench.tracking.server import heartbeat
from bench.tracking.store import Store, Study, TrialRun
from bench.tracking.uri import sqlite_path


def list_studies(uri: str) -> list[str]:
    """Return the names of the studies in a store."""
    return open_store(uri).list_studies()


class StudyRecords(NamedTuple):
    """The trials of a study that have ended.

    Attributes:
        records: in no order that matters.
        unreadable: a line that counts the broken ones, which are left out; empty without any.
    """

    records: list[TrialRecord]
    unreadable: str


def read(uri: str, study: str, *, curves: bool = True) -> list[TrialRecord]:
    """Read the records alone, see ``read_study``."""
    return read_study(uri, study, curves=curves).records


def read_study(uri: str, study: str, *, curves: bool = True) -> StudyRecords:
    """Read every trial of a study that has ended.

    Args:
        curves: read curve, environment and traceback, too.

    Raises:
        RefusedInput: there is no such study.
    """
    store = open_store(uri)
    known = store.find_study(study)
    if known is None:
        raise RefusedInput(
            f"study={study}: not in {uri}; it holds {', '.join(list_studies(uri)) or 'none'}"
        )
    runs = store.read_trials(known.id, curves=curves)
    return _to_records(runs, lambda run: to_whole_result(store, run) if curves else to_result(run))


def read_results(
    uri: str, study: str, hashes: Collection[str] | None = None
) -> dict[str, TrialResult]:
    """Read the trials of a study that need not run again, by ``config_hash``, without curves.

    Of a trial that was run anew (``fresh=true``) the latest result counts.

    Args:
        hashes: only these are looked up; None for all.
    """
    return select_results(_read_runs(open_store(uri), study, hashes=hashes))


def find_result(uri: str, study: str, config_hash: str) -> TrialResult | None:
    """Look up one result; None where there is none, and where the store has to be made first.

    Nothing is made, and an error of the store is left to whoever opens it to write.
    """
    with suppress(RefusedInput, StoreLost, sqlite3.Error):
        if exists(uri):
            runs = _read_runs(find_store(uri), study, hashes={config_hash})
            if result := select_results(runs).get(config_hash):
                open_store(uri)  # says what is to be said of it; where it is refused, that does
                return result
    return None


def find_running(uri: str, study: str, hashes: Collection[str]) -> set[str]:
    """Return those of these hashes whose trial another process runs now."""
    runs = _read_runs(open_store(uri), study, hashes=hashes)
    return {run.config_hash for run in runs if claims.is_running(run)}


def next_generation(uri: str, study: str) -> int:
    """Return the number of a command that begins now: one more than any record has."""
    if sqlite_path(uri) is not None and not exists(uri):
        return 1
    store = open_store(uri)
    known = store.find_study(study)
    return 1 if known is None else 1 + store.find_generation(known.id)


def resume(uri: str, study: str, hashes: Collection[str] | None = None) -> StudyRecords:
    """Open or make a study, discard its interrupted runs, read those that ended without curves.

    Args:
        hashes: only trials with these are returned; None for all.
    """
    prepare(uri, study)
    store = open_store(uri)
    known = store.find_study(study)
    assert known is not None
    runs = store.read_trials(known.id)
    _discard_interrupted(store, known, runs)
    wanted = [run for run in runs if hashes is None or run.config_hash in hashes]
    return _to_records(wanted, to_result)


def _to_records(
    runs: Sequence[TrialRun], convert: Callable[[TrialRun], TrialResult]
) -> StudyRecords:
    """Convert those that have ended and can be read; count the broken ones."""
    good, broken = split_readable(runs)
    records = [to_record(run, convert(run)) for run in good if run.status != "RUNNING"]
    return StudyRecords(records, format_unreadable(broken))


def discard_interrupted(uri: str, study: str) -> int:
    """Delete runs whose process is gone without ending them, and return how many.

    A process of another machine is gone once it has been silent for ``claims.LEASE``.
    """
    store = open_store(uri)
    known = store.find_study(study)
    if known is None:
        return 0
    return _discard_interrupted(store, known, store.read_trials(known.id, running=True))


def _discard_interrupted(store: Store, study: Study, runs: Iterable[TrialRun]) -> int:
    seen = heartbeat.read_heartbeats(study.tags)
    silent = {name for name, at in seen.items() if time.time() - at > claims.LEASE}

    def is_gone(run: TrialRun) -> bool:
        if owner.is_local(run.tags):
            return not owner.is_alive(run.tags)
        return heartbeat.name_tag(run.tags) in silent

    interrupted = [run.run_id for run in runs if run.status == "RUNNING" and is_gone(run)]
    store.trash(interrupted)
    store.tag_study(study.id, dict.fromkeys(silent))
    return len(interrupted)


def discard_job(uri: str, study: str, job: str) -> int:
    """Delete the unfinished runs of a cluster job that is known to be gone, and return how many."""
    unfinished = [run.run_id for run in _read_runs(open_store(uri), study, job=job, running=True)]
    open_store(uri).trash(unfinished)
    return len(unfinished)


def read_job_results(uri: str, study: str, job: str) -> dict[str, TrialResult]:
    """Read the trials that a cluster job has ended, by ``config_hash``, without curves."""
    runs = _read_runs(open_store(uri), study, job=job)
    ended = (run for run in split_readable(runs)[0] if run.status != "RUNNING")
    return {run.config_hash: to_result(run) for run in ended}


def _read_runs(store: Store, study: str, **selection: Any) -> list[TrialRun]:
    """Call ``Store.read_trials`` with this selection; none without the study."""
    known = store.find_study(study)
    return [] if known is None else store.read_trials(known.id, **selection)
