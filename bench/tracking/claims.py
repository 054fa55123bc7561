"""Claims: a trial is claimed in the store before it trains, so that sweeps share the work.

A run that is RUNNING holds the claim to its ``config_hash`` while its process is alive, and a
result holds it for good. The system knows which processes of this machine are alive. A process of
another machine renews a heartbeat (``bench.tracking.server.heartbeat``), and holds nothing once it
has been silent for ``LEASE``.
"""

from __future__ import annotations

import getpass
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from filelock import FileLock

from bench.spec import Status, TrialSpec, digest
from bench.tracking import owner
from bench.tracking.faults import find_fault
from bench.tracking.store import TrialRun

RESULTS = (Status.FINISHED, Status.DIVERGED, Status.SKIPPED)
"""A trial that ended so is not run again; one that failed is."""

LEASE = 600.0
"""Seconds: longer than a server that is gone is waited for, so that an outage costs no claim."""

CLAIMING = "claiming"
"""The tag ``status`` of a run until it is decided which of several machines has the trial."""


def is_running(run: TrialRun) -> bool:
    """Tell whether a process runs the trial now, as far as can be known."""
    if run.status != "RUNNING":
        return False
    if owner.is_local(run.tags):
        return owner.is_alive(run.tags)
    return time.time() - run.last_seen < LEASE


def decide_claim(run_id: str, rivals: Iterable[TrialRun]) -> bool | None:
    """Tell whether this machine has the trial of its run ``run_id``; None: look again.

    Machines cannot lock each other out of a server. So each makes its run first and looks then: of
    two at least one sees the other. The higher id withdraws; the lower waits until it does, or
    until it turns out that the higher had looked before there was a lower, and has the trial.

    Args:
        rivals: the other runs of this trial, made in any process.
    """
    wins = True
    for run in rivals:
        if is_result(run) or (is_running(run) and run.tags.get("status") != CLAIMING):
            return False
        if is_running(run):
            if run.run_id < run_id:
                return False
            wins = False
    return True if wins else None


def is_result(run: TrialRun) -> bool:
    """Tell whether a run has ended, and not by a failure, and can be read."""
    ended = run.status != "RUNNING" and run.tags.get("status") in RESULTS
    return ended and not find_fault(run)


def find_unclaimed(runs: Iterable[TrialRun], specs: Sequence[TrialSpec]) -> list[int]:
    """Return the slots of trials that nobody runs, and nobody has run since they were asked for.

    Args:
        runs: those of the store with one of their hashes.
    """
    claimed: set[str] = set()
    asked = {spec.config_hash: spec.context for spec in specs}
    for run in runs:
        key = run.config_hash
        if is_running(run) or (is_result(run) and asked[key].can_reuse(run.generation)):
            claimed.add(key)
    return [slot for slot, spec in enumerate(specs) if spec.config_hash not in claimed]


def find_replaced(runs: Iterable[TrialRun], by: str, generation: int) -> list[str]:
    """Return the results among the runs of one hash that the run ``by`` replaces, on demand.

    Args:
        generation: of that run; a later command's result stays.
    """
    results = (run for run in runs if run.run_id != by and is_result(run))
    return [run.run_id for run in results if run.generation <= generation]


def lock_claims(uri: str, study: str) -> FileLock:
    """Let one process of this machine at a time claim trials of a study on a server."""
    name = f"optbench-{getpass.getuser()}-{digest({'uri': uri, 'study': study})}.lock"
    return FileLock(Path(tempfile.gettempdir()) / name)
