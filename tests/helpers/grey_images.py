"""A data set of random grey images."""

import numpy as np

from tasks.data.dataset import Dataset, Split


def load(data_dir, download):
    """Load random grey images of 0 to 255."""
    random = np.random.default_rng(0)
    parts = [
        Split(random.integers(0, 256, (count, 1, 4, 5), dtype=np.uint8), np.zeros(count, int))
        for count in (24, 8, 8)
    ]
    return Dataset(*parts, classes=("digit",))
