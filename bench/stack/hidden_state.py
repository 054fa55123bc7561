"""State of a model or task beside its parameters and buffers, which a stack cannot keep K times.

A stack runs one forward pass for all its trials. A counter in Python, an iterator or a draw of
``random`` would then be shared by them, and move with every additional pass. Such a model is found
by running it: what its passes change in Python is compared, and so are the losses of equal passes.
"""

from __future__ import annotations

import io
import pickle
import random
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tasks.base import Task
from tasks.data.dataset import Dataset
from tasks.stored import Stored

PASSES = 3
"""Passes whose losses are compared; a stateful model may need one to begin."""
LARGE = 1 << 16
"""Numbers of an array above which it is compared by identity: it may be a data set."""
OWN = {"_parameters", "_buffers", "_modules", "training", "dataset", "_on_device"}
"""Attributes of modules and tasks that a stack takes care of."""


def find_hidden_state(task: Task, model: nn.Module, run: Callable[[], Tensor]) -> str:
    """Find something that passes of a model change; empty where there is nothing.

    Args:
        run: a pass of the model in training and one in evaluation; returns the training loss.
    """
    saved = {name: buffer.clone() for name, buffer in model.named_buffers()}
    before, losses = _capture(task, model), []
    with torch.random.fork_rng():
        for _ in range(PASSES):
            torch.manual_seed(0)
            for name, buffer in model.named_buffers():
                buffer.copy_(saved[name])
            losses.append(run().detach())
    after = _capture(task, model)
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    if changed:
        return changed[0][0]
    same = all(torch.allclose(loss, losses[0], equal_nan=True) for loss in losses)
    return "" if same else "its loss from one pass to the next"


def _capture(task: Task, model: nn.Module) -> dict[tuple[str, int], Any]:
    """Capture all values in Python that a pass could change, by name and owner."""
    state: dict[tuple[str, int], Any] = {
        ("the random numbers of Python", 0): random.getstate(),
        ("the random numbers of NumPy", 0): _describe(np.random.get_state()),
    }
    functions: list[FunctionType] = []
    for owner in [task, task.augment, *model.modules()]:
        if owner is None:
            continue
        kind = type(owner)
        if isinstance(owner, FunctionType):
            functions.append(owner)
        for name, value in getattr(owner, "__dict__", {}).items():
            if name not in OWN:
                state[f"{kind.__name__}.{name}", id(owner)] = _describe(value)
        for base in kind.__mro__[:-1]:
            if base.__module__.split(".")[0] == "torch":
                continue
            for name, value in vars(base).items():
                if isinstance(value, FunctionType):
                    functions.append(value)
                elif not name.startswith("__"):
                    state[f"{base.__name__}.{name}", id(base)] = _describe(value)
    for name, at, value in _iterate_variables(functions):
        state[name, at] = _describe(value)
    return state


def _iterate_variables(functions: list[FunctionType]) -> Iterator[tuple[str, int, Any]]:
    """Yield global and enclosed variables of functions, and of the functions that they name."""
    seen: set[int] = set()
    while functions:
        function = functions.pop()
        if id(function) in seen or function.__module__.split(".")[0] == "torch":
            continue
        seen.add(id(function))
        where = function.__qualname__
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        enclosed = [(name, cell.cell_contents) for name, cell in cells if _is_set(cell)]
        module = [
            (name, function.__globals__[name])
            for name in function.__code__.co_names
            if name in function.__globals__
        ]
        defaults = [("its defaults", (function.__defaults__, function.__kwdefaults__))]
        for name, value in (*enclosed, *module, *defaults):
            if isinstance(value, FunctionType):
                functions.append(value)
            else:
                yield f"{name} in {where}", id(function), value


def _is_set(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


class _Pickler(pickle.Pickler):
    """Writes values; what is large, or captured elsewhere, as its identity."""

    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, nn.Module | nn.Parameter | Dataset | Stored):
            return id(value)
        if isinstance(value, Tensor) and value.numel() > LARGE:
            return id(value), value._version
        if isinstance(value, np.ndarray) and value.size > LARGE:
            return id(value)
        return None


def _describe(value: Any) -> Any:
    """Describe a value so that two descriptions are equal where nothing has changed."""
    file = io.BytesIO()
    try:
        _Pickler(file).dump(value)
    except Exception:  # it cannot be pickled: an iterator, a lock
        return repr(value)
    return file.getvalue()
