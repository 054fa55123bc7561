"""A store as MLflow's own client sees it."""

from __future__ import annotations

from collections.abc import Iterator

from mlflow.entities import Run
from mlflow.tracking import MlflowClient


def runs_of(uri: str, study: str, condition: str = "") -> Iterator[Run]:
    """The trials of a study, the latest first; ``condition`` in MLflow's words narrows it."""
    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(study)
    if found is None:
        return
    token = None
    while True:
        page = client.search_runs(
            [found.experiment_id],
            f"tags.kind = 'trial'{condition}",
            max_results=1000,
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return
