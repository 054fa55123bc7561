"""How a command ends: the errors that are answers, each with a line and an exit code. One list.

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
    """Turn each of ``ANSWERS`` into its line on stderr and its exit code; SIGTERM becomes one."""
    end_on_sigterm()
    try:
        yield
    except tuple(EXIT_CODES) as error:
        if isinstance(error, KeyboardInterrupt):  # a second Ctrl-C finds nothing left to interrupt
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        code, word = next(end for kind, end in EXIT_CODES.items() if isinstance(error, kind))
        said = f": {error}" if str(error) else ""
        print(f"{word}{said}; {RESUME_HINT}", file=sys.stderr)
        sys.exit(code)


def make_command(main: Callable[[], object]) -> Callable[[], None]:
    """``main`` as a process of its own, which ends as soon as it has said and written everything.

    Python would take apart what was imported, object by object: of torch that takes a second, which
    nobody should wait for. What was registered for the end (threads, files, other processes) is
    done before, for that of ``atexit`` runs in reverse.
    """

    def run() -> None:
        ended: list[int] = []
        atexit.register(_exit_process, ended)
        try:
            main()
            ended.append(0)
        except SystemExit as end:
            if end.code is None or isinstance(end.code, int):  # a text is for Python to print
                ended.append(end.code or 0)
            raise

    return run


def _exit_process(ended: list[int]) -> None:
    """With the exit code, where there is one; else as Python does."""
    if ended:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads it any more
                stream.flush()
        os._exit(ended[0])
