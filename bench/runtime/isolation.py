"""What is global in a process, set at the start of whatever runs a user's code, and set back after.

An optimizer that changes torch's default type, the working folder or the warnings' filters changes
them for itself alone. Generators are not here: a trial seeds them (``bench.trial.run``).
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


@contextmanager
def isolate(threads: int | None = None) -> Iterator[None]:
    """Inside, everything global is as any trial finds it; afterwards as it was before.

    Args:
        threads: of torch on the CPU; None: as many as there are.
    """
    processes.keep_freed_memory()  # for good: no number depends on it
    before, folder = torch.get_num_threads(), Path.cwd()
    precision = torch.get_float32_matmul_precision()
    deterministic = torch.get_deterministic_debug_mode()
    with warnings.catch_warnings(), np.errstate(), capture.limit_output():
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
    """torch's own global state as every trial finds it."""
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    torch.autograd.set_detect_anomaly(False)
    # Adam's moments of inputs that are always zero decay into subnormal numbers, which slow a CPU
    # erratically, up to tenfold; every trial flushes them. Threads made later inherit it.
    torch.set_flush_denormal(True)


def repair_torch() -> None:
    """The same between the steps of one stack, where only a change is worth the time."""
    if torch.get_default_dtype() is not torch.float32 or not torch.is_grad_enabled():
        reset_torch()
