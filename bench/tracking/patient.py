"""A client of a server that may go away in the middle of an answer.

MLflow itself tries again where a server does not answer (``MLFLOW_HTTP_REQUEST_MAX_RETRIES``), but
not where an answer is cut off: the server may have done what was asked. All that is asked here can
be asked twice, but for a new run, which is looked for first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

CUT = ("IncompleteRead", "Connection broken")
"""What urllib3 and requests call an answer that ends too soon."""
TOLD = ("kind", "config_hash", "process")
"""Tags that tell a run from every other of its study."""


class Patient:
    """``MlflowClient``, each of whose calls is made once more where its answer is cut off."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        return _again(call) if callable(call) else call

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, str] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """The run that was made, though its answer was cut off; else a new one."""
        tags = dict(tags or {})
        words = experiment_id, start_time, tags, run_name
        try:
            return self._client.create_run(*words)
        except MlflowException as error:
            if not was_cut(error):
                raise
        told = " AND ".join(f"tags.{name} = '{tags[name]}'" for name in TOLD if name in tags)
        for run in self._client.search_runs([experiment_id], told):
            if start_time in (None, run.info.start_time):
                return run
        return self._client.create_run(*words)


def was_cut(error: MlflowException) -> bool:
    """Whether the server went away in the middle of its answer."""
    return any(word in str(error) for word in CUT)


def _again(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def patient(*args: Any, **words: Any) -> Any:
        try:
            return call(*args, **words)
        except MlflowException as error:
            if not was_cut(error):
                raise
        return call(*args, **words)

    return patient
