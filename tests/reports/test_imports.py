"""Imports within reports: no circle, no torch, and nothing from the tests."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import reports

ROOT = Path(reports.__file__).parent


def name_module(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_module(path): path for path in sorted(ROOT.rglob("*.py"))}


def list_imports(path: Path) -> set[str]:
    """List the modules that a file imports, inside functions and for types only too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= members & MODULES.keys() or {node.module}
    return names


def test_no_module_of_reports_imports_itself_in_a_circle() -> None:
    graph = {name: list_imports(path) & MODULES.keys() for name, path in MODULES.items()}
    assert graph["reports"] == {"reports.output.notebook"}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, which names them
    assert set(order) == set(MODULES)


def test_no_module_of_reports_imports_the_tests() -> None:
    for path in MODULES.values():
        assert not {name for name in list_imports(path) if name.split(".")[0] == "tests"}, path


def test_pages_load_no_torch() -> None:
    pages = [name for name in MODULES if name.startswith("reports.pages.")]
    assert len(pages) > 5
    code = f"import sys, {', '.join(pages)}; print({{'torch', 'mlflow'}} & set(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert ended.stdout == "set()\n"
