"""Exit codes of the commands, and the line that goes with each expected error.

0 done, diverging trials included; 1 some trial failed, or the store was lost; 2 refused input
(``bench.config.refusal``); 130 Ctrl-C; 143 SIGTERM. Anything else is a bug of ours, shown whole.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from bench.runtime.guard import watch_interrupts
from bench.runtime.processes import end_on_sigterm
from bench.spec.errors import StoreLost, Terminated

RESUME_HINT = "what is recorded stands; the same command runs what is missing"
EXIT_CODES: dict[type[BaseException], tuple[int, str]] = {
    KeyboardInterrupt: (130, "interrupted"),
    Terminated: (143, "terminated"),
    StoreLost: (1, "stopped"),
}


@contextmanager
def exit_with_code() -> Iterator[None]:
    """Turn each error of ``EXIT_CODES`` into its line on stderr and its exit code.

    SIGTERM raises one of them.
    """
    end_on_sigterm()
    try:
        with watch_interrupts():
            yield
    except tuple(EXIT_CODES) as error:
        if isinstance(error, KeyboardInterrupt):  # a second Ctrl-C finds nothing left to interrupt
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        code, word = next(end for kind, end in EXIT_CODES.items() if isinstance(error, kind))
        detail = f": {error}" if str(error) else ""
        print(f"{word}{detail}; {RESUME_HINT}", file=sys.stderr)
        sys.exit(code)


def make_command(main: Callable[[], object]) -> Callable[[], None]:
    """Make a command of ``main`` that exits without Python's clean-up.

    Taking torch apart, object by object, takes a second. What else is registered for the end
    (threads, files, other processes) is still done: ``atexit`` runs in reverse.
    """

    def run() -> None:
        exit_codes: list[int] = []
        atexit.register(_exit_process, exit_codes)
        try:
            main()
            exit_codes.append(0)
        except SystemExit as end:
            if end.code is None or isinstance(end.code, int):  # a text is for Python to print
                exit_codes.append(end.code or 0)
            raise

    return run


def _exit_process(exit_codes: list[int]) -> None:
    """End the process with the exit code, where there is one; else leave it to Python."""
    if exit_codes:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads it any more
                stream.flush()
        os._exit(exit_codes[0])
