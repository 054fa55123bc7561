"""Who may import whom: data flows one way, and what is light stays light."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {
    "bench.spec": "",
    "bench.optimizers": "",
    "bench.schedules": "bench.spec",
    "tasks": "",
    "bench.runtime": "bench.spec",
    "bench.tracking": "bench.spec",
    "bench.build": "bench.spec bench.runtime bench.optimizers tasks",
    "bench.config": "bench.spec bench.build bench.tracking",
    "bench.trial": "bench.spec bench.build bench.runtime tasks",
    "bench.stack": "bench.spec bench.optimizers bench.build bench.runtime bench.trial tasks",
    "bench.sweeps": "bench.spec bench.build bench.runtime bench.config bench.trial bench.stack "
    "bench.tracking reports tasks",
    "bench.check": "bench.spec bench.build bench.runtime bench.config bench.trial bench.stack "
    "bench.sweeps tasks",
    "bench.controls": "bench.spec bench.config bench.runtime bench.sweeps reports",
    "reports": "bench.spec bench.tracking bench.runtime bench.config bench.trial tasks",
}
"""What each room may import; benchmarks and the entry point ``bench.__main__`` stand on top."""

REPORTS = ["stats", "data", "analysis", "text", "figures", "output", "pages"]
"""Rooms of ``reports``: each imports only rooms that stand before it."""

PACKAGES = {
    "tasks": {"hydra", "omegaconf", "mlflow", "pytorch_lightning"},
    "tasks/data": {"hydra", "omegaconf", "mlflow", "pytorch_lightning", "pandas"},
    "reports": {"torch", "pytorch_lightning", "hydra", "omegaconf", "mlflow"},
    "bench/tracking": {"torch", "pytorch_lightning", "hydra", "omegaconf"},
    "bench/optimizers": {"hydra", "omegaconf", "mlflow", "pytorch_lightning"},
}
"""Libraries that a room never imports."""


def imported(path: Path) -> set[str]:
    """Dotted names of everything a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(module: str) -> str:
    """``bench.trial.run`` is in ``bench.trial``; ``tasks`` and ``reports`` are one room each."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "bench" else parts[0]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_stands_below_it(room):
    place = ROOT / room.replace(".", "/")
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert files
    for path in files:
        ours = {name for name in imported(path) if name.startswith(("bench.", "tasks", "reports"))}
        assert {room_of(name) for name in ours} <= {room, *ROOMS[room].split()}, path


def modules_of(package: str) -> dict[str, set[str]]:
    """Modules of a package, each with those that it imports; a package only where that is all."""
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / package).rglob("*.py")
    }
    graph = {name: (imported(path) & files.keys()) - {name} for name, path in files.items()}
    return {
        name: {one for one in names if not any(other.startswith(f"{one}.") for other in names)}
        for name, names in graph.items()
    }


@pytest.mark.parametrize("room", REPORTS)
def test_reports_flow_from_data_to_output(room):
    below = {f"reports.{name}" for name in REPORTS[: REPORTS.index(room) + 1]} | {"reports"}
    modules = modules_of("reports")
    own = {name for name in modules if name.startswith(f"reports.{room}.")}
    assert own
    for name in own:
        assert {".".join(other.split(".")[:2]) for other in modules[name]} <= below, name


def test_statistics_know_nothing_of_studies():
    for path in (ROOT / "reports/stats").glob("*.py"):
        names = {name for name in imported(path) if name.startswith(("bench", "reports", "pandas"))}
        assert all(name.startswith("reports.stats") for name in names), path


@pytest.mark.parametrize("package", ["bench", "tasks"])
def test_no_import_goes_in_a_circle(package):
    TopologicalSorter(modules_of(package)).prepare()


def test_every_package_of_bench_is_a_room():
    known = {*ROOMS, "bench.speed", "bench.__main__", "bench.__init__"}
    found = {f"bench.{path.stem}" for path in (ROOT / "bench").iterdir() if path.stem[:1] != "."}
    assert found - {"bench.__pycache__", "bench.py"} <= known


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_room_leaves_a_library_to_others(folder):
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    for path in files:
        tops = {name.split(".")[0] for name in imported(path)}
        assert not tops & PACKAGES[folder], path


def test_a_report_loads_no_torch():
    code = "import sys, reports.output.render; print({'torch', 'mlflow'} & set(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == "set()\n"


def test_tracking_loads_nothing_heavy():
    heavy = {"mlflow", "torch", "pandas", "sqlalchemy", "numpy"}
    code = f"import sys, bench.tracking; print({heavy} & set(sys.modules))"
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


LIGHT = """
import sys, time
sys.argv = ["optbench", {argument!r}]
from bench.__main__ import main
try:
    main()
except SystemExit as end:
    print("exit", end.code)
heavy = {{"torch", "pytorch_lightning", "mlflow", "pandas", "altair", "psutil", "ssl"}}
heavy &= set(sys.modules)
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


def blocks_of_imports(path: Path) -> list[str]:
    """Imports inside functions: the text of each run of them, with the line above."""
    lines = path.read_text().splitlines()
    blocks = []
    for function in ast.walk(ast.parse("\n".join(lines))):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            body = getattr(node, "body", None)
            for is_import, run in groupby(
                body if isinstance(body, list) else [],
                lambda one: isinstance(one, ast.Import | ast.ImportFrom),
            ):
                if is_import:
                    statements = list(run)
                    first, last = statements[0].lineno, statements[-1].end_lineno
                    blocks.append("\n".join(lines[first - 2 : last]))
    return blocks


@pytest.mark.parametrize("package", ["bench", "tasks", "reports"])
def test_an_import_inside_a_function_has_its_reason_beside_it(package):
    blocks = [block for path in (ROOT / package).rglob("*.py") for block in blocks_of_imports(path)]
    assert [block for block in blocks if "#" not in block] == []
    assert blocks or package == "reports"


def test_no_room_is_crowded():
    for package in ("bench", "tasks", "reports", "tests"):
        for folder in (ROOT / package).rglob("*/"):
            assert len(list(folder.glob("*.py"))) <= 25, folder
    for package, most in (("bench", 16), ("reports", 11)):
        entries = {path.name for path in (ROOT / package).iterdir()} - {"__pycache__"}
        assert len(entries) <= most, package
