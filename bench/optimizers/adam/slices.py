"""K Adams in one step: parameters stacked along a first axis, hyperparameters of shape ``[K]``.

One broadcast operation does a whole stack, so that what an optimizer's step costs before any
arithmetic is paid once instead of K times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.optimizers.adam.buckets import FUSED_DEVICES, HOST, Bucket, is_dense
from bench.optimizers.adam.kernels import Rule, count, fused_, size_root_eps

TENSOR_HYPERPARAMETERS = ("lr", "betas", "eps", "weight_decay")


class PerSlice(Tensor):
    """A hyperparameter of shape ``[K]``, one entry for each slice, held in float64 beside them.

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
    """Puts every hyperparameter of several elements into :class:`PerSlice`, where they are read.

    That is the host, whose arithmetic on so little is fast, but for a CUDA device, which must not
    wait for it.
    """
    device = next((p.device for p in group["params"] if p.is_cuda), HOST)
    for name in TENSOR_HYPERPARAMETERS:
        group[name] = _map(partial(_wrap, device), group[name])


def unwrap_slices(group: dict[str, Any]) -> None:
    """The reverse: plain tensors, which ``torch.load(weights_only=True)`` reads."""
    for name in TENSOR_HYPERPARAMETERS:
        group[name] = _map(_unwrap, group[name])


def _map(function: Callable[[Any], Any], value: Any) -> Any:
    return tuple(map(function, value)) if isinstance(value, (tuple, list)) else function(value)


def _wrap(device: torch.device, value: Any) -> Any:
    if not isinstance(value, Tensor) or isinstance(value, PerSlice) or value.numel() == 1:
        return value
    return value.detach().to(device, torch.float64, copy=True).as_subclass(PerSlice)


def _unwrap(value: Any) -> Any:
    return value.as_subclass(Tensor) if isinstance(value, PerSlice) else value


def per_slice_(bucket: Bucket, rule: Rule) -> None:
    """K Adams, in one of two ways.

    Where the slices share β₁, β₂ and ε, as in a sweep of learning rates and decays, the fused
    kernel makes all updates and each slice scales its own. Else broadcasting does it all.
    """
    if not isinstance(rule.lam, Tensor) and rule.lam == 0:
        rule = replace(rule, lam=None)
    if _shares_moments(bucket, rule):
        _shared_(bucket, rule)
        return
    count(bucket.steps)
    narrow = bucket.params[0].dtype in (torch.bfloat16, torch.float16)
    update = _update_in_float32_ if narrow else _update_
    tables = _tables(bucket, rule, torch.float32 if narrow else bucket.params[0].dtype)
    maxima = bucket.max_exp_avg_sqs or repeat(None, len(bucket.params))
    moments = zip(bucket.exp_avgs, bucket.exp_avg_sqs, maxima, strict=True)
    for p, g, mvv, table in zip(bucket.params, bucket.grads, moments, tables, strict=True):
        update(p, g, *mvv, table.view(6, -1, *[1] * (p.dim() - 1)).unbind(), rule)


def _shares_moments(bucket: Bucket, rule: Rule) -> bool:
    p = bucket.params[0]
    return (
        not any(isinstance(x, Tensor) for x in (rule.beta1, rule.beta2, rule.eps))
        and p.device.type in FUSED_DEVICES
        and (p.is_cpu or not rule.eps_inside_root)  # an ε that follows a t on the device
        and p.dtype in (torch.float32, torch.float64)  # else the update would be rounded twice
        and all(map(_lie_alike, zip(*bucket.tensors(), strict=True)))
    )


def _lie_alike(tensors: Sequence[Tensor]) -> bool:
    """Whether a walk through their memory meets the same entries of all of them."""
    first = tensors[0]
    return is_dense(first) and all(x.stride() == first.stride() for x in tensors)


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
    return _filled(value, p).expand(p.shape[0]).to(p)


def _filled(value: Any, like: Tensor) -> Tensor:
    """A number as a tensor made on the device of ``like``, not copied there; a tensor as it is."""
    if isinstance(value, Tensor):
        return value
    return torch.full((1,), value, dtype=torch.float64, device=like.device)


def _beside(column: Tensor, p: Tensor) -> Tensor:
    """``[K]`` as ``[K, 1, ..., 1]``, to be broadcast along the slices of p."""
    return column.view(-1, *[1] * (p.dim() - 1))


def _tables(bucket: Bucket, rule: Rule, dtype: torch.dtype) -> Sequence[Tensor]:
    """1 − β₁, β₂, 1 − β₂, α·√c₂ / c₁, ε·√c₂ and the decay's factor: ``[6, K]`` a parameter.

    Taken in float64, as Python's numbers are for one Adam alone, and rounded once. On the host in
    NumPy, whose operations on so little cost a fraction of torch's; elsewhere where t is.
    """
    p = bucket.params[0]
    if p.is_cpu:
        rule = _in_numpy(rule)
        times = [step.item() for step in bucket.steps]
        made = {t: np.empty((6, p.shape[0])) for t in times}
        for t, table in made.items():
            for row, values in zip(table, _rows(t, rule), strict=True):
                row[:] = values
        tables = {t: torch.from_numpy(table).to(dtype) for t, table in made.items()}
        return [tables[t] for t in times]
    steps = torch.stack(bucket.steps).double()[:, None]  # [P, 1] beside [K]
    rows = [_filled(row, p).expand(len(steps), p.shape[0]) for row in _rows(steps, rule)]
    return torch.stack(rows, dim=1).to(dtype).unbind()


def _rows(t: Any, rule: Rule) -> tuple[Any, ...]:
    """The same, each a number or ``[K]`` or, for several t, ``[P, K]``."""
    size, root, eps = size_root_eps(t, rule)
    lam = 0.0 if rule.lam is None else rule.lam
    decay = 1 - rule.alpha * lam if rule.decoupled else lam
    return 1 - rule.beta1, rule.beta2, 1 - rule.beta2, size * root, eps * root, decay


def _in_numpy(rule: Rule) -> Rule:
    values = {name: getattr(rule, name) for name in ("alpha", "beta1", "beta2", "eps", "lam")}
    tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    arrays: dict[str, Any] = {name: value.double().numpy() for name, value in tensors.items()}
    return replace(rule, **arrays)


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


def _update_in_float32_(*arguments: Any) -> None:
    """Half precision is rounded once a step, at its end, as in torch's fused kernel."""
    tensors, rest = arguments[:5], arguments[5:]
    wide: list[Any] = [None if x is None else x.float() for x in tensors]
    _update_(*wide, *rest)
    for x, w in zip(tensors, wide, strict=True):
        if x is not None:
            x.copy_(w)
