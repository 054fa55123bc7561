"""Isolation of a process's global state from a user's code.

An optimizer may change torch's default type, the working folder or the filters of warnings; the
next trial does not see it. Random generators are not here: ``bench.trial.run`` seeds them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from bench.runtime import capture, processes
from bench.runtime.guard import watch_interrupts


@contextmanager
def isolate(threads: int | None = None) -> Iterator[None]:
    """Set all global state to what a trial expects; restore it afterwards.

    Args:
        threads: of torch on the CPU; None: as many as there are.
    """
    processes.keep_freed_memory()  # for good: no number depends on it
    before, folder = torch.get_num_threads(), Path.cwd()
    precision = torch.get_float32_matmul_precision()
    deterministic = torch.get_deterministic_debug_mode()
    with warnings.catch_warnings(), np.errstate(), capture.limit_output(), watch_interrupts():
        reset_torch()
        torch.set_num_threads(threads or before)
        try:
            yield
        finally:
            reset_torch()
            torch.set_num_threads(before)
            torch.set_float32_matmul_precision(precision)
            torch.set_deterministic_debug_mode(deterministic)
            os.chdir(folder)


def reset_torch() -> None:
    """Set torch's global state to what a trial expects."""
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    torch.autograd.set_detect_anomaly(False)
    # Adam's moments of inputs that are always zero decay into subnormal numbers, which slow a CPU
    # erratically, up to tenfold; every trial flushes them. Threads made later inherit it.
    torch.set_flush_denormal(True)


def repair_torch() -> None:
    """Reset torch between the steps of a stack, where something has changed."""
    if torch.get_default_dtype() is not torch.float32 or not torch.is_grad_enabled():
        reset_torch()
