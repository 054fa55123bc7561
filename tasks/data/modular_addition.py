"""Addition modulo a prime: which number is a + b? Every pair occurs once.

The task of 'grokking' (arXiv:2201.02177): a network knows its training pairs by heart long before
it can add, and how long depends on the optimizer, its learning rate and its weight decay. No
download and no folder are needed.
"""

from __future__ import annotations

import numpy as np

from tasks.data.dataset import Dataset, InvalidData, Split

SPLIT_SEED = 0


def load(*, data_dir: str, download: bool, modulus: int = 59, train: float = 0.6) -> Dataset:
    """Token ids ``[N, 2]``, uint8: 1 + a and 1 + b, since 0 is padding; targets (a + b) % modulus.

    Args:
        modulus: 5 to 254; usually a prime.
        train: share of all pairs to train on; the rest is halved into validation and test.

    Raises:
        InvalidData: an option is out of its range.
    """
    if not 5 <= modulus <= 254:
        raise InvalidData(f"task.data.modulus: {modulus} is not in 5 … 254")
    if not 0 < train < 1:
        raise InvalidData(f"task.data.train: {train} is not a share between 0 and 1")
    parts = (add_swapped(part) for part in split(modulus, train))
    train_split, val, test = (
        Split((1 + pairs).astype(np.uint8), pairs.sum(axis=1) % modulus) for pairs in parts
    )
    classes = tuple(map(str, range(modulus)))
    return Dataset(train_split, val, test, classes, vocabulary_size=modulus + 1)


def split(modulus: int, train: float) -> list[np.ndarray]:
    """Pairs a ≤ b, ``[n, 2]``, for training, validation and test.

    NumPy's legacy generator is used because its stream is frozen for all versions.
    """
    pairs = np.argwhere(np.triu(np.ones((modulus, modulus), dtype=bool)))
    pairs = np.random.RandomState(SPLIT_SEED).permutation(pairs)
    first = round(train * len(pairs))
    return np.split(pairs, [first, first + (len(pairs) - first) // 2])


def add_swapped(pairs: np.ndarray) -> np.ndarray:
    """With (b, a) for each (a, b): in one split, or knowing one would tell the other."""
    return np.concatenate([pairs, pairs[pairs[:, 0] != pairs[:, 1], ::-1]])
