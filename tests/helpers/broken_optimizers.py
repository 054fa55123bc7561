"""Gradient descent with momentum and weight decay, and the same with one fault each."""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings

import torch


class Good(torch.optim.Optimizer):
    """θ ← θ − lr·m with m ← momentum·m + g + weight_decay·θ, and a count of steps as state."""

    def __init__(self, params, lr=0.1, momentum=0.9, weight_decay=0.0):
        if lr < 0 or not 0 <= momentum < 1 or weight_decay < 0:
            raise ValueError(f"{lr=}, {momentum=}, {weight_decay=}: one of them has no meaning")
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if (g := self.gradient(p, group)) is not None:
                    self.update(p, g, group)

    def gradient(self, p, group):
        """The gradient with weight decay, None if there is none."""
        return None if p.grad is None else p.grad + group["weight_decay"] * p

    def update(self, p, g, group):
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
            state["step"] = torch.zeros(())
        state["momentum"].mul_(group["momentum"]).add_(g)
        state["step"] += 1
        p.sub_(group["lr"] * state["momentum"])


class DecaysByDefault(Good):
    def __init__(self, params, lr=0.1, momentum=0.9, weight_decay=0.01):
        super().__init__(params, lr, momentum, weight_decay)


class DecaysInSecret(Good):
    """Its constructor has no argument of that name."""

    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, lr, momentum, weight_decay=0.01)


class Logs(Good):
    """A switch that makes it talk, and a period at which it does."""

    def __init__(self, params, verbose=True, log_every=0, **hyperparameters):
        super().__init__(params, **hyperparameters)
        self.param_groups[0].update(log_every=log_every, steps=0)
        if verbose:
            print("\x1b[31mPlease check your arguments\x1b[0m\n")

    def step(self, closure=None):
        super().step()
        group = self.param_groups[0]
        group["steps"] += 1
        if group["log_every"] and group["steps"] % group["log_every"] == 0:
            logging.info("steps: %d", group["steps"])


class Announces(Good):
    """Prints each hyperparameter that it is given, and swallows one of them."""

    def __init__(self, params, nesterov=False, **hyperparameters):
        super().__init__(params, **hyperparameters)
        print(f"{nesterov=}, {hyperparameters=}")


class Floods(Good):
    """Writes by every way there is, in every step, as packages that compile do."""

    def step(self, closure=None):
        print("flood of stdout")
        print("flood of stderr", file=sys.stderr)
        os.write(2, b"flood past Python\n")
        warnings.warn("flood of warnings", stacklevel=1)
        super().step()


class FloodsAndRaises(Floods):
    def step(self, closure=None):
        super().step()
        raise ZeroDivisionError("by design")


class MatricesOnly(Good):
    def update(self, p, g, group):
        assert p.ndim >= 2  # as Muon's
        super().update(p, g, group)


class Compiles(Good):
    """For a minute, whatever comes in between, where it has several groups to step."""

    def step(self, closure=None):
        began = time.monotonic()
        while len(self.param_groups) > 1 and time.monotonic() - began < 60:
            try:
                time.sleep(0.05)
            except Exception:
                continue
        super().step()


class IgnoresWeightDecay(Good):
    def gradient(self, p, group):
        return p.grad


class ForgetsOnLoad(Good):
    def load_state_dict(self, state_dict):
        super().load_state_dict({**state_dict, "state": {}})


class MovesWithoutGradients(Good):
    """Weight decay falls on every parameter, whether it takes part or not."""

    def gradient(self, p, group):
        return group["weight_decay"] * p if p.grad is None else super().gradient(p, group)


class SharesState(Good):
    """One count of steps for all parameters: it runs ahead, once per parameter."""

    def update(self, p, g, group):
        super().update(p, g, group)
        first = next(iter(self.state.values()))
        self.state[p]["step"] = first["step"]


class HidesNaN(Good):
    def gradient(self, p, group):
        return None if p.grad is None else torch.nan_to_num(super().gradient(p, group), nan=0.0)


class Noisy(Good):
    def gradient(self, p, group):
        return None if p.grad is None else p.grad + 0.01 * torch.randn_like(p)


class HasModes(Good):
    """``train()`` and ``eval()`` that go nowhere."""

    def train(self):
        pass

    def eval(self):
        pass


class EvaluatedElsewhere(HasModes):
    """Good itself: evaluated at half of its parameters, in the place of an average."""

    factor = 1.0  # of the parameters, now

    def eval(self):
        self.scale(0.5)

    def train(self):
        self.scale(1.0)

    @torch.no_grad()
    def scale(self, factor):
        for group in self.param_groups:
            for p in group["params"]:
                p.mul_(factor / self.factor)
        self.factor = factor


class StaysAway(EvaluatedElsewhere):
    def train(self):
        pass


class RaisesWhereTooFast(Good):
    def update(self, p, g, group):
        if group["lr"] > 1:
            raise FloatingPointError("input contains non-finite values")
        super().update(p, g, group)


class SwallowsKeywords(Good):
    def __init__(self, params, lr=0.1, momentum=0.9, weight_decay=0.0, **kwargs):
        super().__init__(params, lr, momentum, weight_decay)


class AcceptsAnything(Good):
    def __init__(self, params, lr=0.1, momentum=0.9, weight_decay=0.0):
        super().__init__(params)
        for group in self.param_groups:
            group.update(lr=lr, momentum=momentum, weight_decay=weight_decay)


class Raises(Good):
    def step(self, closure=None):
        raise ZeroDivisionError("by design")


def at_its_own_rate(params, lr=None, **hyperparameters):
    """``lr: null`` in YAML stands for the library's number."""
    return Good(params, 0.05 if lr is None else lr, **hyperparameters)
