"""Refusals of wrong input: one message with the key, the value and the remedy; exit code 2.

Hydra and OmegaConf explain a mistake in their own words, some with a traceback. This file turns
them into ours. ``HYDRA_FULL_ERROR=1`` shows the original.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException
from yaml import YAMLError

from bench.config import schema
from bench.spec import RefusedInput
from bench.spec.errors import describe_error, hide_passwords
from bench.spec.printable import escape_unprintable
from bench.spec.suggest import suggest

REFUSED = (RefusedInput, HydraException, OmegaConfBaseException, YAMLError, UnicodeDecodeError)
"""Exceptions of wrong input, by us or by the packages that read it."""
READERS = frozenset({"hydra", "omegaconf", "yaml", "antlr4"})
"""Packages in which odd input may raise anything, such as ``AssertionError``, ``RecursionError``.
They only read the input, so whatever they raise is a mistake in it."""
NO_NAME = "Config group override must be a string"
"""Hydra's message, in a plain ``ValueError``, for ``optimizer=null``."""
UNREADABLE = "LexerNoViableAltException: "
"""Hydra's message for a word with a character outside its grammar."""


@contextmanager
def exit_on_refusal() -> Iterator[None]:
    """Turn refused input into its message on stderr and exit code 2; let everything else pass.

    An exception that travels as the code of a ``SystemExit`` is taken out of it.
    """
    show_all = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands its exceptions on instead of printing them
    try:
        yield
    except (Exception, SystemExit) as error:
        cause: Any = error.code if isinstance(error, SystemExit) else error
        if not isinstance(cause, Exception):
            raise
        if show_all or not _is_refused(cause):
            raise cause from cause.__cause__
        for line in explain(cause).split("\n"):
            print(f"refused: {escape_unprintable(hide_passwords(line))}", file=sys.stderr)
        sys.exit(2)
    finally:
        if not show_all:
            del os.environ["HYDRA_FULL_ERROR"]


def _is_refused(error: Exception) -> bool:
    """Return True for a mistake in the input."""
    return isinstance(error, REFUSED) or _find_raising_package(error) in READERS


def _find_raising_package(error: Exception) -> str:
    """Find the package that raised an error, Python's own library left out."""
    modules = [
        str(frame.f_globals.get("__name__", "")).partition(".")[0]
        for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    others = [name for name in modules if name not in sys.stdlib_module_names]
    return others[-1] if others else ""


def explain(error: Exception) -> str:
    """Explain an exception in a line or two."""
    if isinstance(error, RefusedInput):
        return str(error)
    if isinstance(error, MissingConfigException):
        return _explain_missing_choice(error)
    if explanation := _explain_file(error) or _explain_word(str(error)):
        return explanation
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        return _explain_key_or_value(error, cause)
    if isinstance(error, REFUSED) and str(error):
        return _get_first_line(error)
    while not str(error) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    where = _find_suspects() or "what was given"
    first = describe_error(error).split("\n", maxsplit=1)[0]
    return f"{where}: cannot be composed: {first}; write KEY: VALUE; HYDRA_FULL_ERROR=1 shows more"


def _explain_word(message: str) -> str:
    """Explain a mistake in one word of the command line; empty for other mistakes."""
    if "input 'glob(" in message:  # the grammar reads brackets in it as a list
        return f"{message.splitlines()[0]}; quote the pattern: 'optimizer=glob(\"[a-m]*\")'"
    match = re.match(rf"{UNREADABLE}(.*)|Error parsing override '(.*?)'\n", message, re.DOTALL)
    if not match:
        return ""
    word = (match[1] or match[2]).split("\n", maxsplit=1)[0]
    return f"{word}: cannot be read; write KEY=VALUE, odd characters in quotes: \"KEY='VALUE'\""


def _find_suspects() -> str:
    """Find the YAMLs of the user's folder that the command line chooses; empty for none."""
    chosen = [word.partition("=")[::2] for word in sys.argv[1:] if "=" in word]
    files = [
        folder / f"{key}/{name}.yaml" for key, name in chosen for folder in _find_config_dirs()
    ]
    return ", ".join(str(file) for file in files if file.is_file())


def _explain_file(error: Exception) -> str:
    """Explain a mistake in a YAML or the choice of it; empty for other mistakes."""
    if isinstance(error, YAMLError):  # names file, line and column
        return " ".join(str(error).split())
    if isinstance(error, UnicodeDecodeError):
        return _explain_encoding(error)
    if NO_NAME in str(error):
        return f"{error}; write GROUP=NAME with the name of a YAML, e.g. optimizer=adam"
    if unknown := _explain_unknown_key(str(error)):
        return unknown
    match = re.search(r"In '([^']+)': \w+ raised while composing config:\s+([^\n]+)", str(error))
    return f"{_find_yaml(match[1])}: {match[2]}; write lines KEY: VALUE" if match else ""


def _find_yaml(option: str) -> str:
    """Find the YAML of an option such as ``optimizer/mine``."""
    paths = [folder / f"{option}.yaml" for folder in _find_config_dirs()]
    return next((str(path) for path in paths if path.exists()), f"conf/{option}.yaml")


def _explain_unknown_key(message: str) -> str:
    """Explain a key of a YAML that the schema does not have; empty for other mistakes."""
    match = re.search(r"In '([^']+)'.*Key '([^']+)' not in '(\w+)'", message, re.DOTALL)
    known = getattr(schema, match.group(3), None) if match else None
    if match is None or known is None:
        return ""
    file, key, _ = match.groups()
    return f"{_find_yaml(file)}: {key}: no such key; {suggest(key, known.__dataclass_fields__)}"


def _explain_missing_choice(error: MissingConfigException) -> str:
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    if not group or not error.options:
        return _get_first_line(error)
    return f"{group}={name}: conf/{group}/ has no {name}.yaml; {suggest(name, error.options)}"


def _explain_key_or_value(error: Exception, cause: OmegaConfBaseException) -> str:
    """Explain an unknown key, with the nearest known one, or a value of the wrong type."""
    key, parent = str(cause.key), cause.parent_node
    if isinstance(cause, MissingMandatoryValue):
        return f"{cause.full_key}: has no value (???); give {cause.full_key}=VALUE"
    if isinstance(parent, DictConfig) and parent != None and key not in parent:  # noqa: E711
        override = re.search(r"override '([^']+)'", str(error))
        full_key = override.group(1) if override else cause.full_key
        if cause.full_key == f"data.{key}" and not parent:
            return f"{full_key}: this task reads no data of yours; task=text_file does"
        return f"{full_key}: no such key; {suggest(key, parent.keys())}"
    place = str(cause.full_key)
    given = any(word.lstrip("+~").startswith(place) for word in sys.argv[1:])
    file = "" if given else _find_suspects()
    return f"{file}{file and ': '}{place}: {_get_first_line(cause)}"


def _explain_encoding(error: UnicodeDecodeError) -> str:
    """Find the YAML of the user's folder that is no text; Python's error does not name it."""
    for path in sorted(path for folder in _find_config_dirs() for path in folder.rglob("*.yaml")):
        content = path.read_bytes()
        try:
            content.decode()
        except UnicodeDecodeError as reason:
            line = content[: reason.start].count(b"\n") + 1
            return f"{path}, line {line}: not UTF-8 ({reason.reason}); save it as UTF-8 text"
    return f"a file is not UTF-8: {error}; save it as UTF-8 text"


def _find_config_dirs() -> list[Path]:
    """Find the folders that ``--config-dir`` names on the command line."""
    words = sys.argv[1:]
    folders = [word.partition("=")[2] for word in words if word.startswith("--config-dir=")]
    folders += [after for word, after in pairwise(words) if word in ("--config-dir", "-cd")]
    return [Path(folder) for folder in folders]


def _get_first_line(error: BaseException) -> str:
    line, *rest = str(error).strip().split("\n")
    return f"{line} {rest[0]}" if rest and line.endswith(":") else line
