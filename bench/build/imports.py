"""Import of the class or function behind a dotted path, with errors that say what to do."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.build import user_code
from bench.spec.errors import describe_error, get_message
from bench.spec.suggest import suggest


class TargetNotFound(Exception):
    """A dotted path that names nothing; the message says why and what to do."""


@cache
def import_target(target: str) -> Any:
    """Import what a dotted path names.

    Raises:
        TargetNotFound: no such module or name, or a module that cannot be imported.
    """
    parts = target.split(".")
    if parts[0] in sys.stdlib_module_names:
        raise TargetNotFound(
            f"{parts[0]} is Python's own library, which builds nothing that trains"
        )
    value: Any = None
    for at, name in enumerate(parts):
        if value is not None and hasattr(value, name):
            value = getattr(value, name)
        elif value is None or (isinstance(value, ModuleType) and hasattr(value, "__path__")):
            value = _import_module(".".join(parts[: at + 1]), value, name)
        else:
            raise TargetNotFound(_explain_missing_name(value, name))
    if not callable(value):
        raise TargetNotFound(f"it is a {type(value).__name__}, no class or function")
    return value


def _import_module(path: str, parent: Any, name: str) -> ModuleType:
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        if error.name == path and parent is not None:
            raise TargetNotFound(_explain_missing_name(parent, name)) from error
        raise TargetNotFound(_explain_missing_module(error)) from error
    except SystemExit as error:
        raise TargetNotFound(
            f"importing {path} ends the process: {describe_error(error)}{format_location(error)}"
        ) from error
    except Exception as error:
        raise TargetNotFound(
            f"importing {path} raises {describe_error(error)}{format_location(error)}"
        ) from error


def format_location(error: BaseException) -> str:
    """Format the user's own line as `` (mine.py:12)``, to end a message with."""
    where = user_code.find_user_line(error)
    return f" ({where})" if where else ""


def _explain_missing_module(error: ModuleNotFoundError) -> str:
    top = (error.name or "").partition(".")[0]
    remedy = f"install it (pip install {top.replace('_', '-')}) or put your module in this folder"
    return f"{get_message(error)}{format_location(error)}; {remedy}"


def _explain_missing_name(parent: Any, name: str) -> str:
    top = parent.__name__.partition(".")[0]
    if (
        top in user_code.PROJECT_PACKAGES
        and Path(top).is_dir()
        and Path(top).resolve() != user_code.ROOT / top
    ):
        return (
            f"{parent.__name__} has no {name!r}: {top} is optbench's own package, which hides your "
            f"folder {top}; give the folder another name"
        )
    file = getattr(parent, "__file__", None)
    where = f" ({Path(file).name})" if file else ""
    known = [word for word in vars(parent) if not word.startswith("_")]
    near = suggest(name, known).partition(" Valid:")[0]
    hint = f"; {near}" if near.startswith("did you mean") else ""
    return f"{parent.__name__}{where} has no {name!r}{hint}"
