"""Files of a user's own code, as opposed to installed packages and this project."""

from __future__ import annotations

import site
import sysconfig
import traceback
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT_PACKAGES = frozenset({"bench", "tasks", "reports", "conf"})
"""Top-level packages of this project."""


def is_user_code(file: str | Path) -> bool:
    """Return True for a file outside this project and all folders of installed packages."""
    path = Path(file).absolute()
    ours = any(path.is_relative_to(ROOT / package) for package in PROJECT_PACKAGES)
    return not ours and not any(path.is_relative_to(folder) for folder in _find_installed_folders())


def find_user_line(error: BaseException) -> str:
    """Find the user's own line that an exception came through last: ``mine.py:12``, or nothing."""
    if isinstance(error, SyntaxError) and error.filename and is_user_code(error.filename):
        return f"{_shorten_path(error.filename)}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if Path(frame.filename).is_file() and is_user_code(frame.filename):
            return f"{_shorten_path(frame.filename)}:{frame.lineno}"
    return ""


def _shorten_path(file: str) -> str:
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


@cache
def _find_installed_folders() -> tuple[Path, ...]:
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = [sysconfig.get_path(kind) for kind in kinds] + site.getsitepackages()
    return tuple(Path(folder) for folder in {*folders, site.getusersitepackages()})
