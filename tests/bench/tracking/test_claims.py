"""Who has a trial, where machines meet that know of each other only by what a server holds."""

from __future__ import annotations

import random
import time

import pytest
from mlflow.tracking import MlflowClient

from bench import tracking
from bench.spec import Status, TrialResult
from bench.tracking import claims, opening
from bench.tracking.owner import identify
from bench.tracking.server import heartbeat
from bench.tracking.server.store import ClientStore
from bench.tracking.store import TrialRun
from bench.tracking.tags import make_start_tags
from tests.helpers.services.mlflow_runs import runs_of
from tests.helpers.specs import trial_spec


def run(name: str, status: str, mlflow: str = "RUNNING", seen: float = 0.0, host: str = "there"):
    """A run of another machine, whose process was last there ``seen`` seconds ago."""
    tags = {"host": host, "pid": "7", "process": "1", "status": status, "config_hash": "x"}
    return TrialRun(name, mlflow, tags, last_seen=time.time() - seen, fault="")


@pytest.mark.parametrize(
    ("rivals", "expected"),
    [
        ([], True),
        ([("a", "claiming")], False),  # the lower number stays
        ([("c", "claiming")], None),
        ([("c", "claiming"), ("a", "claiming")], False),
        ([("c", "running")], False),  # it had looked before there was another
        ([("c", "finished", "FINISHED")], False),
        ([("c", "failed", "FAILED")], True),
        ([("a", "running", "RUNNING", claims.LEASE + 1)], True),  # nobody is there any more
        ([("a", "claiming", "RUNNING", claims.LEASE + 1)], True),
    ],
)
def test_who_has_it(rivals, expected) -> None:
    assert claims.decide_claim("b", [run(*rival) for rival in rivals]) is expected


@pytest.mark.parametrize("skew", [-480.0, 480.0])
def test_clocks_of_machines_may_differ_by_minutes(skew) -> None:
    """``skew``: seconds by which the other machine's clock is fast; it beats at most 75 s apart."""
    longest = heartbeat.INTERVAL * 1.25
    assert claims.is_running(run("a", "running", seen=longest - skew))
    assert not claims.is_running(run("a", "running", seen=claims.LEASE + abs(skew) + 1 - skew))


class Machine:
    """One that wants a trial; each ``step`` is one request to the server, or the wait between."""

    def __init__(self, name: str, store: dict[str, TrialRun]) -> None:
        self.name, self.store = name, store
        self.verdict: bool | None = None
        self.has: bool | None = None
        self._steps = iter(self._life())

    def _life(self):
        self.store[self.name] = run(self.name, "claiming", host=self.name)
        yield
        while True:
            rivals = [one for name, one in self.store.items() if name != self.name]
            seen = [
                TrialRun(o.run_id, o.status, dict(o.tags), last_seen=o.last_seen) for o in rivals
            ]
            yield
            verdict = claims.decide_claim(self.name, seen)
            if verdict is not None:
                break
            yield
        if verdict:
            self.store[self.name] = run(self.name, "running", host=self.name)
        else:
            del self.store[self.name]
        self.has = verdict

    def step(self) -> None:
        next(self._steps, None)


@pytest.mark.parametrize("machines", [2, 3])
def test_in_whatever_order_requests_arrive_exactly_one_has_it(machines) -> None:
    draw = random.Random(0)
    for _ in range(1000):
        store: dict[str, TrialRun] = {}
        all_of_them = [Machine(name, store) for name in "abc"[:machines]]
        for _ in range(400):
            draw.choice(all_of_them).step()
        assert sorted(one.has is True for one in all_of_them) == [False] * (machines - 1) + [True]
        assert len(store) == 1


@pytest.fixture
def server(uri, monkeypatch):
    """A store that is used as a server's: by MLflow's client alone."""
    monkeypatch.setattr(opening, "_open", lambda uri, path: ClientStore(uri))
    monkeypatch.setattr(heartbeat, "_HEARTBEATS", {})
    return uri


def on(monkeypatch, host: str) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    monkeypatch.setattr(heartbeat, "_HEARTBEATS", {})


def test_a_machine_that_is_alive_holds_its_trials_and_one_that_is_silent_does_not(
    server, monkeypatch
) -> None:
    specs = [trial_spec(seed=seed, study="far") for seed in (0, 1)]
    keys = {spec.config_hash for spec in specs}
    on(monkeypatch, "node1")
    first = tracking.open_recorder(server, specs[:1], "basic").__enter__()
    assert first.slots == [0]
    name = heartbeat.name_tag(identify())
    on(monkeypatch, "node2")
    with tracking.open_recorder(server, specs, "basic") as second:
        assert second.slots == [1]
        assert tracking.find_running(server, "far", keys) == keys
        assert tracking.discard_interrupted(server, "far") == 0
        client = MlflowClient(tracking_uri=server)
        study = client.get_experiment_by_name("far").experiment_id
        client.set_experiment_tag(study, name, repr(time.time() - claims.LEASE - 1))
        assert tracking.find_running(server, "far", keys) == {specs[1].config_hash}
        assert tracking.discard_interrupted(server, "far") == 1
        assert name not in client.get_experiment(study).tags
        with tracking.open_recorder(server, specs[:1], "basic") as third:
            assert third.slots == [0]
            third.finish(0, TrialResult(Status.FINISHED))
    assert tracking.read_results(server, "far").keys() == {specs[0].config_hash}


def test_a_run_that_an_outage_made_twice_is_one(server, monkeypatch) -> None:
    spec = trial_spec(study="twice")
    study = tracking.prepare(server, "twice")
    client = MlflowClient(tracking_uri=server)
    client.create_run(
        study, 1, make_start_tags(spec, "basic") | {"status": claims.CLAIMING}, "ghost"
    )
    # as a request that was made again: when this process first looked there was no such run
    monkeypatch.setattr(claims, "find_unclaimed", lambda runs, specs: [0])
    with tracking.open_recorder(server, [spec], "basic") as records:
        assert records.slots == [0]
        records.finish(0, TrialResult(Status.FINISHED))
    (one,) = runs_of(server, "twice")
    assert one.info.status == "FINISHED"
    assert one.data.tags["mlflow.runName"] != "ghost"
