"""A clock that runs during training only."""

from __future__ import annotations

import time

import torch


class TrainClock:
    """A clock of training time, in seconds.

    The device is synchronised before every reading, so that queued work is counted.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._total = 0.0
        self._since: float | None = None

    def start(self) -> None:
        self._synchronise()
        self._since = time.perf_counter()

    def stop(self) -> None:
        self._synchronise()
        if self._since is not None:
            self._total += time.perf_counter() - self._since
            self._since = None

    @property
    def seconds(self) -> float:
        """Training time so far, as of the last ``stop``."""
        return self._total

    def _synchronise(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
