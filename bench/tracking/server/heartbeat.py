"""How a process tells other machines that it is alive: a tag of the study, renewed once a minute.

One tag a process, not one a run: a stack of hundreds costs no more than a trial. Clocks of the
machines have to agree to a minute or so.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress

from bench.runtime.processes import mine
from bench.spec.errors import StoreLost
from bench.tracking.store import Store

BEAT = 60.0
"""Seconds between two signs of life."""
PREFIX = "optbench.alive."
_HEARTS: dict[tuple[str, str], _Heart] = {}


class _Heart:
    """Beats in a study while trials of it are held here; entered once by each recorder."""

    def __init__(self, store: Store, study: str) -> None:
        self._store, self._study = store, study
        self._holders, self._last = 0, -math.inf
        self._guard = threading.Lock()
        threading.Thread(target=self._go_on, daemon=True, name="lease").start()

    def __enter__(self) -> None:
        with self._guard:
            self._holders += 1
        self._beat()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._holders -= 1

    def _go_on(self) -> None:
        while True:
            threading.Event().wait(BEAT / 4)
            # a server that is gone is the business of whoever records there
            with suppress(StoreLost):
                if self._holders:
                    self._beat()

    def _beat(self) -> None:
        if time.monotonic() - self._last > BEAT:
            self._store.tag_study(self._study, {name(mine()): repr(time.time())})
            self._last = time.monotonic()


def held(store: Store, study: str) -> AbstractContextManager[None]:
    """Inside, this process is seen to be alive; to be entered before the first claim."""
    if (store.uri, study) not in _HEARTS:
        _HEARTS[store.uri, study] = _Heart(store, study)
    return _HEARTS[store.uri, study]


def name(process: Mapping[str, str]) -> str:
    """The tag of a process that called itself so (``bench.runtime.processes.mine``)."""
    return PREFIX + ".".join(process.get(word, "") for word in ("host", "pid", "process"))


def signs(tags: Mapping[str, str]) -> dict[str, float]:
    """Of a study's tags those of processes: when each was last there, in seconds since 1970."""
    return {key: float(value) for key, value in tags.items() if key.startswith(PREFIX)}
