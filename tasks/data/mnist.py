"""MNIST and Fashion-MNIST: 28x28 grey images of ten classes, 60 000 to train on and 10 000 to test.

Sources: LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist; Xiao, Rasul and Vollgraf,
arXiv:1708.07747 (MIT). Files are idx or idx.gz, as published; other copies are read where they lie.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from tasks.data.dataset import Dataset, MissingData, Split, missing, stratified_split, take
from tasks.data.io import unpack

FOLDERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}  # torchvision's names
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}
FILES = (
    *("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    *("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)
SPLIT_SEED = 0


def load(*, data_dir: str, download: bool, name: str, validation: int = 5_000) -> Dataset:
    """Images ``[N, 1, 28, 28]``, uint8; the official test split.

    Args:
        data_dir: searched, after its ``MNIST/raw`` or ``FashionMNIST/raw``; downloads go there.
        download: fetch what is missing through torchvision.
        name: ``mnist`` or ``fashion_mnist``.
        validation: examples of the training files held out, stratified, always the same.

    Raises:
        MissingData: files are missing or damaged.
    """
    folder = find_folder(name, Path(data_dir))
    if folder is None and download:
        fetch(name, Path(data_dir))
        folder = find_folder(name, Path(data_dir))
    if folder is None:
        hint = (
            ", or install the Debian package dataset-fashion-mnist"
            if name == "fashion_mnist"
            else ""
        )
        what = f"{FOLDERS[name]} [{FILES[0]} or .gz]"
        raise missing(name, what, Path(data_dir) / FOLDERS[name] / "raw", hint)
    try:
        images, targets, test_images, test_targets = (read_idx(folder / file) for file in FILES)
    except (ValueError, OSError) as error:
        raise MissingData(
            f"task={name}: {folder} is not readable ({error}); remove it and pass download=true"
        ) from error
    images, test_images = images[:, None], test_images[:, None]
    targets, test_targets = targets.astype(np.int64), test_targets.astype(np.int64)
    sizes = (len(targets) - validation, validation)
    train, val = stratified_split(targets, sizes, SPLIT_SEED)
    return Dataset(
        take(images, targets, train),
        take(images, targets, val),
        Split(test_images, test_targets),
        CLASSES[name],
    )


def find_folder(name: str, data_dir: Path) -> Path | None:
    """The first folder that holds all four files, packed or not; None if there is none."""
    folders = [data_dir / FOLDERS[name] / "raw", data_dir]
    if name == "fashion_mnist":
        folders.append(DEBIAN_FOLDER)
    for folder in folders:
        if all((folder / file).exists() or (folder / f"{file}.gz").exists() for file in FILES):
            return folder
    return None


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array in an idx file, or in the same file packed as ``.gz``.

    The format: two zero bytes, the type (8 = unsigned byte), the number of dimensions, each
    dimension as a big-endian 32-bit integer, then the values, last dimension fastest.
    """
    packed = path.with_name(path.name + ".gz")
    content = unpack.read(path if path.exists() else packed)
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path.name} does not begin like an idx file of bytes")
    dimensions = content[3]
    header = 4 + 4 * dimensions
    shape = np.frombuffer(content, dtype=">i4", count=dimensions, offset=4).tolist()
    if len(content) != header + math.prod(shape):
        raise ValueError(f"{path.name} has {len(content)} bytes, its header says {shape}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def fetch(name: str, data_dir: Path) -> None:
    """Download through torchvision into ``data_dir``; MissingData if that fails."""
    import torchvision.datasets  # seconds: only for a download

    try:
        getattr(torchvision.datasets, FOLDERS[name])(str(data_dir), download=True)
    except (RuntimeError, OSError) as error:
        raise MissingData(
            f"task={name}: download into {data_dir} failed ({' '.join(str(error).split())}); "
            "put the files there by hand or pass data_dir=PATH"
        ) from error
