"""Handwritten digits, 8x8 grey levels: 1 797 images, 10 classes, about 180 of each.

Source: Alpaydin and Kaynak, UCI Optical Recognition of Handwritten Digits (1998), test part, as
scikit-learn ships it. No network and no folder are needed.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tasks.data.dataset import Dataset, stratified_split, take

SIZES = (1_077, 360, 360)  # 60 / 20 / 20 %
SPLIT_SEED = 0
MAX_GREY = 16.0
NAMES = tuple("0123456789")


def load(*, data_dir: str, download: bool) -> Dataset:
    """Images ``[N, 1, 8, 8]``, float32 in [0, 1]; a fixed stratified split of 1 077 / 360 / 360."""
    table = np.loadtxt(_shipped_file(), delimiter=",")  # 64 grey levels and the digit in each row
    images = (table[:, :-1] / MAX_GREY).astype(np.float32).reshape(-1, 1, 8, 8)
    targets = table[:, -1].astype(np.int64)
    train, val, test = (
        take(images, targets, part) for part in stratified_split(targets, SIZES, SPLIT_SEED)
    )
    return Dataset(train, val, test, classes=NAMES)


def _shipped_file() -> Path:
    """The file behind ``sklearn.datasets.load_digits``, whose import alone takes seconds."""
    spec = find_spec("sklearn")  # finds the package without importing it
    assert spec is not None and spec.origin is not None, "scikit-learn is a dependency of optbench"
    return Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
