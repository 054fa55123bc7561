"""Noise for functions with a known optimum: there is no data, only what disturbs a gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.data.dataset import Dataset, InvalidData, Split

NOISE_SEED = 0


@dataclass(frozen=True, eq=False)
class Noise(Dataset):
    """Noise ``[N, size]``, float32, as targets; zeros ``[N]`` as inputs.

    Attributes:
        condition: number of the quadratic's curvature; 1 where the function has its own.
    """

    condition: float = 1.0


def load(
    *,
    data_dir: str,
    download: bool,
    size: int,
    level: float = 0.0,
    examples: int = 1,
    condition: float = 1.0,
) -> Noise:
    """Noise to train through, and a single zero to validate and to test with.

    Args:
        size: parameters of the function.
        level: standard deviation of each number; its mean over all examples is exactly subtracted,
            so that the optimum of the training loss is the function's own, up to rounding.
        examples: draws of noise; each epoch sees all of them.
        condition: largest over smallest curvature of a quadratic, at least 1.

    Raises:
        InvalidData: an option is out of its range.
    """
    for name, value, fits in (
        ("size", size, size >= 1),
        ("level", level, 0 <= level < np.inf),
        ("examples", examples, examples >= 1),
        ("condition", condition, 1 <= condition < np.inf),
    ):
        if not fits:
            raise InvalidData(f"task.data.{name}: {value} is out of range")
    draws = level * np.random.RandomState(NOISE_SEED).standard_normal((examples, size))
    draws -= draws.mean(axis=0)
    return Noise(
        split(draws), split(np.zeros((1, size))), split(np.zeros((1, size))), condition=condition
    )


def split(noise: np.ndarray) -> Split:
    """With inputs, of which a model needs none."""
    return Split(np.zeros(len(noise), dtype=np.uint8), noise.astype(np.float32))
