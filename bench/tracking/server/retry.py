"""A client of a server, or of a database, that may go away in the middle of an answer.

MLflow itself tries again where a server does not answer (``MLFLOW_HTTP_REQUEST_MAX_RETRIES``), but
not where an answer is cut off: the server may have done what was asked. Nor does it try a database
again. All that is asked here can be asked twice, but for a new run, which is looked for first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

CUT = ("IncompleteRead", "Connection broken")
"""What urllib3 and requests call an answer that ends too soon."""
GONE = "TEMPORARILY_UNAVAILABLE"
"""MLflow's word for whatever a database says of its connections."""
PATIENCE, PAUSE = 240.0, 2.0
"""Seconds for which a database that is gone is waited for, as MLflow does for a server; and
between two tries."""
TOLD = ("kind", "config_hash", "process")
"""Tags that tell a run from every other of its study."""


class Patient:
    """``MlflowClient``, each of whose calls is made once more where its answer is cut off.

    Args:
        waits: and again and again where the store is gone for the moment: nobody else waits.
    """

    def __init__(self, client: MlflowClient, *, waits: bool = False) -> None:
        self._client, self._waits = client, waits

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        return self._again(call) if callable(call) else call

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, str] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """The run that was made, though its answer was cut off; else a new one."""
        tags = dict(tags or {})
        told = " AND ".join(f"tags.{name} = '{tags[name]}'" for name in TOLD if name in tags)
        tried = False

        def make() -> Run:
            nonlocal tried
            if tried:
                for run in self._client.search_runs([experiment_id], told):
                    if start_time in (None, run.info.start_time):
                        return run
            tried = True
            return self._client.create_run(experiment_id, start_time, tags, run_name)

        made: Run = self._again(make)()
        return made

    def _again(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def patient(*args: Any, **words: Any) -> Any:
            cuts, deadline = 0, time.monotonic() + PATIENCE
            while True:
                try:
                    return call(*args, **words)
                except (MlflowException, SQLAlchemyError) as error:
                    if self._waits and is_gone(error) and time.monotonic() < deadline:
                        time.sleep(PAUSE)
                        continue
                    cuts += was_cut(error)
                    if not was_cut(error) or cuts > 1:
                        raise

        return patient


def is_gone(error: Exception) -> bool:
    """Whether a database cannot be reached now; MLflow lets SQLAlchemy say so, too."""
    if isinstance(error, MlflowException):
        return bool(error.error_code == GONE)
    return isinstance(error, OperationalError | InterfaceError)


def was_cut(error: Exception) -> bool:
    """Whether the server went away in the middle of its answer."""
    return any(word in str(error) for word in CUT)
