"""Which parameters are updated together, and by what; their state and its layout."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import torch
from torch import Tensor

FUSED_DTYPES = frozenset({torch.float32, torch.float64, torch.bfloat16, torch.float16})
# private names, though the ones torch.optim itself calls: without them everything takes foreach
FUSED_DEVICES = {"cpu", "cuda"} if hasattr(torch, "_fused_adamw_") else set()
FOREACH_DEVICES = {"cpu", "cuda", "mps", "xpu"}
HOST = torch.device("cpu")


@dataclass(slots=True)
class Bucket:
    """Parameters of one device and dtype and what their step needs, list beside list."""

    params: list[Tensor] = field(default_factory=list)
    grads: list[Tensor] = field(default_factory=list)
    exp_avgs: list[Tensor] = field(default_factory=list)
    exp_avg_sqs: list[Tensor] = field(default_factory=list)
    max_exp_avg_sqs: list[Tensor] = field(default_factory=list)  # empty without AMSGrad
    steps: list[Tensor] = field(default_factory=list)

    def append(self, p: Tensor, g: Tensor, state: dict[str, Tensor], amsgrad: bool) -> None:
        """Takes p in; a complex tensor as a real one with a last axis of 2."""
        m, v = state["exp_avg"], state["exp_avg_sq"]
        v_max = state["max_exp_avg_sq"] if amsgrad else None
        if p.is_complex():
            p, g, m, v = map(torch.view_as_real, (p, g.resolve_conj(), m, v))
            v_max = None if v_max is None else torch.view_as_real(v_max)
        self.params.append(p)
        self.grads.append(g)
        self.exp_avgs.append(m)
        self.exp_avg_sqs.append(v)
        if v_max is not None:
            self.max_exp_avg_sqs.append(v_max)
        self.steps.append(state["step"])

    def tensors(self) -> list[list[Tensor]]:
        """The lists of tensors of the parameters' shapes; without AMSGrad four."""
        lists = [self.params, self.grads, self.exp_avgs, self.exp_avg_sqs, self.max_exp_avg_sqs]
        return [tensors for tensors in lists if tensors]

    def where(self, chosen: list[bool]) -> Bucket:
        lists = (getattr(self, name) for name in self.__slots__)
        return Bucket(*(list(compress(tensors, chosen)) for tensors in lists))


def collect(
    group: dict[str, Any], states: dict[Tensor, dict[str, Tensor]], stacked: bool
) -> dict[tuple[str, torch.dtype, torch.device], Bucket]:
    """The group's parameters that have a gradient, by kernel, dtype and device."""
    buckets: dict[tuple[str, torch.dtype, torch.device], Bucket] = {}
    amsgrad, capturable = group["amsgrad"], group["capturable"]
    compiling = torch.compiler.is_compiling()
    for p in group["params"]:
        g = p.grad
        if g is None:
            continue
        if g.is_sparse:
            raise RuntimeError(
                "Adam does not support sparse gradients, please consider SparseAdam instead"
            )
        kernel = "per_slice" if stacked else choose(p, group)
        if compiling and kernel == "fused":  # inductor cannot put it into a graph; it fuses itself
            kernel = "foreach"
        key = kernel, p.dtype, p.device
        if (bucket := buckets.get(key)) is None:
            bucket = buckets[key] = Bucket()
        # t lives where it is read, or no kernel could run without waiting for the other side
        on_host = p.is_cpu or not (kernel == "fused" or capturable or (stacked and p.is_cuda))
        state = states[p]
        if not state:
            state.update(_initial_state(p, HOST if on_host else p.device, amsgrad))
        elif state["step"].is_cpu is not on_host:
            state["step"] = state["step"].to(HOST if on_host else p.device, torch.float32)
        if kernel == "fused":
            g = _in_one_order(p, g, state)
        bucket.append(p, g, state, amsgrad)
    return buckets


def choose(p: Tensor, group: dict[str, Any]) -> str:
    """The implementation for p; the docstring of ``Adam`` has the reasons."""
    wanted = group["implementation"]
    if wanted in ("reference", "foreach"):
        return wanted
    if fits_fused(p) and (p.is_cpu or not group["eps_inside_root"]):
        return "fused"
    if wanted == "fused":
        raise RuntimeError(
            "`fused=True` requires all the params to be floating point Tensors of supported "
            f"devices: {sorted(FUSED_DEVICES)}, dense in memory, and eps_inside_root only on the "
            f"CPU, but got {p.dtype} on {p.device} with strides {p.stride()} and "
            f"eps_inside_root={group['eps_inside_root']}; implementation='auto' takes them all"
        )
    return "foreach" if _ordinary(p) and p.device.type in FOREACH_DEVICES else "reference"


def fits_fused(p: Tensor) -> bool:
    """Whether torch's fused kernel computes what it should for p.

    It walks memory from the first element on, whatever the strides: right for tensors that are
    dense, in any order of axes, silently wrong for others.
    """
    known = (p.dtype in FUSED_DTYPES or p.is_complex()) and p.device.type in FUSED_DEVICES
    return known and _ordinary(p) and is_dense(p)


def is_dense(p: Tensor) -> bool:
    """Whether p fills its memory without gaps, in whatever order of axes."""
    # preserve_format keeps the strides of dense tensors, and of no others
    return p.is_contiguous() or torch.empty_like(p).stride() == p.stride()


def _ordinary(p: Tensor) -> bool:
    """No subclass, whose operations may mean something else than those of its data."""
    return type(p) is torch.nn.Parameter or type(p) is Tensor


def _initial_state(p: Tensor, home: torch.device, amsgrad: bool) -> dict[str, Tensor]:
    names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if amsgrad else ("exp_avg", "exp_avg_sq")
    step = torch.zeros((), dtype=step_dtype(home), device=home)
    return {"step": step} | {name: torch.zeros_like(p) for name in names}


def step_dtype(home: torch.device) -> torch.dtype:
    """torch's: float32, or float64 on the host where that is the default dtype."""
    double = home.type == "cpu" and torch.get_default_dtype() == torch.float64
    return torch.float64 if double else torch.float32


def _in_one_order(p: Tensor, g: Tensor, state: dict[str, Tensor]) -> Tensor:
    """g in the memory order of p, and the moments too, as the fused kernel needs them.

    A gradient differs from its parameter where a model mixes memory formats, moments where they
    were loaded from another format.
    """
    m, v = state["exp_avg"], state["exp_avg_sq"]
    if p.is_contiguous() and g.is_contiguous() and m.is_contiguous() and v.is_contiguous():
        return g
    for key in state.keys() - {"step"}:
        if state[key].stride() != p.stride():
            state[key] = torch.empty_like(p).copy_(state[key])
    return g if g.stride() == p.stride() else torch.empty_like(p).copy_(g)
