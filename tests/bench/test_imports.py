"""Who may import whom: data flows one way, and what is light stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "tasks": {"hydra", "omegaconf", "mlflow", "bench", "reports", "pytorch_lightning"},
    "tasks/data": {
        "hydra",
        "omegaconf",
        "mlflow",
        "bench",
        "reports",
        "pytorch_lightning",
        "pandas",
    },
    "reports": {"torch", "pytorch_lightning", "hydra", "omegaconf", "mlflow", "tasks"},
    "bench/tracking": {"torch", "pytorch_lightning", "hydra", "omegaconf", "tasks", "reports"},
    "bench/optimizers": {"hydra", "omegaconf", "mlflow", "tasks", "reports", "pytorch_lightning"},
}
BELOW = [  # each may import what stands before it, and nothing after
    "spec lightning",
    "suggest address space needs faults output places",
    "locate",
    "keys processes",
    "isolation",
    "hyperparameters protocol schedules param_groups",
    "build progress rebuild embedded.tables embedded.naming embedded.lost",
    "outcome embedded.rows embedded.changes",
    "embedded.claims",
    "embedded.lookup",
    "embedded.words",
    "embedded.recorder",
    "config.schema config.sources",
    "config.files",
    "config.optimizer config.refusal ending",
    "config.trial",
    "trial.read_ahead",
    "trial.clock trial.batches trial.evaluation trial.environment trial.update trial.course "
    "trial.memory",
    "trial.limit",
    "trial.module trial.ranks",
    "trial.watch",
    "trial.machine",
    "trial.run",
    "costs",
    "stack.model stack.rules stack.captured stack.threads",
    "stack.sliced",
    "stack.fusible",
    "stack.optimizers stack.stackable",
    "stack.module",
    "stack.run stack.probe",
    "tracking.lost tracking.patient tracking.store",
    "tracking.embedded tracking.lease",
    "tracking.write",
    "tracking.client",
    "tracking.opening",
    "tracking.views tracking.read tracking.recorder",
    "tracking.summary",
    "tracking.dashboard",
    "record status",
    "sweeps.workers sweeps.forked sweeps.memory sweeps.alike",
    "sweeps.one_by_one",
    "sweeps.compose sweeps.stacked sweeps.search sweeps.display",
    "sweeps.words",
    "sweeps.launchers sweeps.plan sweeps.part",
    "sweeps.batch sweeps.changes sweeps.cluster",
    "sweeps.conclude sweeps.tune",
    "sweeps.grid sweeps.forecast sweeps.on_ray sweeps.on_submitit",
    "sweeps.study",
    "sweeps.ablate sweeps.target",
    "sweeps.plugins",
    "__main__",
    "target",
]

SHARED = {
    "reports": ("tasks.landscapes", "tasks.data.kept"),
    "bench/tracking": ("tasks.data.kept",),
}
"""What a package may import of one that it may not: what the report draws, and where what takes
long to make is kept, both without torch."""

APART = ("optimizers.", "speed.", "check.")
"""Packages of their own: what they may import is said above, or they stand on top of all."""


def imported(path: Path) -> set[str]:
    """Dotted names of everything a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_package_stays_in_its_place(folder):
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    for path in files:
        names = {n for n in imported(path) if not n.startswith(SHARED.get(folder, ()))}
        tops = {name.split(".")[0] for name in names}
        assert not tops & FORBIDDEN[folder], path


def test_a_report_loads_no_torch():
    code = "import sys, reports.render; print({'torch', 'mlflow'} & set(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == "set()\n"


def test_only_tracking_imports_mlflow():
    users = {
        path.relative_to(ROOT).as_posix()
        for package in ("bench", "tasks", "reports")
        for path in (ROOT / package).rglob("*.py")
        if any(name.split(".")[0] == "mlflow" for name in imported(path))
    }
    assert users
    assert all(user.startswith("bench/tracking/") for user in users)


def test_bench_imports_downwards_only():
    floor = {name: at for at, names in enumerate(BELOW) for name in names.split()}
    for name, at in floor.items():
        path = ROOT / "bench" / f"{name.replace('.', '/')}.py"
        for other in imported(path):
            below = other.removeprefix("bench.")
            if other.startswith("bench.") and below in floor:
                assert floor[below] < at, f"bench.{name} imports bench.{below}"


def test_every_module_of_bench_has_a_floor():
    known = {name for names in BELOW for name in names.split()}
    files = {
        ".".join(path.relative_to(ROOT / "bench").with_suffix("").parts)
        for path in (ROOT / "bench").rglob("*.py")
    }
    apart = {name for name in files if name.startswith(APART)}
    assert {name for name in files - apart if not name.endswith("__init__")} == known


LIGHT = """
import sys, time
sys.argv = ["optbench", {argument!r}]
from bench.__main__ import main
try:
    main()
except SystemExit as end:
    print("exit", end.code)
heavy = {{"torch", "pytorch_lightning", "mlflow", "pandas", "altair"}} & set(sys.modules)
print("heavy", sorted(heavy))
"""


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("task=digts", 2), ("seed=x", 2)])
def test_help_and_refusals_import_nothing_heavy(argument, code, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", LIGHT.format(argument=argument)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"exit {code}" in ended.stdout
    assert "heavy []" in ended.stdout
    assert list(tmp_path.iterdir()) == []
