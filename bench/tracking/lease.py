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

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from bench.processes import mine
from bench.tracking.client import connect

BEAT = 60.0
"""Seconds between two signs of life."""
PREFIX = "optbench.alive."
_HEARTS: dict[tuple[str, str], _Heart] = {}


class _Heart:
    """Beats in a study while trials of it are held here; entered once by each recorder."""

    def __init__(self, uri: str, experiment: str) -> None:
        self._client, self._experiment = connect(uri), experiment
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
            with suppress(MlflowException, SQLAlchemyError):
                if self._holders:
                    self._beat()

    def _beat(self) -> None:
        if time.monotonic() - self._last > BEAT:
            self._client.set_experiment_tag(self._experiment, name(mine()), repr(time.time()))
            self._last = time.monotonic()


def held(uri: str, experiment: str) -> AbstractContextManager[None]:
    """Inside, this process is seen to be alive; to be entered before the first claim."""
    if (uri, experiment) not in _HEARTS:
        _HEARTS[uri, experiment] = _Heart(uri, experiment)
    return _HEARTS[uri, experiment]


def name(process: Mapping[str, str]) -> str:
    """The tag of a process that called itself so (``bench.processes.mine``)."""
    return PREFIX + ".".join(process.get(word, "") for word in ("host", "pid", "process"))


def signs(tags: Mapping[str, str]) -> dict[str, float]:
    """Of a study's tags those of processes: when each was last there, in seconds since 1970."""
    return {key: float(value) for key, value in tags.items() if key.startswith(PREFIX)}
