"""Client of a server, or of a database, that may go away in the middle of an answer.

MLflow itself tries again where a server does not answer (``MLFLOW_HTTP_REQUEST_MAX_RETRIES``), but
not where an answer is cut off: the server may have done what was asked. Nor does it try a database
again. Every call here can be made twice, except for a new run, which is looked for first.
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

CUT_OFF = ("IncompleteRead", "Connection broken")
"""What urllib3 and requests call an answer that ends too soon."""
UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"
"""MLflow's word for whatever a database says of its connections."""
PATIENCE, PAUSE = 240.0, 2.0
"""Seconds for which a database that is gone is waited for, as MLflow does for a server; and
between two tries."""
IDENTITY = ("kind", "config_hash", "process")
"""Tags that tell a run from every other of its study."""


class RetryingClient:
    """``MlflowClient`` that makes a call once more where its answer is cut off.

    Args:
        waits: repeat a call for ``PATIENCE`` seconds where the store is gone: nobody else does.
    """

    def __init__(self, client: MlflowClient, *, waits: bool = False) -> None:
        self._client, self._waits = client, waits

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        return self._retry(call) if callable(call) else call

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, str] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Return the run that was made though its answer was cut off; else make one."""
        tags = dict(tags or {})
        query = " AND ".join(f"tags.{name} = '{tags[name]}'" for name in IDENTITY if name in tags)
        repeated = False

        def create() -> Run:
            nonlocal repeated
            if repeated:
                for run in self._client.search_runs([experiment_id], query):
                    if start_time in (None, run.info.start_time):
                        return run
            repeated = True
            return self._client.create_run(experiment_id, start_time, tags, run_name)

        run: Run = self._retry(create)()
        return run

    def _retry(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def retrying(*args: Any, **words: Any) -> Any:
            cuts, deadline = 0, time.monotonic() + PATIENCE
            while True:
                try:
                    return call(*args, **words)
                except (MlflowException, SQLAlchemyError) as error:
                    if self._waits and is_unavailable(error) and time.monotonic() < deadline:
                        time.sleep(PAUSE)
                        continue
                    cuts += is_cut_off(error)
                    if not is_cut_off(error) or cuts > 1:
                        raise

        return retrying


def is_unavailable(error: Exception) -> bool:
    """Tell whether a database cannot be reached now; MLflow lets SQLAlchemy say so, too."""
    if isinstance(error, MlflowException):
        return bool(error.error_code == UNAVAILABLE)
    return isinstance(error, OperationalError | InterfaceError)


def is_cut_off(error: Exception) -> bool:
    """Tell whether the server went away in the middle of its answer."""
    return any(word in str(error) for word in CUT_OFF)
