"""Adam: A Method for Stochastic Optimization. Kingma and Ba, 2015, https://arxiv.org/abs/1412.6980

AMSGrad: Reddi, Kale and Kumar, 2018, https://openreview.net/forum?id=ryQu7f-RZ
AdamW: Loshchilov and Hutter, 2019, https://arxiv.org/abs/1711.05101

Read :func:`adam_update` for the algorithm; all else here serves to run it at the speed of memory
and to stand in for ``torch.optim.Adam`` anywhere. ``docs/adam.md`` is the longer text.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from bench.optimizers.adam.buckets import HOST, Bucket, collect, step_dtype
from bench.optimizers.adam.checks import (
    check_hyperparameters,
    check_params,
    check_stacked,
    refuse_capture,
    resolve_implementation,
)
from bench.optimizers.adam.kernels import Rule, foreach_, fused_
from bench.optimizers.adam.slices import per_slice_, unwrap_slices, wrap_slices

# what a checkpoint that does not say so was made by: torch.optim.Adam, this year's or an older one
TORCH_ADAM = {
    "amsgrad": False,
    "maximize": False,
    "bias_correction": True,
    "eps_inside_root": False,
    "capturable": False,
    "foreach": None,
    "fused": None,
}


def adam_update(
    theta: Tensor, g: Tensor, m: Tensor, v: Tensor, v_max: Tensor | None, t: Any, rule: Rule
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """(θ, m, v, v_max) of step t from those of step t − 1; all tensors have the shape of θ.

    With every switch off this is Algorithm 1:

        m ← β₁·m + (1 − β₁)·g                m̂ = m / (1 − β₁ᵗ)
        v ← β₂·v + (1 − β₂)·g²               v̂ = v / (1 − β₂ᵗ)
        θ ← θ − α·m̂ / (√v̂ + ε)
    """
    if rule.maximize:
        g = -g
    if rule.lam != 0 and rule.decoupled:
        theta = (1 - rule.alpha * rule.lam) * theta
    elif rule.lam != 0:
        g = g + rule.lam * theta
    m = rule.beta1 * m + (1 - rule.beta1) * g
    v = rule.beta2 * v + (1 - rule.beta2) * g * g
    v_max = None if v_max is None else torch.maximum(v_max, v)
    c1, c2 = (1 - rule.beta1**t, 1 - rule.beta2**t) if rule.bias_correction else (1.0, 1.0)
    m_hat, sqrt_v_hat = m / c1, (v if v_max is None else v_max).sqrt() / c2**0.5
    eps = rule.eps / c2**0.5 if rule.eps_inside_root else rule.eps
    return theta - rule.alpha * m_hat / (sqrt_v_hat + eps), m, v, v_max


class Adam(Optimizer):
    """Adam with each of its disputed details as a switch.

    Args:
        params: parameters, named parameters or parameter groups, as for any torch optimizer.
        lr: the paper's α; also a tensor of one element.
        betas: β₁ and β₂, the decay rates of the two moments.
        eps: ε or ε̂, which keeps the quotient finite; see ``eps_inside_root``.
        weight_decay: λ, not in the paper: the gradient of (λ/2)·‖θ‖² is added to g.
        amsgrad: divide by the root of the largest v so far. As in torch and Keras the maximum is
            of v, before bias correction; optax takes it of v̂, after.
        maximize: ascend instead.
        bias_correction: False is θ ← θ − α·m / (√v + ε), the first moments as they are.
        decoupled_weight_decay: decay θ by α·λ and leave the gradient alone: AdamW.
        eps_inside_root: False is Algorithm 1, α·m̂ / (√v̂ + ε). True is the form at the end of the
            paper's section 2, α·(√c₂ / c₁) · m / (√v + ε̂) with cᵢ = 1 − βᵢᵗ, where ε̂ stands
            inside what the root √c₂ scales, as in TensorFlow and Keras (which call it epsilon,
            default 1e-7). ε = ε̂ / √c₂ turns one into the other: ε̂ weighs √1000 times more at
            first with β₂ = 0.999, and equally at last. Neither form puts ε under √v; that is
            optax's ``eps_root``. Without bias correction the two are one.
        implementation: ``reference`` runs :func:`adam_update` tensor by tensor, ``foreach`` a
            dozen multi-tensor operations, ``fused`` torch's kernel, which walks memory once.
            ``auto`` takes for each parameter ``fused`` where that is right (dense tensors on CPU
            or CUDA, and on CUDA not with ``eps_inside_root``, whose ε follows a t that lives on
            the device), else ``foreach``, else (subclasses of tensor) ``reference``.
        capturable: keep t and what follows from it on the device, for CUDA graphs.
        foreach: torch's spelling of ``implementation="foreach"``.
        fused: torch's spelling of ``implementation="fused"``. As in torch, False for either
            means tensor by tensor, and None for both leaves the choice to ``auto``. Under
            ``torch.compile`` ``foreach`` takes the place of ``fused``: the compiler fuses itself.
        differentiable: False, torch's default; all implementations update in place.

    ``lr``, each of ``betas``, ``eps`` and ``weight_decay`` may also be a tensor of shape ``[K]``
    where all parameters are stacked along a first axis of size K: K independent Adams in a step.
    They are copied to float64; change them through ``param_groups``. Schedulers do.

    State is torch's (``step``, ``exp_avg``, ``exp_avg_sq``, ``max_exp_avg_sq``), and a
    ``state_dict`` moves between this class and ``torch.optim.Adam`` or ``AdamW`` either way. Two
    switches have no counterpart there: torch continues a checkpoint of ``bias_correction=False``
    or ``eps_inside_root=True`` by Algorithm 1.

    Complex parameters are pairs of real ones. Sparse ones are refused: moments decay also where a
    gradient has no entry.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float | Tensor = 1e-8,
        weight_decay: float | Tensor = 0.0,
        amsgrad: bool = False,
        maximize: bool = False,
        *,
        bias_correction: bool = True,
        decoupled_weight_decay: bool = False,
        eps_inside_root: bool = False,
        implementation: str = "auto",
        capturable: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
        differentiable: bool = False,
    ) -> None:
        if differentiable:
            raise ValueError("differentiable=True: Adam updates in place; torch.optim.Adam has it")
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "bias_correction": bias_correction,
            "decoupled_weight_decay": decoupled_weight_decay,
            "eps_inside_root": eps_inside_root,
            "implementation": resolve_implementation(implementation, foreach, fused),
            "capturable": capturable,
            "foreach": foreach,
            "fused": fused,
        }
        check_hyperparameters(defaults)
        super().__init__(params, defaults)
        if defaults["implementation"] == "fused":
            # torch.amp.GradScaler then leaves its division and its check to the kernel
            self._step_supports_amp_scaling = True

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        try:
            check_hyperparameters(param_group)
            check_params(param_group)
            wrap_slices(param_group)
            check_stacked(param_group)
        except (ValueError, RuntimeError):
            self.param_groups.pop()
            raise

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        own = {name: self.defaults[name] for name in ("decoupled_weight_decay", "implementation")}
        for group in self.param_groups:
            for name, value in (TORCH_ADAM | own).items():
                group.setdefault(name, value)
            wrap_slices(group)
            for p in group["params"]:
                if (s := self.state.get(p)) and not isinstance(s["step"], Tensor):
                    s["step"] = torch.tensor(float(s["step"]), dtype=step_dtype(HOST))

    def state_dict(self) -> dict[str, Any]:
        packed = super().state_dict()
        for group in packed["param_groups"]:
            unwrap_slices(group)
        return packed

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient; returns the closure's loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if torch.compiler.is_compiling() and getattr(self, "grad_scale", None) is not None:
            raise RuntimeError("a compiled step takes no GradScaler; use implementation='foreach'")
        for group in self.param_groups:
            rule = Rule.of(group)
            for (kernel, _, device), bucket in collect(group, self.state, rule.stacked).items():
                refuse_capture(device, group["capturable"])
                self._run(kernel, bucket, rule, group["capturable"])
        return loss

    def _run(self, kernel: str, bucket: Bucket, rule: Rule, capturable: bool) -> None:
        if kernel == "fused":
            scale, found_inf = getattr(self, "grad_scale", None), getattr(self, "found_inf", None)
            fused_(bucket, rule, grad_scale=scale, found_inf=found_inf)
        elif kernel == "per_slice":
            per_slice_(bucket, rule)
        elif kernel == "foreach":
            foreach_(bucket, rule, capturable=capturable)
        else:
            reference_(bucket, rule, capturable=capturable)


def reference_(bucket: Bucket, rule: Rule, *, capturable: bool = False) -> None:
    """:func:`adam_update`, tensor by tensor."""
    maxima = bucket.max_exp_avg_sqs or repeat(None)
    moments = zip(bucket.exp_avgs, bucket.exp_avg_sqs, maxima, strict=False)
    for p, g, mvv, step in zip(bucket.params, bucket.grads, moments, bucket.steps, strict=True):
        t = step.add_(1) if capturable else step.add_(1).item()
        for old, new in zip((p, *mvv), adam_update(p, g, *mvv, t, rule), strict=True):
            if old is not None and new is not None:
                old.copy_(new)


class AdamW(Adam):
    """Adam with decoupled weight decay, torch's default of 0.01 for it, and Adam's switches."""

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float | Tensor = 1e-8,
        weight_decay: float | Tensor = 1e-2,
        amsgrad: bool = False,
        maximize: bool = False,
        **switches: Any,
    ) -> None:
        switches = {"decoupled_weight_decay": True, **switches}
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize, **switches)
