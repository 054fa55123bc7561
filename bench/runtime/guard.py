"""Guard around a user's code: whatever it raises ends its own trial, and nothing else.

Frameworks take some exceptions for signals of their own. ``StopIteration`` is the end of their
data, ``KeyboardInterrupt`` a person at the keyboard. A guard turns all that a user's code raises
into ``UserCodeError``, which means nothing to them. The harness has exceptions of its own: a signal
was received, a time limit is over, the store is lost. Those pass, and are raised again where a
user's code has caught them. They are told by who raised them, not by their type.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import NoReturn, ParamSpec, TypeVar

from bench.spec.errors import TimeLimitExceeded, UserCodeError

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")


class _Stop:
    """The exception that the harness has raised; None while nothing ends."""

    error: BaseException | None = None


_stop = _Stop()


def stop(error: BaseException) -> NoReturn:
    """Raise an exception of the harness, which every guard lets through."""
    if _stop.error is None or not isinstance(
        error, TimeLimitExceeded
    ):  # a limit is one trial's only
        _stop.error = error
    raise error


def raise_stop(error: BaseException | None = None) -> None:
    """Raise the exception of the harness, where there is one; call it where others are caught.

    Args:
        error: what was caught. A ``KeyboardInterrupt`` is believed where signals are not watched.
    """
    if _stop.error is not None:
        raise _stop.error
    if isinstance(error, KeyboardInterrupt) and not _watches_interrupts():
        raise error


def guard(function: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
    """Guard a function that runs a user's code: it raises ``UserCodeError`` or what stops it."""

    @wraps(function)
    def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Returned:
        try:
            returned = function(*args, **kwargs)
        except BaseException as error:
            raise_stop(error)
            wrapped = UserCodeError.wrap(error)
            raise wrapped from wrapped.original
        if _stop.error is not None:
            raise _stop.error
        return returned

    return guarded


@contextmanager
def watch_interrupts() -> Iterator[None]:
    """Tell Ctrl-C from a ``KeyboardInterrupt`` that code raises; forget at the end what stopped."""
    before, handler = _stop.error, signal.getsignal(signal.SIGINT)
    watches = _in_main_thread() and callable(handler)  # a worker ignores Ctrl-C
    if watches:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        _stop.error = before
        if watches:
            signal.signal(signal.SIGINT, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    stop(KeyboardInterrupt())


def _watches_interrupts() -> bool:
    """Return False where Ctrl-C could have raised a ``KeyboardInterrupt`` that nobody noted."""
    handler = signal.getsignal(signal.SIGINT)
    return not _in_main_thread() or handler is _interrupt or not callable(handler)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
