"""Optimizers and models that go wrong in known ways."""

from __future__ import annotations

import os
import random
import sys
import warnings

import numpy as np
import torch
from torch import Tensor, nn


class AnyLR(torch.optim.Optimizer):
    """Gradient descent that checks nothing."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})
        self.steps = 0

    @torch.no_grad()
    def step(self, closure=None):
        self.steps += 1
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(group["lr"] * p.grad)


class Raises(AnyLR):
    """Raises in the step with number ``at``."""

    def __init__(self, params, lr=0.1, at=1):
        super().__init__(params, lr)
        self.at = at

    def step(self, closure=None):
        super().step(closure)
        if self.steps == self.at:
            raise ArithmeticError(f"step {self.at} went wrong")


class BreaksUnusedParameter(AnyLR):
    """Leaves the loss finite and makes one parameter NaN."""

    @torch.no_grad()
    def step(self, closure=None):
        super().step(closure)
        self.param_groups[0]["params"][0].fill_(torch.nan)


class WithSpareParameter(nn.Module):
    """A linear classifier whose first parameter takes no part."""

    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.spare = nn.Parameter(torch.zeros(3))
        self.linear = nn.Linear(int(torch.tensor(input_shape).prod()), num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))


class FromModel(AnyLR):
    """Is constructed from the model."""

    def __init__(self, model, lr=0.1):
        super().__init__(model.parameters(), lr)


class Contaminates(AnyLR):
    """Changes what is global in a process: at its third step, or as it is made; ``what`` says."""

    def __init__(self, params, lr=0.1, what="", at=3):
        super().__init__(params, lr)
        self.what, self.at = what, at
        if at == 0:
            self.contaminate()

    def step(self, closure=None):
        super().step(closure)
        if self.steps == self.at:
            self.contaminate()

    def contaminate(self):
        {
            "dtype": lambda: torch.set_default_dtype(torch.float64),
            "grad": lambda: torch.set_grad_enabled(False),
            "threads": lambda: torch.set_num_threads(3),
            "generators": lambda: (torch.manual_seed(7), np.random.seed(7), random.seed(7)),
            "denormals": lambda: torch.set_flush_denormal(False),
            "folder": lambda: os.chdir("/"),
            "warnings": lambda: warnings.simplefilter("error"),
            "numpy": lambda: np.seterr(all="raise"),
            "device": lambda: torch.set_default_device("meta"),
        }[self.what]()


class Ends(AnyLR):
    """Ends the process, or the trial alone, at step ``at``; in the way that ``how`` names."""

    def __init__(self, params, lr=0.1, how="exit", at=3):
        super().__init__(params, lr)
        self.how, self.at = how, at
        if at == 0:
            self.end()

    def step(self, closure=None):
        super().step(closure)
        if self.steps == self.at:
            self.end()

    def end(self):
        if self.how == "exit":
            sys.exit(0)
        if self.how == "base":
            raise Unusual("of no usual kind")
        if self.how == "markup":
            raise ValueError(r"odd \[/red] and [bold] and \\[/x] \ud800")
        if self.how == "wordless":
            raise Wordless
        if self.how == "prints":
            for number in range(500):
                print("line", number)
        while self.how == "forever":
            pass


class OneRankDies(AnyLR):
    """Of a trial on several devices the process of rank 1 is gone at step ``at``."""

    def __init__(self, params, lr=0.1, at=3):
        super().__init__(params, lr)
        self.at = at

    def step(self, closure=None):
        super().step(closure)
        if self.steps == self.at and os.environ.get("LOCAL_RANK") == "1":
            os._exit(9)


class Unusual(BaseException):
    """Not even an Exception."""


class Wordless(Exception):
    """Cannot say what it is."""

    def __str__(self):
        raise RuntimeError("no words")
