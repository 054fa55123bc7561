"""Update rules of element-wise optimizers, as functions of K slices at once.

A ``Rule`` keeps its original's order of operations in two functions. ``coefficients`` computes all
that depends on hyperparameters and t only, once a step in float64. ``update`` changes a parameter
by the coefficients of each slice. The tests hold each rule to its original.
Letters: θ parameter, g gradient, α ``lr``, λ ``weight_decay``, t the step from 1 on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

State = dict[str, Tensor]
Group = Mapping[str, Any]
"""Hyperparameters by name, each ``[K]`` float64 (betas a tuple of them); switches as they are."""


@dataclass(frozen=True)
class Rule:
    """One algorithm over slices.

    Attributes:
        name: of the algorithm.
        coefficients: from a group, t and the group's memory to ``[K]`` each.
        update: changes θ and state, ``[K, ...]``, in place, by g and the coefficients ``c``, each
            ``[K, 1, ...]``; the group's switches and ``group["on"]`` say which terms there are.
        state: makes the initial state of a parameter.
        memory: initial values of a group's state, ``[K]`` by name; changed in place.
    """

    name: str
    coefficients: Callable[[Group, Tensor, State], Sequence[Tensor]]
    update: Callable[..., None]
    state: Callable[[Tensor, Group], State] = lambda p, group: {}
    memory: Mapping[str, float] = field(default_factory=dict)


def make_zeros(*names: str) -> Callable[[Tensor, Group], State]:
    """Make an initial state of zeros."""
    return lambda p, group: {name: torch.zeros_like(p) for name in names}


def _add_decay(p: Tensor, g: Tensor, group: Group, decay: Any) -> Tensor:
    """Return g + λ·θ, where there is decay."""
    return torch.addcmul(g, p, decay) if "weight_decay" in group["on"] else g


def _decay_(p: Tensor, group: Group, keep: Any) -> None:
    """θ ← (1 − α·λ)·θ, where there is decay."""
    if "weight_decay" in group["on"]:
        p.mul_(keep)


def _compute_keep(group: Group) -> Tensor:
    """Return 1 − α·λ."""
    keep: Tensor = 1 - group["lr"] * group["weight_decay"]
    return keep


def _sgd(group: Group, t: Tensor, memory: State) -> Sequence[Tensor]:
    return group["lr"], group["momentum"], group["weight_decay"]


def _sgd_(p: Tensor, g: Tensor, state: State, group: Group, *c: Any) -> None:
    """g ← g + λ·θ    b ← μ·b + g    θ ← θ − α·b, with Nesterov θ − α·(g + μ·b)"""
    lr, mu, decay = c
    g = _add_decay(p, g, group, decay)
    if "momentum" in group["on"]:
        b = state["momentum_buffer"].mul_(mu).add_(g)
        g = torch.addcmul(g, b, mu) if group["nesterov"] else b
    p.addcmul_(g, lr, value=-1)


def _signum(group: Group, t: Tensor, memory: State) -> Sequence[Tensor]:
    lr = group["lr"]
    return lr, 1 - group["momentum"], _compute_keep(group)


def _signum_(p: Tensor, g: Tensor, state: State, group: Group, *c: Any) -> None:
    """b ← μ·b + (1 − μ)·g    θ ← (1 − α·λ)·θ − α·sign(b)"""
    lr, w, keep = c
    _decay_(p, group, keep)
    b = state["momentum_buffer"].lerp_(g, w) if "momentum" in group["on"] else g
    p.addcmul_(b.sign(), lr, value=-1)


def _lion(group: Group, t: Tensor, memory: State) -> Sequence[Tensor]:
    lr, (beta1, beta2) = group["lr"], group["betas"]
    return lr, 1 - beta1, 1 - beta2, _compute_keep(group)


def _lion_(p: Tensor, g: Tensor, state: State, group: Group, *c: Any) -> None:
    """θ ← (1 − α·λ)·θ − α·sign(β₁·m + (1 − β₁)·g)    m ← β₂·m + (1 − β₂)·g"""
    lr, w1, w2, keep = c
    _decay_(p, group, keep)
    p.addcmul_(state["exp_avg"].lerp(g, w1).sign_(), lr, value=-1)
    state["exp_avg"].lerp_(g, w2)


def _rmsprop(group: Group, t: Tensor, memory: State) -> Sequence[Tensor]:
    alpha = group["alpha"]
    mu, decay = group["momentum"], group["weight_decay"]
    return group["lr"], alpha, 1 - alpha, group["eps"], mu, decay


def _rmsprop_(p: Tensor, g: Tensor, state: State, group: Group, *c: Any) -> None:
    """v ← a·v + (1 − a)·g²    b ← μ·b + g / (√v + ε)    θ ← θ − α·b; centred: v less (mean g)²"""
    lr, alpha, w, eps, mu, decay = c
    g = _add_decay(p, g, group, decay)
    v = state["square_avg"].mul_(alpha).addcmul_(g * g, w)
    if group["centered"]:
        mean = state["grad_avg"].lerp_(g, w)
        v = v.addcmul(mean, mean, value=-1)
    step = g / v.sqrt().add_(eps)
    if "momentum" in group["on"]:
        step = state["momentum_buffer"].mul_(mu).add_(step)
    p.addcmul_(step, lr, value=-1)


def _adagrad(group: Group, t: Tensor, memory: State) -> Sequence[Tensor]:
    lr = group["lr"] / (1 + (t - 1) * group["lr_decay"])
    return lr, group["eps"], group["weight_decay"]


def _adagrad_(p: Tensor, g: Tensor, state: State, group: Group, *c: Any) -> None:
    """s ← s + g²    θ ← θ − α / (1 + (t − 1)·η) · g / (√s + ε)"""
    lr, eps, decay = c
    g = _add_decay(p, g, group, decay)
    root = state["sum"].addcmul_(g, g).sqrt().add_(eps)
    p.addcmul_(g / root, lr, value=-1)


def _adagrad_state(p: Tensor, group: Group) -> State:
    start = group["initial_accumulator_value"].to(p).view(-1, *[1] * (p.dim() - 1))
    return {"sum": torch.zeros_like(p).add_(start)}


def _adadelta(group: Group, t: Tensor, memory: State) -> Sequence[Tensor]:
    rho = group["rho"]
    return group["lr"], rho, 1 - rho, group["eps"], group["weight_decay"]


def _adadelta_(p: Tensor, g: Tensor, state: State, group: Group, *c: Any) -> None:
    """v ← ρ·v + (1 − ρ)·g²    d = √(u + ε) / √(v + ε) · g    u ← ρ·u + (1 − ρ)·d²    θ ← θ − α·d"""
    lr, rho, w, eps, decay = c
    g = _add_decay(p, g, group, decay)
    v = state["square_avg"].mul_(rho).addcmul_(g * g, w)
    d = (state["acc_delta"] + eps).sqrt_().div_((v + eps).sqrt_()).mul_(g)
    state["acc_delta"].mul_(rho).addcmul_(d * d, w)
    p.addcmul_(d, lr, value=-1)


def _adamax(group: Group, t: Tensor, memory: State) -> Sequence[Tensor]:
    beta1, beta2 = group["betas"]
    lr = group["lr"] / (1 - beta1**t)
    return lr, 1 - beta1, beta2, group["eps"], group["weight_decay"]


def _adamax_(p: Tensor, g: Tensor, state: State, group: Group, *c: Any) -> None:
    """m ← β₁·m + (1 − β₁)·g    u ← max(β₂·u, |g| + ε)    θ ← θ − α / (1 − β₁ᵗ) · m / u"""
    lr, w1, b2, eps, decay = c
    g = _add_decay(p, g, group, decay)
    m, u = state["exp_avg"].lerp_(g, w1), state["exp_inf"]
    torch.maximum(u.mul_(b2), g.abs().add_(eps), out=u)
    p.addcmul_(m / u, lr, value=-1)


def _nadam(group: Group, t: Tensor, memory: State) -> Sequence[Tensor]:
    lr, (beta1, beta2), slow = group["lr"], group["betas"], group["momentum_decay"]
    mu, following = (beta1 * (1 - 0.5 * 0.96 ** (at * slow)) for at in (t, t + 1))
    product = memory["mu_product"].mul_(mu)
    gradient = lr * (1 - mu) / (1 - product)
    momentum = lr * following / (1 - product * following)
    decay = _compute_keep(group) if group["decoupled_weight_decay"] else group["weight_decay"]
    return gradient, momentum, 1 - beta1, beta2, 1 - beta2, 1 - beta2**t, group["eps"], decay


def _nadam_(p: Tensor, g: Tensor, state: State, group: Group, *c: Any) -> None:
    """m, v as Adam's    θ ← θ − α·((1 − μₜ)/(1 − Πμ)·g + μₜ₊₁/(1 − Πμ·μₜ₊₁)·m) / (√(v/c₂) + ε)"""
    gradient, momentum, w1, beta2, w2, c2, eps, decay = c
    if group["decoupled_weight_decay"]:
        _decay_(p, group, decay)
    else:
        g = _add_decay(p, g, group, decay)
    m = state["exp_avg"].lerp_(g, w1)
    v = state["exp_avg_sq"].mul_(beta2).addcmul_(g * g, w2)
    root = (v / c2).sqrt_().add_(eps)
    p.sub_((g * gradient).addcmul_(m, momentum).div_(root))


def _ademamix(group: Group, t: Tensor, memory: State) -> Sequence[Tensor]:
    lr, (beta1, beta2, beta3) = group["lr"], group["betas"]
    c1, root = 1 - beta1**t, (1 - beta2**t) ** 0.5
    decay = _compute_keep(group) if group["weight_decouple"] else group["weight_decay"]
    weights = (1 - beta1, beta2, 1 - beta2, 1 - beta3)
    return lr, *weights, c1, root, group["eps"], group["alpha"], decay


def _ademamix_(p: Tensor, g: Tensor, state: State, group: Group, *c: Any) -> None:
    """m, v as Adam's    n ← β₃·n + (1 − β₃)·g    θ ← θ − α·(m / c₁ + a·n) / (√v / √c₂ + ε)"""
    lr, w1, beta2, w2, w3, c1, root, eps, alpha, decay = c
    if group["weight_decouple"]:
        _decay_(p, group, decay)
    else:
        g = _add_decay(p, g, group, decay)
    m, slow = state["exp_avg"].lerp_(g, w1), state["exp_avg_slow"].lerp_(g, w3)
    v = state["exp_avg_sq"].mul_(beta2).addcmul_(g * g, w2)
    step = (m / c1).addcmul_(slow, alpha).div_(v.sqrt().div_(root).add_(eps))
    p.addcmul_(step, lr, value=-1)


def _schedulefree(group: Group, t: Tensor, memory: State) -> Sequence[Tensor]:
    lr, (beta1, beta2) = group["lr"], group["betas"]
    lr_max, total = memory["lr_max"], memory["weight_sum"]
    torch.maximum(lr_max, lr, out=lr_max)
    weight = t ** group["r"] * lr_max ** group["weight_lr_power"]
    total.add_(weight)
    share = torch.where(total == 0, torch.zeros_like(total), weight / total)
    toward = lr * (beta1 * (1 - share) - 1)
    return lr, share, toward, beta2, 1 - beta2, 1 - beta2**t, group["eps"], group["weight_decay"]


def _schedulefree_(p: Tensor, g: Tensor, state: State, group: Group, *c: Any) -> None:
    """d = g / √(v / c₂ + ε) + λ·y    y ← y + c·(z − y) + α·(β₁·(1 − c) − 1)·d    z ← z − α·d"""
    lr, share, toward, beta2, w2, c2, eps, decay = c
    v = state["exp_avg_sq"].mul_(beta2).addcmul_(g * g, w2)
    d = g / (v / c2).add_(1e-15).sqrt_().add_(eps)
    d = _add_decay(p, d, group, decay)
    z = state["z"]
    p.lerp_(z, share).addcmul_(d, toward)
    z.addcmul_(d, lr, value=-1)


def _schedulefree_state(p: Tensor, group: Group) -> State:
    return {"z": p.detach().clone(), "exp_avg_sq": torch.zeros_like(p)}


def _momentum_state(p: Tensor, group: Group) -> State:
    return {"momentum_buffer": torch.zeros_like(p)} if "momentum" in group["on"] else {}


def _rmsprop_state(p: Tensor, group: Group) -> State:
    mean = {"grad_avg": torch.zeros_like(p)} if group["centered"] else {}
    return {"square_avg": torch.zeros_like(p)} | mean | _momentum_state(p, group)


SGD = Rule("sgd", _sgd, _sgd_, _momentum_state)
SIGNUM = Rule("signum", _signum, _signum_, _momentum_state)
LION = Rule("lion", _lion, _lion_, make_zeros("exp_avg"))
RMSPROP = Rule("rmsprop", _rmsprop, _rmsprop_, _rmsprop_state)
ADAGRAD = Rule("adagrad", _adagrad, _adagrad_, _adagrad_state)
ADADELTA = Rule("adadelta", _adadelta, _adadelta_, make_zeros("square_avg", "acc_delta"))
ADAMAX = Rule("adamax", _adamax, _adamax_, make_zeros("exp_avg", "exp_inf"))
NADAM = Rule("nadam", _nadam, _nadam_, make_zeros("exp_avg", "exp_avg_sq"), {"mu_product": 1.0})
ADEMAMIX = Rule(
    "ademamix", _ademamix, _ademamix_, make_zeros("exp_avg", "exp_avg_sq", "exp_avg_slow")
)
SCHEDULE_FREE = Rule(
    "schedule_free",
    _schedulefree,
    _schedulefree_,
    _schedulefree_state,
    {"lr_max": -1.0, "weight_sum": 0.0},
)
