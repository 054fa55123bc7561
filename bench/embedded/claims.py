"""Who runs a trial: it is claimed in the store before it trains, so that sweeps share the work.

A run that is RUNNING holds the claim to its ``config_hash`` while its process is alive, and an
answer holds it for good. That is certain among the processes of one machine. Whether a process of
another machine is alive cannot be known here: it holds nothing.
"""

from __future__ import annotations

import getpass
import json
import sqlite3
import tempfile
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from filelock import FileLock

from bench.embedded.rows import TrialRun
from bench.processes import alive, on_this_machine
from bench.spec import Status, TrialSpec, digest

ANSWERS = (Status.FINISHED, Status.DIVERGED, Status.SKIPPED)
"""A trial that ended so is not run again; one that failed is."""


def running(run: TrialRun) -> bool:
    """Whether a process of this machine is at it now."""
    return run.status == "RUNNING" and on_this_machine(run.tags) and alive(run.tags)


def answers(run: TrialRun) -> bool:
    """Whether it has ended, and not by a failure."""
    return run.status != "RUNNING" and run.tags.get("status") in ANSWERS


def free(runs: Iterable[TrialRun], specs: Sequence[TrialSpec]) -> list[int]:
    """Places of the trials that nobody runs, and nobody has run since they were asked for.

    Args:
        runs: those of the store with one of their hashes.
    """
    held: set[str] = set()
    since = {spec.config_hash: spec.fresh_since for spec in specs}
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
