"""A training step as one CUDA graph: launched as a whole, without the cost of each kernel."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

Output = TypeVar("Output")

WARM_UP = 3
"""Calls that run as written before one is captured: torch asks for it, and state is made there."""

log = logging.getLogger(__name__)


class Captured(Generic[Output]):
    """A function whose work is all on one CUDA device, and which never waits for it.

    The first calls run the function, one captures it, and later ones repeat what was captured on
    new arguments. What it returns is then the same memory each time. A function that cannot be
    captured, because it reads a number from the device, say, runs as written for ever.

    Args:
        function: of tensors whose shapes stay; whatever it changes, it changes in place.

    Attributes:
        graph: None before the capture.
        refused: why there is none, and never will be.
    """

    def __init__(self, function: Callable[..., Output]) -> None:
        self._function = function
        self._calls = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.refused = ""

    def __call__(self, *arguments: Tensor) -> Output:
        if self.graph is None and not self.refused:
            if self._calls < WARM_UP:
                self._calls += 1
                return self._beside(arguments)
            self._capture(arguments)
        if self.graph is None:
            return self._function(*arguments)
        for place, argument in zip(self._arguments, arguments, strict=True):
            place.copy_(argument)
        self.graph.replay()
        return self._output

    def _beside(self, arguments: tuple[Tensor, ...]) -> Output:
        """On another stream, as a capture would be."""
        here, beside = torch.cuda.current_stream(), torch.cuda.Stream()
        beside.wait_stream(here)
        with torch.cuda.stream(beside):
            output = self._function(*arguments)
        here.wait_stream(beside)
        return output

    def _capture(self, arguments: tuple[Tensor, ...]) -> None:
        self._arguments = [argument.clone() for argument in arguments]
        torch.cuda.empty_cache()  # a graph's memory is its own: it cannot use what is only cached
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                self._output = self._function(*self._arguments)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self.refused = str(error).split("\n", maxsplit=1)[0]
            log.warning("steps are not captured: %s", self.refused)
            return
        self.graph = graph
