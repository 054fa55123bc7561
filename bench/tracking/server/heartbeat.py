"""Heartbeat of a process for other machines: a tag of the study, renewed once a minute.

One tag a process, not one a run: a stack of hundreds costs no more than a trial. Clocks of the
machines may differ by what ``claims.LEASE`` is longer than two beats are apart: eight minutes.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress

from bench.spec.errors import StoreLost
from bench.tracking.owner import identify
from bench.tracking.store import Store

INTERVAL = 60.0
"""Seconds between two beats."""
PREFIX = "optbench.alive."
_HEARTBEATS: dict[tuple[str, str], Heartbeat] = {}


class Heartbeat:
    """Heartbeat in a study while trials of it run here; entered once by each recorder."""

    def __init__(self, store: Store, study: str) -> None:
        self._store, self._study = store, study
        self._users, self._last = 0, -math.inf
        self._guard = threading.Lock()
        threading.Thread(target=self._run, daemon=True, name="heartbeat").start()

    def __enter__(self) -> None:
        with self._guard:
            self._users += 1
        self._beat()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._users -= 1

    def _run(self) -> None:
        while True:
            threading.Event().wait(INTERVAL / 4)
            # a server that is gone is the business of whoever records there
            with suppress(StoreLost):
                if self._users:
                    self._beat()

    def _beat(self) -> None:
        if time.monotonic() - self._last > INTERVAL:
            self._store.tag_study(self._study, {name_tag(identify()): repr(time.time())})
            self._last = time.monotonic()


def keep_beating(store: Store, study: str) -> AbstractContextManager[None]:
    """Show inside that this process is alive; to be entered before the first claim."""
    if (store.uri, study) not in _HEARTBEATS:
        _HEARTBEATS[store.uri, study] = Heartbeat(store, study)
    return _HEARTBEATS[store.uri, study]


def name_tag(owner: Mapping[str, str]) -> str:
    """Return the tag of the process with these tags (``bench.tracking.owner.identify``)."""
    return PREFIX + ".".join(owner.get(key, "") for key in ("host", "pid", "process"))


def read_heartbeats(tags: Mapping[str, str]) -> dict[str, float]:
    """Return the time of each process's last heartbeat, in seconds since 1970, by its tag."""
    return {key: _to_seconds(value) for key, value in tags.items() if key.startswith(PREFIX)}


def _to_seconds(text: str) -> float:
    """Return the time of a beat; that of none where somebody has written something else."""
    try:
        return float(text)
    except ValueError:
        return 0.0
