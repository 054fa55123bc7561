"""What can be worked out on paper, and Algorithm 1 in float64 beside every implementation."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from bench.optimizers.adam import Adam
from bench.optimizers.adam.reference import adam_reference

IMPLEMENTATIONS = ["reference", "foreach", "fused"]
SWITCHES = ["amsgrad", "maximize", "bias_correction", "decoupled_weight_decay", "eps_inside_root"]

ALL = list(itertools.product([False, True], repeat=len(SWITCHES)))
FEW = [on for on in ALL if sum(on) in (0, 1, len(SWITCHES))]


def _run(theta: list[float], gradients: list[list[float]], **kwargs: Any) -> torch.Tensor:
    """θ after one step per gradient, float64."""
    p = torch.nn.Parameter(torch.tensor(theta, dtype=torch.float64))
    optimizer = Adam([p], **kwargs)
    for gradient in gradients:
        p.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
    return p.detach()


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_first_step_is_lr_times_sign_as_eps_vanishes(implementation: str) -> None:
    gradient = [3.0, -0.002, 1e-30, -7e20]
    theta = _run([0.0] * 4, [gradient], lr=0.1, eps=0.0, implementation=implementation)
    expected = -0.1 * torch.tensor(gradient, dtype=torch.float64).sign()
    torch.testing.assert_close(theta, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_bias_correction_is_exact_for_a_constant_gradient(implementation: str) -> None:
    """m̂ = g and v̂ = g² at every t, so each step is −α·g / (|g| + ε)."""
    theta = _run([1.0], [[-0.3]] * 50, lr=0.01, eps=1e-3, implementation=implementation)
    expected = 1.0 + 50 * 0.01 * 0.3 / (0.3 + 1e-3)
    assert theta.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_without_correction_a_constant_gradient_gives_the_articles_formula(
    implementation: str,
) -> None:
    """θ := θ − α·m / (√v + ε) with m = (1 − β₁ᵗ)·g and v = (1 − β₂ᵗ)·g²."""
    alpha, beta1, beta2, eps, g, steps = 0.01, 0.8, 0.95, 1e-3, -0.3, 30
    theta = _run(
        [1.0],
        [[g]] * steps,
        lr=alpha,
        betas=(beta1, beta2),
        eps=eps,
        bias_correction=False,
        implementation=implementation,
    )
    moves = [
        alpha * (1 - beta1**t) * g / (math.sqrt(1 - beta2**t) * abs(g) + eps)
        for t in range(1, steps + 1)
    ]
    assert theta.item() == pytest.approx(1.0 - sum(moves), rel=1e-12)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_eps_inside_root_is_keras_and_tensorflows_first_step(implementation: str) -> None:
    """α·√(1−β₂)/(1−β₁) · (1−β₁)g / (√(1−β₂)·|g| + ε̂), and Algorithm 1's with ε = ε̂/√(1−β₂)."""
    g, eps, root = 1e-6, 1e-7, math.sqrt(1 - 0.999)
    kwargs: dict[str, Any] = {"lr": 0.1, "implementation": implementation}
    theta = _run([0.0], [[g]], eps=eps, eps_inside_root=True, **kwargs)
    assert theta.item() == pytest.approx(-0.1 * root * g / (root * g + eps), rel=1e-12)
    same = _run([0.0], [[g]], eps=eps / root, **kwargs)
    assert theta.item() == pytest.approx(same.item(), rel=1e-12)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("amsgrad", [False, True])
def test_rescaling_the_gradients_changes_nothing(implementation: str, amsgrad: bool) -> None:
    gradients = np.random.default_rng(0).normal(size=(40, 5))
    kwargs: dict[str, Any] = {"eps": 0.0, "amsgrad": amsgrad, "implementation": implementation}
    once = _run([0.0] * 5, gradients.tolist(), **kwargs)
    scaled = _run([0.0] * 5, (gradients * 2.0**20).tolist(), **kwargs)
    torch.testing.assert_close(once, scaled, rtol=1e-13, atol=0)


def test_amsgrad_never_forgets_a_large_gradient() -> None:
    """After one spike v decays and v_max does not: AMSGrad's later steps are smaller."""
    gradients = [[100.0], *[[0.01]] * 300]
    moved = [_run([0.0], gradients, betas=(0.0, 0.9), amsgrad=amsgrad) for amsgrad in (False, True)]
    assert abs(moved[1].item()) < 0.1 * abs(moved[0].item())


@pytest.mark.parametrize(
    ("implementation", "on"),
    [(name, on) for name in IMPLEMENTATIONS for on in (ALL if name == "fused" else FEW)],
    ids=str,
)
def test_twin_over_1000_steps(implementation: str, on: tuple[bool, ...]) -> None:
    """θ and both moments: every switch alone and together, for the fused every combination."""
    switches = dict(zip(SWITCHES, on, strict=True))
    centre = np.array([1.0, -2.0, 0.5, 3.0, 0.0, -1.0, 0.25])
    noise = np.random.default_rng(0).normal(size=(1000, 7))
    sign = -1.0 if switches["maximize"] else 1.0
    call = iter(noise)
    twin = adam_reference(
        lambda theta: sign * (theta - centre) + next(call),
        np.zeros(7),
        steps=1000,
        alpha=0.01,
        beta2=0.99,
        epsilon=1e-6,
        weight_decay=0.1,
        **switches,
    )
    p = torch.nn.Parameter(torch.zeros(7, dtype=torch.float64))
    optimizer = Adam(
        [p],
        lr=0.01,
        betas=(0.9, 0.99),
        eps=1e-6,
        weight_decay=0.1,
        implementation=implementation,
        **switches,
    )
    grad = p.grad = torch.zeros_like(p)
    for row in noise:
        grad.copy_(sign * (p.detach() - torch.from_numpy(centre)) + torch.from_numpy(row))
        optimizer.step()
    state = optimizer.state[p]
    for ours, theirs in ((p.detach(), twin.theta), (state["exp_avg"], twin.m)):
        torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        state["exp_avg_sq"], torch.from_numpy(twin.v), rtol=1e-12, atol=1e-12
    )


def test_twin_stops_at_the_target_precision() -> None:
    """The article's loop: until an iteration count or a target precision."""
    result = adam_reference(lambda x: x, np.array([1.0]), steps=10_000, tolerance=0.5, alpha=0.01)
    assert 0 < result.t < 100
    assert abs(result.theta.item()) <= 0.5
