"""Sign descent with momentum: beside a plain twin, on paper, and beside other implementations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import pytorch_optimizer
import torch
from numpy.typing import NDArray

from bench.optimizers.sign_momentum import SignMomentum

Vector = NDArray[np.float64]


def reference(
    gradient: Callable[[Vector], Vector],
    x: Vector,
    *,
    steps: int,
    delta: float,
    beta: float,
    decay: float,
) -> list[tuple[Vector, Vector]]:
    """Run Algorithm 2 of arXiv:1802.04434 line by line, without torch: x and m after each step."""
    m = np.zeros_like(x)
    trace = []
    for _ in range(steps):
        g = gradient(x)
        m = beta * m + (1 - beta) * g
        x = x - delta * (np.sign(m) + decay * x)
        trace.append((x, m))
    return trace


def run(gradients: list[Any], start: float = 1.0, **arguments: float) -> torch.nn.Parameter:
    """One parameter, float64, after one step for each gradient."""
    x = torch.nn.Parameter(torch.full_like(torch.tensor(gradients[0]).double(), start))
    optimizer = SignMomentum([x], **arguments)
    for gradient in gradients:
        x.grad = torch.tensor(gradient).double()
        optimizer.step()
    return x


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("beta", [0.0, 0.9])
def test_every_step_equals_its_twins(beta: float, decay: float) -> None:
    noise = np.random.default_rng(0).normal(size=(300, 5))
    centre = np.array([1.0, -2.0, 0.5, 3.0, 0.0])
    call = iter(noise)
    trace = reference(
        lambda x: x - centre + next(call),
        np.zeros(5),
        steps=len(noise),
        delta=0.01,
        beta=beta,
        decay=decay,
    )
    x = torch.nn.Parameter(torch.zeros(5, dtype=torch.float64))
    optimizer = SignMomentum([x], lr=0.01, momentum=beta, weight_decay=decay)
    for row, (expected, momentum) in zip(noise, trace, strict=True):
        x.grad = x.detach() - torch.from_numpy(centre) + torch.from_numpy(row)
        optimizer.step()
        torch.testing.assert_close(x.detach(), torch.from_numpy(expected), rtol=0, atol=1e-12)
        buffer = optimizer.state[x]["momentum_buffer"]
        torch.testing.assert_close(buffer, torch.from_numpy(momentum), rtol=0, atol=1e-12)


def test_every_entry_moves_by_the_learning_rate() -> None:
    x = run([[3.0, -0.002, 1e-30, -7e20, 0.0]], start=0.0, lr=0.1)
    assert x.tolist() == [-0.1, 0.1, -0.1, 0.1, 0.0]


def test_a_gradient_that_turns_is_followed_once_its_average_turns() -> None:
    """After n gradients of 1, m is 1 - βⁿ; it falls below 0 after log(2 - βⁿ) / -log β more."""
    beta, before = 0.9, 20
    needed = math.log(2 - beta**before) / -math.log(beta)
    after = math.floor(needed)
    still = run([1.0] * before + [-1.0] * after, lr=0.01, momentum=beta)
    turned = run([1.0] * before + [-1.0] * (after + 1), lr=0.01, momentum=beta)
    assert still.item() == pytest.approx(1 - 0.01 * (before + after))
    assert turned.item() == pytest.approx(still.item() + 0.01)


def test_weight_decay_alone_shrinks_geometrically() -> None:
    x = run([0.0] * 50, start=2.0, lr=0.1, weight_decay=0.3)
    assert x.item() == pytest.approx(2 * (1 - 0.1 * 0.3) ** 50)


def test_it_equals_another_implementation() -> None:
    mine, theirs = (torch.nn.Parameter(torch.ones(4)) for _ in range(2))
    optimizers = (
        SignMomentum([mine], lr=0.01, momentum=0.8, weight_decay=0.1),
        pytorch_optimizer.SignSGD([theirs], lr=0.01, momentum=0.8, weight_decay=0.1),
    )
    for step in range(50):
        noise = torch.randn(4, generator=torch.Generator().manual_seed(step))
        for x, optimizer in zip((mine, theirs), optimizers, strict=True):
            x.grad = x.detach() + noise
            optimizer.step()
        torch.testing.assert_close(mine, theirs)


def test_a_closure_is_evaluated_once_and_its_loss_returned() -> None:
    x = torch.nn.Parameter(torch.tensor(2.0))

    def closure() -> torch.Tensor:
        loss = x.square()
        loss.backward()
        return loss

    assert SignMomentum([x], lr=0.5).step(closure).item() == 4.0
    assert x.item() == 1.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("lr", bad) for bad in (-1.0, math.nan)),
        *(("momentum", bad) for bad in (-0.1, 1.0, math.nan)),
        *(("weight_decay", bad) for bad in (-1.0, math.nan)),
    ],
)
def test_values_without_meaning_are_refused(name: str, value: float) -> None:
    words = {"lr": "learning rate"}.get(name, f"{name} value")
    with pytest.raises(ValueError, match=f"Invalid {words}: {value}"):
        SignMomentum([torch.nn.Parameter(torch.ones(1))], **{name: value})
