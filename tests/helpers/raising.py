"""Parts of a trial that raise a chosen exception at a chosen place, in any process."""

from __future__ import annotations

import builtins
import importlib
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tasks.image import ImageClassification
from tests.helpers.faulty import AnyLR

PLAN = "TEST_RAISES"
"""An environment variable, which workers inherit: ``PLACE CALL EXCEPTION``."""
PLACES = ("step", "closure", "forward", "backward", "loss", "loader", "schedule", "metrics")
SHARED_PLACES = ("forward", "backward", "loss", "loader", "metrics")
SIGNALS = [
    "builtins.StopIteration",
    "builtins.StopAsyncIteration",
    "builtins.GeneratorExit",
    "builtins.KeyboardInterrupt",
    "builtins.SystemExit",
    "pytorch_lightning.utilities.exceptions._TunerExitException",
    "pytorch_lightning.utilities.exceptions.SIGTERMException",
    "lightning_fabric.utilities.exceptions.MisconfigurationException",
    "bench.spec.errors.RefusedInput",
    "bench.spec.errors.NotApplicable",
    "bench.spec.errors.StoreLost",
    "bench.spec.errors.Terminated",
    "bench.spec.errors.TimeLimitExceeded",
    "torch.OutOfMemoryError",
    "builtins.BaseExceptionGroup",
    "tests.helpers.raising.Frozen",
]
"""Those that a framework, or the harness itself, gives a meaning; one that no context can raise."""
CALLS: Counter[str] = Counter()
PACKAGES = ("torch", "pytorch_lightning", "lightning_fabric", "hydra", "omegaconf", "bench")


@dataclass(frozen=True)
class Frozen(Exception):
    """An exception that takes no attribute: ``contextlib`` cannot set its traceback."""

    text: str = ""


def maybe_raise(place: str) -> None:
    """Count a call of this place since an optimizer was made; raise where the plan says so."""
    CALLS[place] += 1
    planned, call, path = os.environ.get(PLAN, "none 0 none").split()
    if planned == place and CALLS[place] == int(call):
        raise make_exception(find_class(path))


def find_class(path: str) -> type[BaseException]:
    """Find an exception class by its dotted path."""
    module, _, name = path.rpartition(".")
    found: type[BaseException] = getattr(importlib.import_module(module), name)
    return found


def make_exception(kind: type[BaseException]) -> BaseException:
    """Make an exception of any class, by the first arguments that it takes."""
    attempts = [
        ("mine",),
        (),
        ("mine", [ValueError("inner")]),
        ("utf-8", b"mine", 0, 1, "mine"),
        ("utf-8", "mine", 0, 1, "mine"),
        ("mine", 0, 1, "mine"),
        ("mine", "mine"),
        ("mine", "mine", "mine"),
    ]
    for arguments in attempts:
        try:
            return kind(*arguments)
        except Exception:  # it takes others
            continue
    return kind.__new__(kind)


def find_exception_classes() -> list[str]:
    """Find the exception classes of Python, of the frameworks below a trial, and of bench."""
    import pytorch_lightning.utilities.exceptions  # noqa: F401

    from bench.spec.errors import UserCodeError

    paths = set()
    for kind in _iterate_subclasses(BaseException):
        path = f"{kind.__module__}.{kind.__name__}"
        known = kind.__module__ == builtins.__name__ or kind.__module__.split(".")[0] in PACKAGES
        if kind is UserCodeError:  # the one that carries the others
            continue
        if known and getattr(sys.modules[kind.__module__], kind.__name__, None) is kind:
            paths.add(path)
    return sorted(paths)


def _iterate_subclasses(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    for one in type.__subclasses__(kind):
        yield one
        yield from _iterate_subclasses(one)


class Step(AnyLR):
    """Gradient descent whose step raises; a new one starts the counts of its trial."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        CALLS.clear()

    def step(self, closure=None):
        super().step()
        maybe_raise("step")


class WithClosure(Step):
    """Gradient descent that takes its gradient from the closure, which raises."""

    def step(self, closure):
        closure()
        maybe_raise("closure")
        super().step()


class Backward(torch.autograd.Function):
    """The identity, whose backward pass raises."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        maybe_raise("backward")
        return gradient


class Model(nn.Module):
    """A linear classifier whose forward pass raises, or its backward pass."""

    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.linear = nn.Linear(int(torch.tensor(input_shape).prod()), num_classes)

    def forward(self, x: Tensor) -> Tensor:
        maybe_raise("forward")
        outputs = self.linear(x.flatten(1))
        if os.environ.get(PLAN, "").startswith("backward"):
            outputs = Backward.apply(outputs)
        return outputs


class Task(ImageClassification):
    """A task whose loss, augmentation or metrics raise."""

    @property
    def augment(self):
        if os.environ.get(PLAN, "").startswith("loader"):
            return _augment
        return None

    def loss(self, outputs, targets):
        maybe_raise("loss")
        return super().loss(outputs, targets)

    def metrics(self, sums, count):
        maybe_raise("metrics")
        return super().metrics(sums, count)


def _augment(inputs, targets, generator):
    maybe_raise("loader")
    return inputs, targets


def make_factor(steps):
    """Make a learning-rate factor that raises at its fourth call."""

    def factor(step):
        maybe_raise("schedule")
        return 0.5

    return factor
