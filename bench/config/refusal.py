"""Errors for people: one message that names the key, the value and the remedy; exit code 2.

Hydra and OmegaConf explain a mistake in their own words, some with a traceback; this is where those
words become ours. With ``HYDRA_FULL_ERROR=1`` everything is shown instead.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from bench.config import schema
from bench.spec import RefusedInput
from bench.suggest import suggest


@contextmanager
def explained() -> Iterator[None]:
    """Turn refused input into its message on stderr and exit code 2; let everything else pass."""
    asked_for_all = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands its exceptions on instead of printing them
    try:
        yield
    except (RefusedInput, HydraException, OmegaConfBaseException, YAMLError, SystemExit) as error:
        cause = error.code if isinstance(error, SystemExit) else error
        if not isinstance(cause, Exception) or asked_for_all:
            raise
        print(f"refused: {explain(cause)}", file=sys.stderr)
        sys.exit(2)
    finally:
        if not asked_for_all:
            del os.environ["HYDRA_FULL_ERROR"]


def explain(error: Exception) -> str:
    """The message for one exception, in a line or two."""
    if isinstance(error, RefusedInput | YAMLError):  # YAML's message names file, line and column
        return str(error)
    if isinstance(error, MissingConfigException):
        return _no_such_choice(error)
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        return _wrong_key_or_value(error, cause)
    return _unknown_in_file(str(error)) or _first_line(error) + _quoting(str(error))


def _quoting(message: str) -> str:
    """Hydra's grammar reads brackets inside ``glob(…)`` as a list unless they are quoted."""
    return "; quote the pattern: 'optimizer=glob(\"[a-m]*\")'" if "input 'glob(" in message else ""


def _unknown_in_file(message: str) -> str:
    """A key in a YAML file that its part of the schema does not have; empty for other mistakes."""
    said = re.search(r"In '([^']+)'.*Key '([^']+)' not in '(\w+)'", message, re.DOTALL)
    known = getattr(schema, said.group(3), None) if said else None
    if said is None or known is None:
        return ""
    file, key, _ = said.groups()
    return f"conf/{file}.yaml: {key}: no such key; {suggest(key, known.__dataclass_fields__)}"


def _no_such_choice(error: MissingConfigException) -> str:
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    if not group or not error.options:
        return _first_line(error)
    return f"{group}={name}: conf/{group}/ has no {name}.yaml; {suggest(name, error.options)}"


def _wrong_key_or_value(error: Exception, cause: OmegaConfBaseException) -> str:
    """An unknown key, with the nearest known one; or a value of the wrong type."""
    key, parent = str(cause.key), cause.parent_node
    if isinstance(parent, DictConfig) and key not in parent:
        override = re.search(r"override '([^']+)'", str(error))
        full_key = override.group(1) if override else cause.full_key
        if cause.full_key == f"data.{key}" and not parent:
            return f"{full_key}: this task reads no data of yours; task=text_file does"
        return f"{full_key}: no such key; {suggest(key, parent.keys())}"
    return f"{cause.full_key}: {_first_line(cause)}"


def _first_line(error: BaseException) -> str:
    line, *rest = str(error).strip().split("\n")
    return f"{line} {rest[0]}" if rest and line.endswith(":") else line
