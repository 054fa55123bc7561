"""From a dotted path in a YAML to the class or function behind it, or to words that help."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.build import user_code
from bench.spec.errors import said, words
from bench.spec.suggest import suggest


class NotThere(Exception):
    """Nothing stands behind a dotted path; the message says why and what to do."""


@cache
def located(target: str) -> Any:
    """What a dotted path names; imports what it takes.

    Raises:
        NotThere: no such module or name, or a module that cannot be imported.
    """
    parts = target.split(".")
    if parts[0] in sys.stdlib_module_names:
        raise NotThere(f"{parts[0]} is Python's own library, which builds nothing that trains")
    found: Any = None
    for at, name in enumerate(parts):
        if found is not None and hasattr(found, name):
            found = getattr(found, name)
        elif found is None or (isinstance(found, ModuleType) and hasattr(found, "__path__")):
            found = _module(".".join(parts[: at + 1]), found, name)
        else:
            raise NotThere(_no_such_name(found, name))
    if not callable(found):
        raise NotThere(f"it is a {type(found).__name__}, no class or function")
    return found


def _module(path: str, parent: Any, name: str) -> ModuleType:
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        if error.name == path and parent is not None:
            raise NotThere(_no_such_name(parent, name)) from error
        raise NotThere(_missing(error)) from error
    except SystemExit as error:
        raise NotThere(f"importing {path} ends the process: {said(error)}{at(error)}") from error
    except Exception as error:
        raise NotThere(f"importing {path} raises {said(error)}{at(error)}") from error


def at(error: BaseException) -> str:
    """`` (mine.py:12)``: the user's own line, to end a message with."""
    where = user_code.line(error)
    return f" ({where})" if where else ""


def _missing(error: ModuleNotFoundError) -> str:
    top = (error.name or "").partition(".")[0]
    remedy = f"install it (pip install {top.replace('_', '-')}) or put your module in this folder"
    return f"{words(error)}{at(error)}; {remedy}"


def _no_such_name(parent: Any, name: str) -> str:
    top = parent.__name__.partition(".")[0]
    if top in user_code.OURS and Path(top).is_dir() and Path(top).resolve() != user_code.ROOT / top:
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
