"""``hydra/launcher=submitit_slurm``: an array of jobs, each a stack; one whose node fails."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter

import pytest

from tests.helpers.processes import (
    PATIENCE,
    build_command,
    count_statuses,
    find_evaluated_runs,
    start_command,
    wait_until,
)
from tests.helpers.services import slurm
from tests.helpers.services.mlflow_runs import runs_of

pytestmark = pytest.mark.slow

SWEEP = ["-m", "task=digits", "model.hidden=[8]", "seed=range(0,6)", "budget.eval_every=50"]
SWEEP += ["hydra/launcher=submitit_slurm", "hydra.launcher.trials_per_job=3", "study=nodes"]
SWEEP += ["hydra.launcher.partition=short", "hydra.launcher.mem_gb=4"]


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    """Slurm's commands are these; the folder of its jobs."""
    pytest.importorskip("submitit")
    found = slurm.install(tmp_path / "slurm")
    monkeypatch.setenv("PATH", f"{tmp_path / 'slurm'}{os.pathsep}{os.environ['PATH']}")
    return found


def test_a_node_that_fails_costs_its_job_and_the_next_call_runs_it(jobs, server, tmp_path):
    words = [*SWEEP, "budget.steps=4000", f"tracking.uri={server.uri}"]
    process = start_command(tmp_path, *words)
    first, *_ = wait_until(lambda: find_evaluated_runs(server.uri, "nodes"), process)
    asked = (jobs / "asked").read_text()
    assert "#SBATCH --array=0-1%2" in asked
    assert "#SBATCH --partition=short" in asked
    assert "#SBATCH --mem=4GB" in asked
    os.kill(int(first.data.tags["pid"]), signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, out + err
    assert "6 trials in 2 jobs of submitit_slurm" in out
    assert "Traceback" not in err
    assert count_statuses(server.uri, "nodes") == {"finished": 3, "failed": 3}
    assert not [r for r in runs_of(server.uri, "nodes") if r.info.status == "RUNNING"]
    again = subprocess.run(build_command(*words), cwd=tmp_path, timeout=PATIENCE, check=False)
    assert again.returncode == 0
    found = runs_of(server.uri, "nodes", " AND tags.status = 'finished'")
    assert Counter(run.data.tags["seed"] for run in found) == {str(seed): 1 for seed in range(6)}
