"""Errors that have a meaning of their own, and the words that describe any error.

A user's code ends its own trial, whatever it raises: see ``bench.runtime.guard``. Standard library
only.
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
    """A user's code takes longer than it may (``bench.runtime.timeout``).

    No ``Exception``: it comes in the middle of anything, and much code goes on after one of those.
    """


class Terminated(BaseException):
    """SIGTERM: somebody ends this process, as ``KeyboardInterrupt`` says of Ctrl-C."""


ENDS_SWEEP = (KeyboardInterrupt, Terminated, RefusedInput, StoreLost)
"""Exceptions that end a sweep; whatever else a trial or a stack raises is a failed trial's."""


class TrainingEndedEarly(Exception):
    """A training that ended before its last step and evaluation, without an exception."""

    @classmethod
    def at(cls, step: int, steps: int) -> TrainingEndedEarly:
        """Make the error of a training that ended after ``step`` of ``steps``."""
        return cls(
            f"training ended at step {step} of {steps}: something asked the training loop to stop. "
            "Let the optimizer, model and task raise an error instead"
        )


class UserCodeError(Exception):
    """An exception of a user's code, as one that no framework takes for a signal of its own.

    Attributes:
        reason, trace: the original exception's, as ``describe_error`` and ``format_traceback`` say.
        original: None in another process than where it was raised.
    """

    def __init__(self, reason: str, trace: str, original: BaseException | None = None) -> None:
        super().__init__(reason)
        self.reason, self.trace, self.original = reason, trace, original

    @classmethod
    def wrap(cls, error: BaseException) -> UserCodeError:
        """Wrap the exception that a user's code raised; one that is wrapped already stays.

        Python and Lightning replace two of them by another one on their way.
        """
        if isinstance(error, UserCodeError):
            return error
        cause = error.__cause__ if type(error) is RuntimeError else None
        if isinstance(error, SystemExit) and isinstance(error.__context__, KeyboardInterrupt):
            cause = error.__context__
        if isinstance(cause, StopIteration | StopAsyncIteration | KeyboardInterrupt):
            error = cause
        return cls(describe_error(error), format_traceback(error), error)

    def __reduce__(self) -> tuple[type[UserCodeError], tuple[str, str]]:
        return UserCodeError, (self.reason, self.trace)


def describe_error(error: BaseException) -> str:
    """Describe an error by type and words: ``ArithmeticError: step 3 went wrong``."""
    if isinstance(error, UserCodeError):
        return error.reason
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
    """Format its traceback; without its words where these cannot be shown."""
    if isinstance(error, UserCodeError):
        return error.trace
    try:
        trace = "".join(traceback.format_exception(error))
    except Exception:
        trace = "".join(traceback.format_tb(error.__traceback__)) + describe_error(error)
    return trace.encode("utf-8", "backslashreplace").decode()
