"""What the harness knows of processes: which are alive, who ends with whom, how much they hold.

Standard library only. ``/proc`` is Linux's; elsewhere what it says is not known, and left out.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from bench.spec.errors import Terminated


def cores() -> int:
    """Processor cores that this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt(3)
KEPT, FROM_HEAP = 1 << 30, 1 << 25
"""Free bytes that the heap keeps, and the largest block in it: as large as glibc allows."""


def keep_freed_memory() -> None:
    """From now on what a training step frees is there for the next one, with glibc.

    By default it goes back to the system, which clears each page before it is used again: a third
    of the step of a small CNN. Nothing is held that was not in use at some time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, FROM_HEAP)
        mallopt(M_TRIM_THRESHOLD, KEPT)


def end_on_sigterm() -> None:
    """From now on SIGTERM raises ``Terminated`` in the main thread, where ``finally`` is heeded."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminated)


def _terminated(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is ending already
    raise Terminated


def end_with_parent() -> None:
    """In a worker: end at once by SIGTERM, or when the process that started it is gone."""
    signal.signal(signal.SIGTERM, _die)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGKILL)

        threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


JOB = "OPTBENCH_JOB"
"""Names the job of a cluster that a process works for; its own workers inherit it."""


def serves() -> bool:
    """Whether another process has opened the store and then started this one, anywhere."""
    return multiprocessing.parent_process() is not None or JOB in os.environ


def _die(number: int, frame: FrameType | None) -> None:
    """As the system would; by a handler of ours, for Lightning replaces the system's."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def mine() -> dict[str, str]:
    """Host, number and mark of this process, and its job: what others recognise it by."""
    pid = os.getpid()
    job = {"job": os.environ[JOB]} if JOB in os.environ else {}
    return {"host": socket.gethostname(), "pid": str(pid), "process": _mark(pid), **job}


def on_this_machine(known: Mapping[str, str]) -> bool:
    """Whether a process that called itself so (``mine``) runs, or ran, on this machine."""
    return known.get("host") == socket.gethostname() and known.get("pid", "").isdigit()


def alive(known: Mapping[str, str]) -> bool:
    """Whether that process of this machine still runs.

    Its number may belong to another process by now: the mark tells. One that has ended and was not
    waited for (a zombie) does not run.
    """
    pid = int(known["pid"])
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it runs under another user
        return True
    fields = _stat(pid)
    if fields and fields[0] == "Z":
        return False
    return known.get("process", "") in ("", _mark(pid))


def _mark(pid: int) -> str:
    """When a process began, in ticks since the machine was started; empty where nobody says."""
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 else ""


def _stat(pid: int) -> list[str]:
    """What Linux says of a process after its name: state first, start as the twentieth."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def resident_mib() -> float:
    """Memory that this process holds now, in MiB; 0 where nobody says."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
