"""CIFAR-10 and CIFAR-100: 32x32 colour images, 50 000 for training and 10 000 for test.

Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009). Files are the
"python version", as torchvision keeps and checks them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.data.dataset import Dataset, MissingData, Split, missing, stratified_split, take

FOLDERS = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}
SPLIT_SEED = 0


def load(*, data_dir: str, download: bool, name: str, validation: int = 5_000) -> Dataset:
    """Images ``[N, 3, 32, 32]``, uint8; the official test split.

    Args:
        data_dir: holds ``cifar-10-batches-py`` or ``cifar-100-python``; downloads go there.
        download: fetch what is missing through torchvision.
        name: ``cifar10`` or ``cifar100``.
        validation: examples of the training files held out, stratified, always the same.

    Raises:
        MissingData: files are missing or damaged.
    """
    folder = Path(data_dir) / FOLDERS[name]
    if not folder.is_dir() and not download:
        raise missing(name, f"{name.upper()}", folder)
    import torchvision.datasets  # seconds: only once there is something to read

    source = getattr(torchvision.datasets, name.upper())
    try:
        official = source(data_dir, train=True, download=download)
        held_out = source(data_dir, train=False)
    except (RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise MissingData(
            f"task={name}: {folder} could not be read or downloaded ({reason}); "
            "put the files there by hand, pass data_dir=PATH, or remove it and pass download=true"
        ) from error
    images, targets = move_channels_first(official.data), np.array(official.targets, dtype=np.int64)
    sizes = (len(targets) - validation, validation)
    train, val = stratified_split(targets, sizes, SPLIT_SEED)
    test = Split(move_channels_first(held_out.data), np.array(held_out.targets, dtype=np.int64))
    return Dataset(
        take(images, targets, train), take(images, targets, val), test, tuple(official.classes)
    )


def move_channels_first(images: np.ndarray) -> np.ndarray:
    """``[N, H, W, C]`` to ``[N, C, H, W]``, contiguous."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
