"""A training step as one CUDA graph, launched as a whole without the cost of each kernel."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

Output = TypeVar("Output")

WARM_UP_CALLS = 3
"""Calls that run as written before the capture: torch asks for it, and they create state."""

log = logging.getLogger(__name__)


class CudaGraphFunction(Generic[Output]):
    """A function that works on one CUDA device and never waits for it.

    The first calls run the function, one call captures it, and later calls replay the graph on new
    arguments. The output is then the same memory each time. A function that cannot be captured,
    because it reads a number from the device, say, always runs as written.

    Args:
        function: of tensors with fixed shapes; it makes all its changes in place.

    Attributes:
        graph: None before the capture.
        refusal: the reason that there is no graph and never will be.
    """

    def __init__(self, function: Callable[..., Output]) -> None:
        self._function = function
        self._calls = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.refusal = ""

    def __call__(self, *arguments: Tensor) -> Output:
        if self.graph is None and not self.refusal:
            if self._calls < WARM_UP_CALLS:
                self._calls += 1
                return self._run_on_side_stream(arguments)
            self._capture(arguments)
        if self.graph is None:
            return self._function(*arguments)
        for buffer, argument in zip(self._arguments, arguments, strict=True):
            buffer.copy_(argument)
        self.graph.replay()
        return self._output

    def _run_on_side_stream(self, arguments: tuple[Tensor, ...]) -> Output:
        """Run the function on another stream, as a capture does."""
        main, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(main)
        with torch.cuda.stream(side):
            output = self._function(*arguments)
        main.wait_stream(side)
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
            self.refusal = str(error).split("\n", maxsplit=1)[0]
            log.warning("steps are not captured: %s", self.refusal)
            return
        self.graph = graph
