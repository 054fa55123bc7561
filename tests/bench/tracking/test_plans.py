"""Two studies under one name at once: one plan is shared, of two different ones one is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench import tracking
from tests.helpers.processes import PATIENCE, build_command
from tests.helpers.services.mlflow_server import MlflowServer

CLAIM = """
import sys, time
from pathlib import Path
from bench import tracking
from bench.spec import RefusedInput
uri, plan, folder = sys.argv[1:]
tracking.prepare(uri, "s")
Path(folder, f"ready{time.time_ns()}").touch()
while len(list(Path(folder).glob("ready*"))) < 2:
    time.sleep(0.01)
def find_conflict(other):
    return "" if other == plan else f"study=s: runs with {other}"
try:
    with tracking.claim_plan(uri, "s", plan, find_conflict):
        print("has it", flush=True)
        time.sleep(3)
except RefusedInput as refusal:
    print(refusal)
    sys.exit(2)
"""
STUDY = ["-m", "hydra/sweeper=study", "task=digits", "optimizer=adam", "budget.steps=4"]
STUDY += ["budget.eval_every=4", "tuning.seeds=1", "reporting.seeds=2", "study=s"]
STUDY += ["tuning.repeats=1", "tuning.reference_factor=1"]


@pytest.fixture(params=["a file", "a server"])
def store(uri, request, tmp_path):
    """The address of a store of either kind."""
    if request.param == "a file":
        yield uri
        return
    server = MlflowServer(tmp_path)
    server.start()
    yield server.uri
    server.kill()


def run_two(folder, *commands):
    processes = [
        subprocess.Popen(
            words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for words in commands
    ]
    return [(*one.communicate(timeout=PATIENCE), one.returncode) for one in processes]


@pytest.mark.parametrize(("plans", "codes"), [(("a", "b"), [0, 2]), (("a", "a"), [0, 0])])
def test_of_two_processes_at_once(store, plans, codes, tmp_path):
    for at in range(2):
        folder = tmp_path / str(at)
        folder.mkdir()
        commands = ([sys.executable, "-c", CLAIM, store, plan, str(folder)] for plan in plans)
        ended = run_two(tmp_path, *commands)
        assert sorted(code for *_, code in ended) == codes, ended
        if codes == [0, 2]:
            (won,) = [plan for plan, one in zip(plans, ended, strict=True) if one[2] == 0]
            (said,) = [out for out, _, code in ended if code == 2]
            assert said == f"study=s: runs with {won}\n"


def test_the_claim_of_a_process_that_is_gone_holds_nothing(uri):
    code = (
        "import os; from bench import tracking\n"
        f"with tracking.claim_plan({uri!r}, 's', 'a', str):\n    os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    with tracking.claim_plan(uri, "s", "b", lambda other: f"runs with {other}"):
        pass


def test_a_claim_is_given_back(uri):
    from bench.tracking.opening import open_store

    for plan in ("a", "b"):
        with tracking.claim_plan(uri, "s", plan, lambda other: other):
            assert len(list_claims(open_store(uri))) == 1
        assert list_claims(open_store(uri)) == []


def list_claims(store):
    return [tag for tag in store.find_study("s").tags if tag.startswith("optbench.plan.")]


def test_a_claim_that_is_no_claim_is_removed(uri):
    from bench.tracking.opening import open_store

    store = open_store(uri, writes=True)
    number = store.create_study("s")
    for at, text in enumerate(("", "{", "[]", '{"owner": 3}', "null", "x")):
        store.tag_study(number, {f"optbench.plan.{at}": text})
    with tracking.claim_plan(uri, "s", "a", lambda other: "no"):
        assert len(list_claims(store)) == 1


def test_of_two_commands_at_once_one_is_refused_and_the_other_can_be_resumed(uri, tmp_path):
    plans = [[*STUDY, f"tuning.trials={points}", f"tracking.uri={uri}"] for points in (12, 16)]
    ended = run_two(tmp_path, *(build_command(*words) for words in plans))
    assert sorted(code for *_, code in ended) == [0, 2], ended
    won = [code for *_, code in ended].index(0)
    (said,) = ended[1 - won][1].splitlines()
    was, now = ((12, 16), (16, 12))[won]
    assert said == (
        "refused: study=s is being run with different settings: digits · mlp · adam: "
        f"tuning.trials was {was} and is {now}. Restore them, or use a new name, such as "
        "study=s_2. More tunings can be added: tuning.repeats"
    )
    again = subprocess.run(
        build_command(*plans[won]), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr


def test_a_refused_plan_names_what_differs():
    from bench.sweeps.plan import make_plan
    from bench.sweeps.resume import compare_plans, describe_plan
    from tests.helpers.specs import trial_spec

    tuning = {"trials": 4, "seeds": 1, "repeats": 1, "reference_factor": 2, "seed": 0}
    tuning |= {"sampler": "sobol", "rank": "final", "rerank": 0}
    plan = make_plan([trial_spec()], tuning, 5)
    assert compare_plans(plan, describe_plan(plan)) == ""
    more_seeds = make_plan([trial_spec()], {**tuning, "seeds": 3}, 9)
    assert compare_plans(plan, describe_plan(more_seeds)) == ""  # what resume does not compare
    for change, said in (
        ({"seed": 1}, "tuning.seed was 1 and is 0"),
        ({"rank": "steps_to_target"}, "tuning.rank was steps_to_target and is final"),
    ):
        other = make_plan([trial_spec()], {**tuning, **change}, 5)
        assert said in compare_plans(plan, describe_plan(other))
    longer = make_plan([trial_spec(steps=80)], tuning, 5)
    assert "budget.steps was 80 and is 60" in compare_plans(plan, describe_plan(longer))
    assert "different settings" in compare_plans(plan, "broken")
