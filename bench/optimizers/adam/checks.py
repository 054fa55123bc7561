"""What Adam refuses, and why, before anything trains."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bench.optimizers.adam.buckets import choose
from bench.optimizers.adam.slices import TENSOR_HYPERPARAMETERS, PerSlice

IMPLEMENTATIONS = ("auto", "reference", "foreach", "fused")


def resolve_implementation(name: str, foreach: bool | None, fused: bool | None) -> str:
    """``implementation`` from itself or from torch's two flags, which say the same."""
    if name not in IMPLEMENTATIONS:
        raise ValueError(f"Invalid implementation: {name!r}; it is one of {IMPLEMENTATIONS}")
    if foreach and fused:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if foreach is None and fused is None:
        return name
    said = "fused" if fused else "foreach" if foreach else "reference"
    if name not in ("auto", said):
        raise ValueError(f"{name=} and {foreach=}, {fused=} disagree; give one of them")
    return said


def check_hyperparameters(group: dict[str, Any]) -> None:
    """Ranges and kinds of one group's values (or of the defaults), in torch's own words."""
    lr, betas, eps, decay = (group[name] for name in TENSOR_HYPERPARAMETERS)
    if not _all(lr, lambda x: x >= 0):
        raise ValueError(f"Invalid learning rate: {lr}")
    if not _all(eps, lambda x: x >= 0):
        raise ValueError(f"Invalid epsilon value: {eps}")
    if len(betas) != 2:
        raise ValueError(f"betas must be two numbers, got {betas}")
    for i, beta in enumerate(betas):
        if not _all(beta, lambda x: (x >= 0) & (x < 1)):
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
    if not _all(decay, lambda x: x >= 0):
        raise ValueError(f"Invalid weight_decay value: {decay}")
    _check_tensors(group)


def _all(value: Any, holds: Any) -> bool:
    """Whether a number or every entry of a tensor satisfies the condition; NaN does not."""
    return bool(torch.as_tensor(holds(value)).all())


def _check_tensors(group: dict[str, Any]) -> None:
    lr, betas = group["lr"], group["betas"]
    if group["implementation"] == "foreach" and not group["capturable"]:
        for name, value in (("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
            if isinstance(value, Tensor):
                raise ValueError(
                    f"{name} as a Tensor is not supported for capturable=False and foreach=True"
                )
    single = [isinstance(beta, Tensor) and beta.numel() == 1 for beta in betas]
    plain = [not isinstance(beta, Tensor) for beta in betas]
    if any(single) and any(plain):
        raise ValueError(f"betas must be either both floats or both Tensors, got {betas}")


def check_params(group: dict[str, Any]) -> None:
    """Whether this group's parameters can be updated as its options ask."""
    for p in group["params"]:
        if p.layout != torch.strided:
            raise ValueError(
                f"Adam does not support sparse parameters, got one of layout {p.layout}: moments "
                "decay everywhere, not only where a gradient has entries; consider SparseAdam"
            )
        choose(p, group)


def check_stacked(group: dict[str, Any]) -> None:
    """Whether per-slice hyperparameters, if there are any, fit each other and the parameters."""
    values = {"lr": group["lr"], "eps": group["eps"], "weight_decay": group["weight_decay"]}
    values |= {f"betas[{i}]": beta for i, beta in enumerate(group["betas"])}
    sliced = {name: value for name, value in values.items() if isinstance(value, PerSlice)}
    for name, value in sliced.items():
        shapes = [tuple(p.shape) for p in group["params"]]
        if value.dim() != 1 or any(shape[:1] != tuple(value.shape) for shape in shapes):
            raise ValueError(
                f"Tensor {name} must be 1-element, or of shape [K] with every parameter stacked "
                f"along a first axis of size K; got shape {tuple(value.shape)} for {shapes}"
            )
    on_cuda = all(p.is_cuda for p in group["params"])
    if sliced and (group["implementation"] != "auto" or (group["capturable"] and not on_cuda)):
        raise ValueError(
            f"{', '.join(sliced)} of one entry per slice: there is one implementation of that, "
            f"not {group['implementation']!r}, capturable on CUDA alone; leave both unset"
        )


def refuse_capture(device: torch.device, capturable: bool) -> None:
    """A captured graph would repeat this step's t and learning rate for ever."""
    if device.type == "cuda" and not capturable and torch.cuda.is_current_stream_capturing():
        raise RuntimeError(
            "Attempting CUDA graph capture of step() for an instance of Adam but "
            "param_groups' capturable is False."
        )
