"""Resources and end of this process: its cores, its memory, the signals and parent that end it."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from bench.runtime import guard
from bench.spec.errors import Terminated


def cores() -> int:
    """Return how many processor cores this process may use; the machine may have more."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt(3)
KEPT, FROM_HEAP = 1 << 30, 1 << 25
"""Free bytes that the heap keeps, and the largest block in it: as large as glibc allows."""


def keep_freed_memory() -> None:
    """Keep the memory that a training step frees for the next one, from now on, with glibc.

    By default it goes back to the system, which clears each page before it is used again: a third
    of the step of a small CNN. Nothing is held that was not in use at some time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, FROM_HEAP)
        mallopt(M_TRIM_THRESHOLD, KEPT)


def end_on_sigterm() -> None:
    """Let SIGTERM raise ``Terminated`` in the main thread from now on, so that ``finally`` runs."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _raise_terminated)


def _raise_terminated(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is ending already
    guard.stop(Terminated())


def end_with_parent() -> None:
    """Let a worker end at once by SIGTERM, and when the process that started it is gone."""
    signal.signal(signal.SIGTERM, _die)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGKILL)

        threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


def _die(number: int, frame: FrameType | None) -> None:
    """End as the system would; a handler of ours, for Lightning replaces the system's."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def resident_mib() -> float:
    """Return the memory that this process holds now, in MiB."""
    import psutil  # 10 ms: what trains nothing needs none

    return float(psutil.Process().memory_info().rss) / 2**20


@contextmanager
def pause_collector() -> Iterator[None]:
    """Pause Python's search for cyclic garbage, for imports: what a package defines lives on.

    torch defines so much that each full search takes 0.1 s.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
