"""Who runs a trial: it is claimed in the store before it trains, so that sweeps share the work.

A run that is RUNNING holds the claim to its ``config_hash`` while its process is alive, and an
answer holds it for good. Of a process of this machine the system knows whether it is alive; one of
another machine says so from time to time (``bench.tracking.server.heartbeat``), and holds nothing once it has
been silent for ``LEASE``.
"""

from __future__ import annotations

import getpass
import json
import sqlite3
import tempfile
import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from filelock import FileLock

from bench.runtime.processes import alive, on_this_machine
from bench.spec import Status, TrialSpec, digest
from bench.tracking.sqlite.read import TrialRun

ANSWERS = (Status.FINISHED, Status.DIVERGED, Status.SKIPPED)
"""A trial that ended so is not run again; one that failed is."""


LEASE = 600.0
"""Seconds: longer than a server that is gone is waited for, so that an outage costs no claim."""
CLAIMING = "claiming"
"""The tag ``status`` of a run until it is settled which of several machines has the trial."""


def running(run: TrialRun) -> bool:
    """Whether a process is at it now, as far as can be known."""
    if run.status != "RUNNING":
        return False
    return alive(run.tags) if on_this_machine(run.tags) else time.time() - run.alive < LEASE


def settled(own: str, rivals: Iterable[TrialRun]) -> bool | None:
    """Whether this machine has a trial for which its run ``own`` was made; None: look again.

    Machines cannot lock each other out of a server. So each makes its run first and looks then: of
    two at least one sees the other. The higher number withdraws; the lower waits until it does, or
    until it turns out that the higher had looked before there was a lower, and has the trial.

    Args:
        rivals: the other runs of this trial, made in any process.
    """
    wins = True
    for run in rivals:
        if answers(run) or (running(run) and run.tags.get("status") != CLAIMING):
            return False
        if running(run):
            if run.run_id < own:
                return False
            wins = False
    return True if wins else None


def answers(run: TrialRun) -> bool:
    """Whether it has ended, and not by a failure."""
    return run.status != "RUNNING" and run.tags.get("status") in ANSWERS


def free(runs: Iterable[TrialRun], specs: Sequence[TrialSpec]) -> list[int]:
    """Places of the trials that nobody runs, and nobody has run since they were asked for.

    Args:
        runs: those of the store with one of their hashes.
    """
    held: set[str] = set()
    since = {spec.config_hash: spec.context.fresh_since for spec in specs}
    for run in runs:
        key = run.tags["config_hash"]
        if running(run) or (answers(run) and run.ended >= since.get(key, 0.0)):
            held.add(key)
    return [slot for slot, spec in enumerate(specs) if spec.config_hash not in held]


def replaced(runs: Iterable[TrialRun], by: str) -> list[str]:
    """Answers among the runs of one hash that another run, made on demand, takes the place of."""
    return [run.run_id for run in runs if run.run_id != by and answers(run)]


def of_tables(
    store: sqlite3.Connection, experiment: str, hashes: Collection[str]
) -> list[TrialRun]:
    """The runs of an embedded store with one of these hashes; inside the caller's transaction."""
    rows = store.execute(
        "SELECT runs.run_uuid, status, end_time, tags.value FROM tags JOIN runs USING (run_uuid) "
        "WHERE key = 'config_hash' AND tags.value IN (SELECT value FROM json_each(?)) "
        "AND experiment_id = ? AND lifecycle_stage = 'active'",
        (json.dumps(list(hashes)), int(experiment)),
    ).fetchall()
    found = []
    for run_id, status, ended, key in rows:
        tags = dict(store.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (run_id,)))
        found.append(
            TrialRun(run_id, status, tags | {"config_hash": key}, ended=(ended or 0) / 1000)
        )
    return found


def locked(uri: str, study: str) -> FileLock:
    """One process of this machine at a time claims trials of a study on a server."""
    name = f"optbench-{getpass.getuser()}-{digest({'uri': uri, 'study': study})}.lock"
    return FileLock(Path(tempfile.gettempdir()) / name)
