"""K Adams in one step: parameters stacked along a first axis, hyperparameters of shape ``[K]``.

One broadcast operation does a whole stack, so that what an optimizer's step costs before any
arithmetic is paid once instead of K times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import repeat
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.optimizers.adam.buckets import FUSED_DEVICES, Bucket
from bench.optimizers.adam.kernels import Rule, count, fused_, size_root_eps

TENSOR_HYPERPARAMETERS = ("lr", "betas", "eps", "weight_decay")


class PerSlice(Tensor):
    """A hyperparameter of shape ``[K]``, one entry for each slice, held in float64.

    Schedulers write ``lr`` with ``fill_``, which takes one number for all entries; here it also
    takes one for each, so that any scheduler whose arithmetic works on tensors works on K.
    """

    # operations give plain tensors back: only what stands in a parameter group is of this class
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def fill_(self, value: Any) -> Tensor:
        return self.copy_(torch.as_tensor(value))

    def __deepcopy__(self, memo: dict[int, Any]) -> PerSlice:
        return memo.setdefault(id(self), self.clone().as_subclass(PerSlice))


def wrap_slices(group: dict[str, Any]) -> None:
    """Puts every hyperparameter of several elements into :class:`PerSlice`."""
    for name in TENSOR_HYPERPARAMETERS:
        group[name] = _map(_wrap, group[name])


def unwrap_slices(group: dict[str, Any]) -> None:
    """The reverse: plain tensors, which ``torch.load(weights_only=True)`` reads."""
    for name in TENSOR_HYPERPARAMETERS:
        group[name] = _map(_unwrap, group[name])


def _map(function: Callable[[Any], Any], value: Any) -> Any:
    return tuple(map(function, value)) if isinstance(value, (tuple, list)) else function(value)


def _wrap(value: Any) -> Any:
    if not isinstance(value, Tensor) or isinstance(value, PerSlice) or value.numel() == 1:
        return value
    return value.detach().to("cpu", torch.float64, copy=True).as_subclass(PerSlice)


def _unwrap(value: Any) -> Any:
    return value.as_subclass(Tensor) if isinstance(value, PerSlice) else value


def per_slice_(bucket: Bucket, rule: Rule) -> None:
    """K Adams, in one of two ways.

    Where the slices share β₁, β₂ and ε, as in a sweep of learning rates and decays on the CPU, the
    fused kernel makes all updates and each slice scales its own. Else broadcasting does it all.
    """
    if not (rule.lam.any() if isinstance(rule.lam, Tensor) else rule.lam):
        rule = replace(rule, lam=None)
    if _shares_moments(bucket, rule):
        _shared_(bucket, rule)
        return
    count(bucket.steps)
    narrow = bucket.params[0].dtype in (torch.bfloat16, torch.float16)
    update = _in_float32(_update_) if narrow else _update_
    dtype = torch.float32 if narrow else bucket.params[0].dtype
    tables: dict[float, Tensor] = {}
    maxima = bucket.max_exp_avg_sqs or repeat(None, len(bucket.params))
    moments = zip(bucket.exp_avgs, bucket.exp_avg_sqs, maxima, strict=True)
    for p, g, mvv, step in zip(bucket.params, bucket.grads, moments, bucket.steps, strict=True):
        t = step.item()
        if t not in tables:
            tables[t] = _table(t, rule, p, dtype)
        update(p, g, *mvv, tables[t].view(6, -1, *[1] * (p.dim() - 1)).unbind(), rule)


def _shares_moments(bucket: Bucket, rule: Rule) -> bool:
    p = bucket.params[0]
    tensors = bucket.params + bucket.grads + bucket.exp_avgs + bucket.exp_avg_sqs
    return (
        not any(isinstance(x, Tensor) for x in (rule.beta1, rule.beta2, rule.eps))
        and p.is_cpu  # where t is; on an accelerator the kernel wants it there
        and "cpu" in FUSED_DEVICES
        and p.dtype in (torch.float32, torch.float64)  # else the update would be rounded twice
        and all(x.is_contiguous() for x in tensors + bucket.max_exp_avg_sqs)
    )


def _shared_(bucket: Bucket, rule: Rule) -> None:
    """With θ = 0, α = 1 and no decay the kernel leaves −m̂ / (√v̂ + ε) in θ's place."""
    first, grads, maximize = bucket.params[0], bucket.grads, rule.maximize
    if rule.lam is not None and rule.decoupled:
        keep = _column(1 - rule.alpha * rule.lam, first)
        for p in bucket.params:
            p.mul_(_beside(keep, p))
    elif rule.lam is not None:
        lam = _column(rule.lam, first)
        signed = (-g if maximize else g for g in grads)
        pairs = zip(signed, bucket.params, strict=True)
        grads = [torch.addcmul(g, p, _beside(lam, p)) for g, p in pairs]
        maximize = False
    updates = [torch.zeros_like(p) for p in bucket.params]
    plain = replace(rule, alpha=1.0, lam=0.0, decoupled=False, maximize=maximize)
    fused_(replace(bucket, params=updates, grads=grads), plain)
    alpha = _column(rule.alpha, first)
    for p, update in zip(bucket.params, updates, strict=True):
        p.addcmul_(update, _beside(alpha, p))


def _column(value: Any, p: Tensor) -> Tensor:
    """A number or K of them, shape ``[K]``, in the dtype and on the device of the stack p."""
    return torch.as_tensor(value, dtype=torch.float64).expand(p.shape[0]).to(p)


def _beside(column: Tensor, p: Tensor) -> Tensor:
    """``[K]`` as ``[K, 1, ..., 1]``, to be broadcast along the slices of p."""
    return column.view(-1, *[1] * (p.dim() - 1))


def _table(t: float, rule: Rule, p: Tensor, dtype: torch.dtype) -> Tensor:
    """1 − β₁, β₂, 1 − β₂, α·√c₂ / c₁, ε·√c₂ and the decay's factor: shape ``[6, K]``.

    Taken in float64, as Python's numbers are for one Adam alone, and rounded once. In NumPy, whose
    operations on so little cost a fraction of torch's.
    """
    names = ("alpha", "beta1", "beta2", "eps", "lam")
    rule = replace(rule, **{name: _in_numpy(getattr(rule, name)) for name in names})
    size, root, eps = size_root_eps(t, rule)
    table = np.empty((6, p.shape[0]))
    table[0], table[1], table[2] = 1 - rule.beta1, rule.beta2, 1 - rule.beta2
    table[3], table[4] = size * root, eps * root
    table[5] = 1 - rule.alpha * rule.lam if rule.decoupled else rule.lam
    return torch.from_numpy(table).to(p.device, dtype)


def _in_numpy(value: Any) -> Any:
    if value is None:  # no decay
        return 0.0
    return value.double().cpu().numpy() if isinstance(value, Tensor) else value


def _update_(
    p: Tensor,
    g: Tensor,
    m: Tensor,
    v: Tensor,
    v_max: Tensor | None,
    columns: tuple[Tensor, ...],
    rule: Rule,
) -> None:
    """θ ← θ − (size·√c₂) · m / (√v + ε·√c₂): tensors ``[K, ...]``, columns ``[K, 1, ..., 1]``."""
    weight1, beta2, weight2, size, eps, decay = columns
    if rule.maximize:
        g = -g
    if rule.lam is not None and rule.decoupled:
        p.mul_(decay)
    elif rule.lam is not None:
        g = torch.addcmul(g, p, decay)
    scratch = g * g
    m.lerp_(g, weight1)
    v.mul_(beta2).addcmul_(scratch, weight2)
    if v_max is not None:
        v = torch.maximum(v_max, v, out=v_max)
    torch.sqrt(v, out=scratch).add_(eps)
    torch.div(m, scratch, out=scratch)
    p.addcmul_(scratch, size, value=-1)


def _in_float32(update: Callable[..., None]) -> Callable[..., None]:
    """Half precision is rounded once a step, at its end, as in torch's fused kernel."""

    def step(*arguments: Any) -> None:
        tensors, rest = arguments[:5], arguments[5:]
        wide = [None if x is None else x.float() for x in tensors]
        update(*wide, *rest)
        for x, w in zip(tensors, wide, strict=True):
            if x is not None:
                x.copy_(w)

    return step
