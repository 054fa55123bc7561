"""Identity of the process that owns a run, and whether it still lives."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

JOB = "OPTBENCH_JOB"
"""Environment variable with the cluster job of this process; its own workers inherit it."""

CLOCK_ERROR = 10.0
"""Seconds by which two readings of one start may differ: they hold times of the system clock."""
TICKS = os.sysconf("SC_CLK_TCK")
"""Clock ticks of a second."""


def is_worker() -> bool:
    """Tell whether another process, anywhere, has opened the store and then started this one."""
    return multiprocessing.parent_process() is not None or JOB in os.environ


def identify() -> dict[str, str]:
    """Return the tags by which others recognise this process: host, pid, start, cluster job."""
    pid = os.getpid()
    job = {"job": os.environ[JOB]} if JOB in os.environ else {}
    return {"host": socket.gethostname(), "pid": str(pid), "process": _read_start(pid), **job}


def is_local(tags: Mapping[str, str]) -> bool:
    """Tell whether the process with these tags (``identify``) runs, or ran, on this machine."""
    return tags.get("host") == socket.gethostname() and tags.get("pid", "").isdigit()


def is_alive(tags: Mapping[str, str]) -> bool:
    """Tell whether the local process with these tags still runs.

    Another process may have its pid by now: then the start differs. A zombie does not run.
    """
    import psutil  # 10 ms: a refusal and a stored result need none

    try:
        process = psutil.Process(int(tags["pid"]))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        mark = tags.get("process", "")
        if "." in mark:  # an earlier version's: a time of the clock, which may have been set since
            return abs(process.create_time() - float(mark)) < CLOCK_ERROR
        return not mark or abs(_count_ticks(process) - int(mark)) < CLOCK_ERROR * TICKS
    except psutil.NoSuchProcess:
        return False
    except (psutil.AccessDenied, ValueError):  # another user's, or a mark of an unknown form
        return True


@lru_cache(maxsize=1)  # one reading a process, so that its tags stay equal
def _read_start(pid: int) -> str:
    import psutil  # as above

    return str(_count_ticks(psutil.Process(pid)))


def _count_ticks(process: psutil.Process) -> int:
    """Return the start of a process in clock ticks since the machine was started.

    When the clock is set, the times of both starts move, and their difference does not.
    """
    import psutil  # as above

    boot = psutil.boot_time()
    return round((process.create_time() - boot) * TICKS)
