"""One Adam step, several ways to walk the memory; the class that chooses is in ``adam.py``.

Every kernel updates a :class:`~bench.optimizers.adam.buckets.Bucket` in place under one
:class:`Rule`, and ends in

    θ ← θ − size · m / (√v / root + ε)

where ``size``, ``root`` and ε, of :func:`size_root_eps`, hold everything that the bias correction
and the place of ε change.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bench.optimizers.adam.buckets import Bucket

ONE = torch.ones(())


@dataclass(slots=True)
class Rule:
    """One parameter group's hyperparameters by the paper's letters; λ (``lam``) is weight decay.

    ``alpha`` may stay a tensor, so that a captured CUDA graph sees it change. In a stacked group
    each of α, β₁, β₂, ε, λ is a number or a float64 tensor of shape ``[K]``.
    """

    alpha: Any
    beta1: Any
    beta2: Any
    eps: Any
    lam: Any
    amsgrad: bool
    maximize: bool
    decoupled: bool
    bias_correction: bool
    eps_inside_root: bool
    stacked: bool

    @classmethod
    def of(cls, group: dict[str, Any]) -> Rule:
        beta1, beta2 = map(number, group["betas"])
        alpha, eps, lam = group["lr"], number(group["eps"]), number(group["weight_decay"])
        values = (alpha, beta1, beta2, eps, lam)
        switches = (
            *(group["amsgrad"], group["maximize"], group["decoupled_weight_decay"]),
            *(group["bias_correction"], group["eps_inside_root"]),
        )
        stacked = any(isinstance(x, Tensor) and x.numel() > 1 for x in values)
        return cls(*values, *switches, stacked)


def number(value: Any) -> Any:
    """A tensor of one element as its number; anything else as it is."""
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 else value


def size_root_eps(t: Any, rule: Rule) -> tuple[Any, Any, Any]:
    """``(size, root, ε)`` of step t: numbers, or tensors where t, α or the βs are tensors.

    With cᵢ = 1 − βᵢᵗ, Algorithm 1 has α / c₁, √c₂ and its own ε. The ε̂ form is Algorithm 1 with
    ε = ε̂ / √c₂. Without bias correction both cᵢ are 1, and the two forms are one.
    """
    if not rule.bias_correction:
        return rule.alpha, 1.0, rule.eps
    c1, root = 1 - rule.beta1**t, (1 - rule.beta2**t) ** 0.5
    return rule.alpha / c1, root, rule.eps / root if rule.eps_inside_root else rule.eps


def count(steps: list[Tensor]) -> None:
    """t ← t + 1, in place."""
    # on the host a Python 1 is made a tensor again for every step, four times as slow, and so is
    # the tensor without alpha, which is taken for a number
    if steps[0].is_cpu:
        torch._foreach_add_(steps, ONE, alpha=1)
    else:
        torch._foreach_add_(steps, 1)


def foreach_(bucket: Bucket, rule: Rule, *, capturable: bool = False) -> None:
    """A handful of multi-tensor operations: any dtype, any memory layout, many devices.

    ``capturable`` keeps t, and all that follows from it, in tensors on the parameters' device.
    """
    params, grads, m, v = bucket.params, bucket.grads, bucket.exp_avgs, bucket.exp_avg_sqs
    count(bucket.steps)
    rule = rule if capturable else replace(rule, alpha=number(rule.alpha))
    if rule.maximize:
        grads = list(torch._foreach_neg(grads))
    if rule.lam != 0 and rule.decoupled:
        torch._foreach_mul_(params, 1 - rule.alpha * rule.lam)
    elif rule.lam != 0:
        grads = list(torch._foreach_add(grads, params, alpha=rule.lam))
    torch._foreach_lerp_(m, grads, 1 - rule.beta1)
    torch._foreach_mul_(v, rule.beta2)
    torch._foreach_addcmul_(v, grads, grads, 1 - rule.beta2)
    if rule.amsgrad:
        v = bucket.max_exp_avg_sqs
        torch._foreach_maximum_(v, bucket.exp_avg_sqs)
    times: list[Any] = bucket.steps if capturable else [step.item() for step in bucket.steps]
    sizes, roots, epsilons = zip(*[size_root_eps(t, rule) for t in times], strict=True)
    denominators = torch._foreach_sqrt(v)
    torch._foreach_div_(denominators, roots)
    torch._foreach_add_(denominators, epsilons)
    if isinstance(sizes[0], Tensor):  # addcdiv takes numbers only: fold the size in beforehand
        torch._foreach_div_(denominators, [-size for size in sizes])
        torch._foreach_addcdiv_(params, m, denominators)
    else:
        torch._foreach_addcdiv_(params, m, denominators, [-size for size in sizes])


def fused_(
    bucket: Bucket, rule: Rule, *, grad_scale: Tensor | None = None, found_inf: Tensor | None = None
) -> None:
    """torch's own kernel: reads and writes each operand once, 28 bytes a float32 parameter.

    It knows Algorithm 1 only, but takes t as a tensor: t = ∞ turns both bias corrections into 1.
    The ε̂ form is Algorithm 1 with an ε that follows t; as all tensors of a call share one ε, it
    needs a call for each distinct t (one, unless some parameter went without a gradient once).

    ``grad_scale`` and ``found_inf`` are those of ``torch.amp.GradScaler``: divide the gradients
    by the one, and leave everything as it was where the other is not zero.
    """
    count(bucket.steps)
    for part, steps, eps in _calls(bucket, rule):
        (torch._fused_adamw_ if rule.decoupled else torch._fused_adam_)(
            *(part.params, part.grads, part.exp_avgs, part.exp_avg_sqs, part.max_exp_avg_sqs),
            steps,
            lr=rule.alpha,
            beta1=rule.beta1,
            beta2=rule.beta2,
            weight_decay=rule.lam,
            eps=eps,
            amsgrad=rule.amsgrad,
            maximize=rule.maximize,
            grad_scale=grad_scale,
            found_inf=found_inf,
        )
    if found_inf is not None:
        torch._foreach_sub_(bucket.steps, [found_inf] * len(bucket.steps))


def _calls(bucket: Bucket, rule: Rule) -> Iterator[tuple[Bucket, list[Tensor], float]]:
    """What the kernel is called with: tensors, their t, their ε."""
    if not rule.bias_correction:
        forever = torch.full((), math.inf, device=bucket.params[0].device)
        yield bucket, [forever] * len(bucket.params), rule.eps
    elif not rule.eps_inside_root:
        yield bucket, bucket.steps, rule.eps
    else:
        times = [step.item() for step in bucket.steps]
        for t in sorted(set(times)):
            part = bucket.where([other == t for other in times])
            yield part, part.steps, size_root_eps(t, rule)[2]
