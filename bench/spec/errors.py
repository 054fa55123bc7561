"""What a user's code may end: its own trial, whatever it raises. One rule, for every place it runs.

Standard library only.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence

PASSWORD = re.compile(r"""(?<=://)([^\s:/?#@'"]*):[^\s'"]*@""")
"""In an address what stands between the name of a user and the host, with or without that name."""
PASSWORD_WORD = re.compile(r"(?i)((?:password|passwd|pwd|secret|token)=)[^\s&'\";]+")
"""The same as a parameter of an address."""


def hide_passwords(text: str) -> str:
    """Return a text with ``***`` for the password in each address in it."""
    return PASSWORD_WORD.sub(r"\1***", PASSWORD.sub(r"\1:***@", text))


class _Reported(Exception):
    """An error whose message people see, with an address perhaps: its password is not shown."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(hide_passwords(o) if isinstance(o, str) else o for o in arguments))


class RefusedInput(_Reported, ValueError):
    """Input that cannot be run: names file, key, value and remedy. Nothing has trained."""


def raise_refused(errors: Sequence[RefusedInput]) -> None:
    """Raise what was refused, all of it at once; nothing without any."""
    if errors:
        raise errors[0] if len(errors) == 1 else RefusedInput("\n".join(map(str, errors)))


class NotApplicable(RefusedInput):
    """An optimizer that a task, model or schedule gives nothing to do: a sweep skips that trial."""


class StoreLost(_Reported):
    """The store of trials can no longer be read or written: no trial's own fault."""


class TimeLimitExceeded(BaseException):
    """What a user's code does takes longer than it may (``bench.runtime.timeout``).

    No ``Exception``: it comes in the middle of anything, and much code goes on after one of those.
    """


class Terminated(BaseException):
    """SIGTERM: somebody ends this process, as ``KeyboardInterrupt`` says of Ctrl-C."""


NOT_USER_ERRORS = (KeyboardInterrupt, Terminated, RefusedInput, StoreLost)
"""Never a trial's own fault. Everything else that its code raises is, ``SystemExit`` included.

    try: …                                   # an optimizer, a model, a task
    except NOT_THEIRS: raise
    except BaseException as error: …         # this trial failed
"""


def describe_error(error: BaseException) -> str:
    """``ArithmeticError: step 3 went wrong``: type and words, whatever the words are."""
    name = type(error).__name__
    if isinstance(error, SystemExit):
        return f"{name}: it called sys.exit({error.code!r})"
    told = get_message(error) or _get_assertion(error)
    return f"{name}: {told}" if told else name


def _get_assertion(error: BaseException) -> str:
    """What was asserted, where an assertion has no words: ``assert G.ndim >= 2``."""
    frames = traceback.extract_tb(error.__traceback__)
    line = (frames[-1].line or "") if frames else ""
    return line.partition(" #")[0].rstrip() if line.startswith("assert ") else ""


def get_message(error: BaseException) -> str:
    """Its message alone, as text that any store takes."""
    try:
        told = str(error)
    except Exception:  # its own __str__ is wrong as well
        told = "(its message cannot be shown)"
    return told.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def format_traceback(error: BaseException) -> str:
    """Its traceback; without its words where these cannot be shown."""
    try:
        trace = "".join(traceback.format_exception(error))
    except Exception:
        trace = "".join(traceback.format_tb(error.__traceback__)) + describe_error(error)
    return trace.encode("utf-8", "backslashreplace").decode()
