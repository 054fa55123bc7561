"""Fixtures that several packages' tests share."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from tests.helpers.commands import CommandResult

pytest.register_assert_rewrite("tests.helpers.processes")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds what another, or the person at this machine, has left."""
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def subnormal_numbers() -> None:
    """A trial flushes them for its process; the next test starts with them."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without a study: creating the first takes seconds, copying it does not."""
    from bench.tracking.opening import open_store

    path = tmp_path_factory.mktemp("store") / "empty.db"
    assert open_store(f"sqlite:///{path}", writes=True).list_studies() == []
    return path


@pytest.fixture
def uri(empty_store: Path, tmp_path: Path) -> str:
    """The address of a new store."""
    path = tmp_path / "store" / "optbench.db"
    path.parent.mkdir()
    shutil.copy(empty_store, path)
    return f"sqlite:///{path}"


@pytest.fixture
def optbench(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., CommandResult]:
    """The command in this process, in an empty folder and with a new store."""
    from bench.__main__ import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPTBENCH_DATA", raising=False)

    def run(*words: str, store: str | None = uri) -> CommandResult:
        tracked = [f"tracking.uri={store}"] if store else []
        GlobalHydra.instance().clear()
        monkeypatch.setattr(sys, "argv", ["optbench", *words, *tracked])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return CommandResult(code, *capsys.readouterr())

    return run
