"""An answer that is cut off: asked again, once, and no run is made twice."""

from __future__ import annotations

import pytest
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from mlflow.tracking import MlflowClient

from bench.tracking.server import retry
from bench.tracking.server.retry import RetryingClient

CUT = "failed with exception ('Connection broken: IncompleteRead(0 bytes read, 375 more expected)'"
TAGS = {"kind": "trial", "config_hash": "abc", "process": "1", "pid": "7"}


class Cuts:
    """A client that does what it is asked, or does not, and then cuts off its answer."""

    def __init__(self, client: MlflowClient, *, does: bool, times: int, words: str = CUT) -> None:
        self._client, self._does, self._times, self._words = client, does, times, words
        self.calls: list[str] = []

    def __getattr__(self, name: str):
        def call(*args, **words):
            self.calls.append(name)
            if self._times == 0 or (name == "search_runs" and self._does):
                return getattr(self._client, name)(*args, **words)
            self._times -= 1
            if self._does:
                getattr(self._client, name)(*args, **words)
            raise MlflowException(self._words)

        return call


@pytest.fixture
def client(uri: str) -> MlflowClient:
    return MlflowClient(tracking_uri=uri)


def runs(client: MlflowClient, study: str) -> list[Run]:
    return list(client.search_runs([study]))


@pytest.mark.parametrize("does", [True, False])
def test_a_run_is_made_once_whether_the_first_call_made_it_or_not(client, does) -> None:
    study = client.create_experiment("cut")
    other = client.create_run(study, 5, {**TAGS, "config_hash": "other"}, "other")
    cuts = Cuts(client, does=does, times=1)
    made = RetryingClient(cuts).create_run(study, 5, TAGS, "mine")  # type: ignore[arg-type]
    assert {run.info.run_id for run in runs(client, study)} == {
        other.info.run_id,
        made.info.run_id,
    }
    assert made.data.tags["config_hash"] == "abc"
    assert cuts.calls.count("create_run") == (1 if does else 2)


def test_an_older_run_of_the_trial_is_not_taken_for_it(client) -> None:
    study = client.create_experiment("cut")
    older = client.create_run(study, 4, TAGS, "older")
    cuts = Cuts(client, does=False, times=1)
    made = RetryingClient(cuts).create_run(study, 5, TAGS, "mine")  # type: ignore[arg-type]
    assert made.info.run_id != older.info.run_id


def test_other_calls_are_made_again_once(client) -> None:
    study = client.create_experiment("cut")
    run = client.create_run(study).info.run_id
    for does in (True, False):
        cuts = Cuts(client, does=does, times=1)
        RetryingClient(cuts).log_metric(run, f"val/{does}", 0.5, timestamp=1, step=1)  # type: ignore[arg-type]
        history = client.get_metric_history(run, f"val/{does}")
        assert [(one.step, one.value) for one in history] == [(1, 0.5)]
        assert cuts.calls == ["log_metric"] * 2
    twice = Cuts(client, does=False, times=2)
    with pytest.raises(MlflowException, match="IncompleteRead"):
        RetryingClient(twice).get_run(run)  # type: ignore[arg-type]


def test_what_is_no_cut_is_raised_at_once(client) -> None:
    refuses = Cuts(client, does=False, times=1, words="RESOURCE_DOES_NOT_EXIST")
    for ask in (lambda one: one.get_run("none"), lambda one: one.create_run("0", 1, TAGS, "x")):
        refuses.calls.clear()
        refuses._times = 1
        with pytest.raises(MlflowException, match="DOES_NOT_EXIST"):
            ask(RetryingClient(refuses))  # type: ignore[arg-type]
        assert len(refuses.calls) == 1


class Gone(Cuts):
    """A database that is not there so many times, and then is."""

    def __init__(self, client: MlflowClient, *, does: bool, times: int) -> None:
        super().__init__(client, does=does, times=times)
        self.left = times

    def __getattr__(self, name: str):
        def call(*args, **words):
            self.calls.append(name)
            if name != "search_runs" and self.left:
                self.left -= 1
                if self._does:
                    getattr(self._client, name)(*args, **words)
                raise MlflowException("connection refused", error_code=TEMPORARILY_UNAVAILABLE)
            return getattr(self._client, name)(*args, **words)

        return call


@pytest.mark.parametrize("does", [True, False])
def test_a_database_that_is_gone_is_waited_for_and_makes_no_run_twice(
    client, monkeypatch, does
) -> None:
    monkeypatch.setattr(retry, "PAUSE", 0.0)
    study = client.create_experiment("gone")
    gone = Gone(client, does=does, times=1 if does else 3)
    made = RetryingClient(gone, waits=True).create_run(study, 5, TAGS, "mine")  # type: ignore[arg-type]
    assert [run.info.run_id for run in runs(client, study)] == [made.info.run_id]
    gone = Gone(client, does=False, times=3)
    RetryingClient(gone, waits=True).set_tag(made.info.run_id, "status", "there")  # type: ignore[arg-type]
    assert gone.calls == ["set_tag"] * 4


def test_not_for_ever_and_a_server_is_waited_for_by_mlflow_alone(client, monkeypatch) -> None:
    monkeypatch.setattr(retry, "PATIENCE", 0.0)
    for waits in (True, False):
        gone = Gone(client, does=False, times=9)
        with pytest.raises(MlflowException, match="refused"):
            RetryingClient(gone, waits=waits).get_run("x")  # type: ignore[arg-type]
        assert len(gone.calls) == 1
