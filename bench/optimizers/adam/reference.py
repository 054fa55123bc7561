"""Algorithm 1 of arXiv:1412.6980, line by line, in plain float64: what the fast Adam is held to.

Nothing is shared with ``adam.py``, not even torch, so that a mistake cannot agree with itself.
The switches are marked where they leave the algorithm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Trace:
    """θ and both moments after the last step, and how many steps there were."""

    theta: Vector
    m: Vector
    v: Vector
    v_max: Vector
    t: int


def adam_reference(
    gradient: Callable[[Vector], Vector],
    theta: Vector,
    *,
    steps: int,
    tolerance: float = 0.0,
    alpha: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    amsgrad: bool = False,
    maximize: bool = False,
    bias_correction: bool = True,
    eps_inside_root: bool = False,
) -> Trace:
    """Minimises until ``steps`` are made or no entry of the gradient exceeds ``tolerance``.

    Args:
        gradient: θ ↦ ∇f(θ), shape ``[n]`` to ``[n]``; a stochastic f may answer anew every time.
        theta: θ₀, shape ``[n]``.
        steps: the iteration count to stop at.
        tolerance: the target precision to stop at.
    """
    theta = np.array(theta, dtype=np.float64)
    m = np.zeros_like(theta)  # m₀ ← 0
    v = np.zeros_like(theta)  # v₀ ← 0
    v_max = np.zeros_like(theta)  # AMSGrad's
    t = 0
    while t < steps:  # while θ_t not converged do
        g = np.asarray(gradient(theta), dtype=np.float64)  # g_t ← ∇_θ f_t(θ_{t−1})
        if tolerance and np.abs(g).max() <= tolerance:
            break
        t = t + 1
        if maximize:
            g = -g
        if weight_decay and decoupled_weight_decay:  # AdamW, arXiv:1711.05101
            theta = theta - alpha * weight_decay * theta
        elif weight_decay:  # the gradient of (λ/2)·‖θ‖²
            g = g + weight_decay * theta
        m = beta1 * m + (1 - beta1) * g  # m_t ← β₁·m_{t−1} + (1 − β₁)·g_t
        v = beta2 * v + (1 - beta2) * g**2  # v_t ← β₂·v_{t−1} + (1 − β₂)·g_t²
        v_max = np.maximum(v_max, v)
        v_used = v_max if amsgrad else v
        if not bias_correction:
            m_hat, v_hat = m, v_used
        else:
            m_hat = m / (1 - beta1**t)  # m̂_t ← m_t / (1 − β₁ᵗ)
            v_hat = v_used / (1 - beta2**t)  # v̂_t ← v_t / (1 − β₂ᵗ)
        if bias_correction and eps_inside_root:  # the end of the paper's section 2
            alpha_t = alpha * np.sqrt(1 - beta2**t) / (1 - beta1**t)
            theta = theta - alpha_t * m / (np.sqrt(v_used) + epsilon)
        else:
            theta = theta - alpha * m_hat / (np.sqrt(v_hat) + epsilon)  # θ_t ← θ_{t−1} − …
    return Trace(theta, m, v, v_max, t)  # return θ_t
