"""K Adams in one step beside K Adams."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch

from bench.optimizers.adam import Adam

K = 5
SHAPES: list[tuple[int, ...]] = [(3, 4), (4,), ()]
HYPERPARAMETERS: dict[str, dict[str, Any]] = {
    "lr": {"lr": torch.logspace(-3, -1, K)},
    "lr and weight_decay": {
        "lr": torch.logspace(-3, -1, K),
        "weight_decay": torch.linspace(0, 0.2, K),
    },
    "weight_decay": {"weight_decay": torch.linspace(0, 0.2, K)},
    "eps": {"eps": torch.logspace(-8, -2, K)},
    "everything": {
        "lr": torch.logspace(-3, -1, K, dtype=torch.float64),
        "betas": (torch.linspace(0, 0.9, K), torch.linspace(0.9, 0.999, K)),
        "eps": torch.logspace(-8, -2, K),
        "weight_decay": torch.linspace(0, 0.2, K),
    },
    "one beta": {"betas": (0.9, torch.linspace(0.9, 0.999, K)), "weight_decay": 0.1},
}
SWITCHES: list[dict[str, bool]] = [
    {},
    {"amsgrad": True},
    {"decoupled_weight_decay": True},
    {"maximize": True},
    {"bias_correction": False},
    {"eps_inside_root": True},
    {"amsgrad": True, "maximize": True, "decoupled_weight_decay": True, "eps_inside_root": True},
]


def _slice(value: Any, k: int) -> Any:
    if isinstance(value, tuple):
        return tuple(_slice(v, k) for v in value)
    return value[k].item() if isinstance(value, torch.Tensor) else value


def _stacked(dtype: torch.dtype) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(K, *s, generator=generator).to(dtype)) for s in SHAPES]


def _both(dtype: torch.dtype, steps: int, **kwargs: Any) -> tuple[list[Any], list[list[Any]]]:
    """Parameters after the steps: stacked, and as K separate lists."""
    stacks = _stacked(dtype)
    separate = [[torch.nn.Parameter(p[k].detach().clone()) for p in stacks] for k in range(K)]
    together = Adam(stacks, **kwargs)
    apart = [
        Adam(params, **{name: _slice(value, k) for name, value in kwargs.items()})
        for k, params in enumerate(separate)
    ]
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        for i, stack in enumerate(stacks):
            skipped = step == 3 and i == 1
            g = torch.randn(stack.shape, generator=generator).to(dtype)
            stack.grad = None if skipped else g
            for k in range(K):
                separate[k][i].grad = None if skipped else g[k].clone()
        together.step()
        for optimizer in apart:
            optimizer.step()
    return stacks, separate


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
@pytest.mark.parametrize("name", HYPERPARAMETERS)
def test_equals_k_separate_optimizers(
    name: str, switches: dict[str, bool], dtype: torch.dtype
) -> None:
    stacks, separate = _both(dtype, 12, **HYPERPARAMETERS[name], **switches)
    for i, stack in enumerate(stacks):
        expected = torch.stack([params[i].detach() for params in separate])
        torch.testing.assert_close(stack.detach(), expected)


@pytest.mark.parametrize("name", ["lr", "everything"])
def test_bfloat16_is_rounded_once_a_step(name: str) -> None:
    stacks, separate = _both(torch.bfloat16, 1, **HYPERPARAMETERS[name])
    for i, stack in enumerate(stacks):
        expected = torch.stack([params[i].detach() for params in separate])
        torch.testing.assert_close(stack.detach(), expected, rtol=2**-8, atol=1e-5)


def test_a_slice_that_is_not_finite_stays_alone() -> None:
    stack = torch.nn.Parameter(torch.ones(K, 4))
    optimizer = Adam([stack], torch.logspace(-3, -1, K))
    g = torch.ones(K, 4)
    g[1, 2], g[3, 0] = float("nan"), float("inf")
    stack.grad = g
    optimizer.step()
    finite = stack.detach().isfinite()
    assert not finite[1, 2]
    assert not finite[3, 0]
    assert finite.sum() == K * 4 - 2


def test_schedulers_scale_every_slice() -> None:
    lr = torch.logspace(-3, -1, K, dtype=torch.float64)
    optimizer = Adam(_stacked(torch.float32), lr)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    for p in optimizer.param_groups[0]["params"]:
        p.grad = torch.ones_like(p)
    for step in range(1, 4):
        optimizer.step()
        schedule.step()
        torch.testing.assert_close(optimizer.param_groups[0]["lr"] * 1.0, lr / (1 + step))
    assert torch.equal(lr, torch.logspace(-3, -1, K, dtype=torch.float64))  # ours is a copy


def test_state_dict_keeps_the_slices(tmp_path: Any) -> None:
    mine = _stacked(torch.float32)
    ours = Adam(mine, **HYPERPARAMETERS["everything"])
    for p in mine:
        p.grad = torch.ones_like(p)
    ours.step()
    torch.save(ours.state_dict(), tmp_path / "state.pt")
    theirs = deepcopy(mine)
    loaded = Adam(theirs)
    loaded.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    copied = deepcopy(ours)
    for p, q, r in zip(mine, theirs, copied.param_groups[0]["params"], strict=True):
        p.grad, q.grad, r.grad = (torch.ones_like(p) for _ in range(3))
    for optimizer in (ours, loaded, copied):
        optimizer.step()
    for p, q, r in zip(mine, theirs, copied.param_groups[0]["params"], strict=True):
        assert torch.equal(p, q)
        assert torch.equal(p, r)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"lr": torch.ones(K + 1)}, r"Tensor lr must be 1-element, or of shape \[K\]"),
        ({"lr": torch.ones(K, 1)}, "Tensor lr must be 1-element"),
        ({"eps": torch.ones(K), "capturable": True}, "eps of one entry per slice"),
        ({"lr": torch.ones(K), "implementation": "fused"}, "not 'fused'"),
        ({"lr": -torch.ones(K)}, "Invalid learning rate: tensor"),
        ({"betas": (0.9, torch.linspace(0.9, 1.0, K))}, "Invalid beta parameter at index 1"),
    ],
)
def test_refuses_what_does_not_fit(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Adam(_stacked(torch.float32), **kwargs)
    with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
        Adam([torch.nn.Parameter(torch.tensor(1.0))], lr=torch.ones(2))
