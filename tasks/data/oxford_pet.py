"""Oxford-IIIT Pet: which pixels are the cat or dog? 3 680 photographs to train on, 3 669 for test.

Source: Parkhi, Vedaldi, Zisserman and Jawahar, Cats and Dogs (2012), in its own split; validation
photographs are drawn from the training ones, each of the 37 breeds alike. Files are as published,
where torchvision puts them. The border that the authors drew around each animal counts as no class.

Photographs are brought to one size once (``tasks.data.io.cache``).
"""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from tasks.data.dataset import Dataset, MissingData, Split, missing, stratified_split, take
from tasks.data.io import cache

FOLDER = "oxford-iiit-pet"
NEEDED = ("images", "annotations/trimaps", "annotations/trainval.txt", "annotations/test.txt")
CLASSES, BORDER = ("pet", "background"), 2  # a trimap's 1, 2 and 3
PHOTOGRAPHS, TRIMAPS = ("JPEG", "PNG", "GIF"), ("PNG",)
"""Formats as published, by Pillow's names: some of the ``.jpg`` files are PNG or GIF."""
SPLIT_SEED = 0


def load(*, data_dir: str, download: bool, size: int = 64, validation: int = 736) -> Dataset:
    """Images ``[N, 3, size, size]``, uint8; labels ``[N, size, size]``, uint8, 2 = ignored.

    Args:
        data_dir: holds ``oxford-iiit-pet/images`` and ``annotations``; downloads go there.
        download: fetch what is missing through torchvision, 800 MB.
        size: pixels a side.
        validation: photographs of the training ones held out, by breed, always the same.

    Raises:
        MissingData: files are missing or damaged.
    """
    if size < 1:
        raise MissingData(f"task.data.size={size}: not a positive number of pixels")
    folder = Path(data_dir) / FOLDER
    if not download and not all((folder / name).exists() for name in NEEDED):
        raise missing("oxford_pet", f"Oxford-IIIT Pet [{', '.join(NEEDED)}]", folder)
    if download:
        _download(data_dir)
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".jpg", ".png", ".txt"))
    options = {"size": size, "validation": validation}
    make = partial(_build_dataset, data_dir, size, validation)
    return cache.load_or_make("oxford_pet", files, options, make)


def _build_dataset(data_dir: str, size: int, validation: int) -> Dataset:
    (images, labels, breeds), (test_images, test_labels, _) = (
        _read_resized(data_dir, split, size) for split in ("trainval", "test")
    )
    if validation >= len(breeds):
        raise MissingData(
            f"task.data.validation={validation}: {Path(data_dir) / FOLDER} has {len(breeds)} "
            "training photographs; give a smaller number"
        )
    train, val = stratified_split(breeds, (len(breeds) - validation, validation), SPLIT_SEED)
    test = Split(test_images, test_labels)
    splits = take(images, labels, train), take(images, labels, val), test
    return Dataset(*splits, CLASSES, ignored=BORDER)


def _read_resized(
    data_dir: str, split: str, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Photographs ``[N, 3, size, size]``, labels ``[N, size, size]`` and breeds ``[N]``."""
    from PIL import Image  # only where there is something to read

    names, breeds = _read_list(data_dir, split)
    read = partial(_read_photograph, data_dir, split, size)
    with (
        warnings.catch_warnings(),
        ThreadPoolExecutor(os.cpu_count()) as threads,  # Pillow decodes outside Python's lock
    ):
        # twice as many pixels are refused in a line
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        images, labels = zip(*threads.map(read, names, count(1)), strict=True)
    return np.stack(images), np.stack(labels), np.array(breeds)


def _read_list(data_dir: str, split: str) -> tuple[list[str], list[int]]:
    """Read the names of a split's photographs, and their breeds from 0."""
    try:
        text = (Path(data_dir) / FOLDER / f"annotations/{split}.txt").read_text("utf-8")
        rows = [(name, int(breed) - 1) for name, breed, _, _ in map(str.split, text.splitlines())]
        if not rows:
            raise ValueError(f"annotations/{split}.txt is empty")
    except (OSError, ValueError) as error:
        raise _unreadable(data_dir, error) from error
    return [name for name, _ in rows], [breed for _, breed in rows]


def _download(data_dir: str) -> None:
    from torchvision.datasets import OxfordIIITPet  # seconds: only for a download

    try:
        OxfordIIITPet(data_dir, "trainval", download=True)
    except (RuntimeError, OSError, ValueError) as error:
        raise _unreadable(data_dir, error) from error


def _read_photograph(
    data_dir: str, split: str, size: int, name: str, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """One photograph ``[3, size, size]`` and its labels ``[size, size]``.

    The whole of it, whatever its shape; a pixel has the label at its centre.
    """
    from PIL import Image  # only where there is something to read

    folder = Path(data_dir) / FOLDER
    try:
        with Image.open(folder / f"images/{name}.jpg", formats=PHOTOGRAPHS) as image:
            smaller = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        with Image.open(folder / f"annotations/trimaps/{name}.png", formats=TRIMAPS) as trimap:
            marks = np.asarray(trimap.resize((size, size), Image.Resampling.NEAREST))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise _unreadable(data_dir, error) from error
    if marks.shape != (size, size) or marks.min() < 1 or marks.max() > 1 + BORDER:
        fault = ValueError(f"the trimap of {split} photograph {number} is not of 1, 2 and 3")
        raise _unreadable(data_dir, fault)
    return np.asarray(smaller).transpose(2, 0, 1), (marks - 1).astype(np.uint8)


def _unreadable(data_dir: str, error: Exception) -> MissingData:
    reason = " ".join(str(error).split())
    return MissingData(
        f"task=oxford_pet: {Path(data_dir) / FOLDER} could not be read or downloaded ({reason}); "
        "put the files there by hand, pass data_dir=PATH, or remove it and pass download=true"
    )
