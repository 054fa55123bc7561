"""The layout of the tests: mirrored folders, and helpers that stand in ``tests/helpers``."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
MODULES = sorted(TESTS.rglob("*.py"))
NO_HELPER = re.compile(
    r"\btests\.(?:\w+\.)*(?:test_\w+|conftest)\b|\btests\.(?!helpers\b)[\w.]+ import"
)
"""A test module or a conftest by its dotted path, in an import or in a string."""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    "line",
    [
        "from tests.reports.conftest import make",
        "import tests.bench.test_old_records",
        '"tests.tasks.test_families.patches"',
        "from tests.conftest import CommandResult",
        "from tests.reports import conftest",
        "from tests.tasks.data import test_ag_news",
    ],
)
def test_a_test_module_is_recognised(line):
    assert NO_HELPER.search(line)
    assert not NO_HELPER.search("from tests.helpers.records import make_record")
    assert not NO_HELPER.search("from tests.helpers import specs")


@pytest.mark.parametrize("path", [p for p in MODULES if p != Path(__file__)], ids=relative)
def test_no_test_module_or_conftest_is_imported(path):
    assert NO_HELPER.findall(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", [p for p in MODULES if p.name == "conftest.py"], ids=relative)
def test_a_conftest_holds_fixtures_only(path):
    for node in ast.parse(path.read_text("utf-8")).body:
        assert not isinstance(node, ast.ClassDef), node.name
        if isinstance(node, ast.FunctionDef):
            assert any("fixture" in ast.unparse(one) for one in node.decorator_list), node.name


@pytest.mark.parametrize("package", ["bench", "reports", "tasks"])
def test_each_test_stands_in_the_folder_of_what_it_tests(package):
    folders = {path.parent.relative_to(TESTS) for path in (TESTS / package).rglob("test_*.py")}
    assert Path(package) in folders
    assert [str(one) for one in folders if not (ROOT / one / "__init__.py").is_file()] == []


def test_a_helper_holds_no_test():
    helpers = (TESTS / "helpers").rglob("*.py")
    assert [
        relative(p) for p in helpers if re.search(r"^def test_", p.read_text("utf-8"), re.M)
    ] == []


NAMED = re.compile(r"`((?:tests/)?[\w/]*test_\w+\.py)(?:::(\w+))?`")


def test_every_test_that_a_page_names_is_there():
    """``docs/reliability.md`` names tests below ``tests/bench`` without that prefix."""
    found = NAMED.findall((ROOT / "docs" / "reliability.md").read_text("utf-8"))
    assert len(found) > 20
    for file, test in found:
        path = ROOT / file if file.startswith("tests/") else TESTS / "bench" / file
        assert path.is_file(), file
        assert not test or f"def {test}(" in path.read_text("utf-8"), f"{file}::{test}"
