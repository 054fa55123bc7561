"""How a command ends: the errors that are answers, each with a line and an exit code. One list.

0 done, diverging trials included; 1 some trial failed, or the store was lost; 2 refused input
(``bench.config.refusal``); 130 Ctrl-C; 143 SIGTERM. Anything else is a bug of ours, shown whole.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.faults import StoreLost, Terminated
from bench.processes import end_on_sigterm

AGAIN = "what is recorded stands; the same command runs what is missing"
ANSWERS: dict[type[BaseException], tuple[int, str]] = {
    KeyboardInterrupt: (130, "interrupted"),
    Terminated: (143, "terminated"),
    StoreLost: (1, "stopped"),
}


@contextmanager
def answered() -> Iterator[None]:
    """Turn each of ``ANSWERS`` into its line on stderr and its exit code; SIGTERM becomes one."""
    end_on_sigterm()
    try:
        yield
    except tuple(ANSWERS) as error:
        if isinstance(error, KeyboardInterrupt):  # a second Ctrl-C finds nothing left to interrupt
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        code, word = next(end for kind, end in ANSWERS.items() if isinstance(error, kind))
        said = f": {error}" if str(error) else ""
        print(f"{word}{said}; {AGAIN}", file=sys.stderr)
        sys.exit(code)
