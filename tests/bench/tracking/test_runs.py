"""An answer read from the tables is the one that MLflow's client would give; nothing is touched."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from bench import tracking
from bench.spec import CurvePoint, Status, TrialResult
from bench.tracking import find_result
from tests.helpers.specs import trial_spec

POINT = CurvePoint(20, {"val/accuracy": 0.5})
FINAL = {"val/accuracy": 0.5, "test/accuracy": 0.25}
ENDS = {
    "finished": TrialResult(
        Status.FINISHED, curve=(POINT,), summary={"train_time_s": 1.5}, final=FINAL
    ),
    "diverged": TrialResult(Status.DIVERGED, "non-finite loss", summary={"diverged_step": 3.0}),
    "failed": TrialResult(Status.FAILED, "Boom", traceback="Traceback"),
}


@pytest.fixture
def hashes(uri: str) -> dict[str, str]:
    """Trials that ended in each way, and one that nobody ran, by how it ended."""
    specs = [trial_spec(seed=seed, study="known") for seed in range(4)]
    tracking.prepare(uri, "known")
    for spec, result in zip(specs, ENDS.values(), strict=False):
        with tracking.open_recorder(uri, [spec], "none") as records:
            records.finish(0, result)
    return dict(zip([*ENDS, "nobody"], (spec.config_hash for spec in specs), strict=True))


@pytest.mark.parametrize("end", [*ENDS, "nobody"])
def test_it_says_what_the_client_says(uri: str, hashes: dict[str, str], end: str) -> None:
    key = hashes[end]
    found = find_result(uri, "known", key)
    assert found == tracking.read_results(uri, "known").get(key)
    assert (found is None) == (end in ("failed", "nobody"))
    if end == "finished":
        assert found is not None
        assert found.final_value("test/accuracy") == 0.25
        assert found.summary["train_time_s"] == 1.5
    if end == "diverged":
        assert found is not None
        assert math.isnan(found.final_value("val/accuracy"))


def test_other_and_deleted_studies_answer_nothing(uri: str, hashes: dict[str, str]) -> None:
    key = hashes["finished"]
    assert find_result(uri, "other", key) is None
    client = MlflowClient(tracking_uri=uri)
    client.delete_experiment(client.get_experiment_by_name("known").experiment_id)
    assert find_result(uri, "known", key) is None


def test_no_file_is_made_and_a_foreign_one_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    assert find_result(f"sqlite:///{path}", "known", "abc") is None
    assert not path.exists()
    path.write_text("somebody's notes, not a database\n" * 40)
    assert find_result(f"sqlite:///{path}", "known", "abc") is None
    assert path.read_text().startswith("somebody's notes")
    assert find_result("http://127.0.0.1:1", "known", "abc") is None


COMMAND = """
import sys
from bench.__main__ import main
try:
    main()
finally:
    heavy = {"torch", "pytorch_lightning", "mlflow", "sqlalchemy", "pandas"} & set(sys.modules)
    print("HEAVY", *sorted(heavy), file=sys.stderr)
"""


def test_answers_and_refusals_import_what_they_need(tmp_path: Path) -> None:
    """An answer waits for none of the large libraries, a refusal by the optimizer for torch, and a
    trial for MLflow only where it is the first of its machine."""

    def imported(*words: str) -> list[str]:
        command = [sys.executable, "-c", COMMAND, "budget.steps=2", "model.hidden=[4]", *words]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return ended.stderr.rpartition("HEAVY")[2].split()

    refused = imported("optimizer.betas=[2,3]")
    assert refused == ["torch"]
    assert not (tmp_path / "outputs" / "optbench.db").exists()
    assert "mlflow" in imported()
    assert imported() == []
    assert imported("seed=1") == ["pytorch_lightning", "torch"]
    assert imported("study=another") == ["pytorch_lightning", "torch"]
