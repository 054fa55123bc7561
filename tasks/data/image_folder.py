"""Image classification on a user's own folder, one subfolder a class, as torchvision reads it.

The images are brought to one size once (``tasks.data.io.cache``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from tasks.data.dataset import SPLITS, Dataset, MissingData, Split
from tasks.data.io import cache
from tasks.data.io.labelled import Labelled, draw_splits, index_classes, list_classes

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
FOLDERS = {"train": ("train",), "val": ("val", "validation", "valid"), "test": ("test",)}
MODES = {True: "RGB", False: "L"}


def load(
    *, data_dir: str, download: bool, path: str | None, size: int = 32, colour: bool = True
) -> Dataset:
    """Images ``[N, C, size, size]``, uint8, C = 3 in colour, else 1.

    Args:
        data_dir, download: not needed; the folder is named.
        path: holds a folder a class; or ``train`` and maybe ``val`` and ``test`` that do. A split
            that is not there is drawn (``tasks.data.io.labelled.draw_splits``).

    Raises:
        MissingData: naming folder or file, and the remedy.
    """
    del data_dir, download
    if not path:
        raise MissingData("data.path: missing; give data.path=DIR, with one folder a class in it")
    if size < 1:
        raise MissingData(f"data.size={size}: not a positive number of pixels")
    root, name = Path(path).expanduser(), f"data.path={path}"
    files: list[Path] = []
    splits = draw_splits(
        {split: _list_images(folder, files, name) for split, folder in _find_splits(root, name)}
    )
    classes = list_classes(splits["train"])
    targets = [index_classes(splits[split], classes) for split in SPLITS]

    def make() -> Dataset:
        images = _read_images(files, name, size, colour)
        numbers = [np.array([one.example for one in splits[split]]) for split in SPLITS]
        train, val, test = (
            Split(images[chosen], labels) for chosen, labels in zip(numbers, targets, strict=True)
        )
        return Dataset(train, val, test, classes)

    options = {"root": str(root.resolve()), "size": size, "colour": colour}
    return cache.load_or_make("image_folder", files, options, make)


def _find_splits(root: Path, name: str) -> list[tuple[str, Path]]:
    """The folders of the splits that are there; the whole one as ``train`` where none is."""
    if not root.is_dir():
        raise MissingData(f"{name}: no such folder; give one with a folder a class in it")
    found = [
        (split, root / folder)
        for split, folders in FOLDERS.items()
        for folder in folders
        # a class may be called `train`: it holds images, no folders
        if _list_folders(root / folder)
    ]
    return found if "train" in dict(found) else [("train", root)]


def _list_folders(folder: Path) -> list[Path]:
    """Visible subfolders by name."""
    if not folder.is_dir():
        return []
    return sorted(one for one in folder.iterdir() if one.is_dir() and one.name[0] != ".")


def _list_images(folder: Path, files: list[Path], name: str) -> list[Labelled]:
    """One split's images as places in ``files``, to which they are added; by class and name."""
    found = []
    for of_class in _list_folders(folder):
        inside = sorted(p for p in of_class.rglob("*") if p.suffix.lower() in ENDINGS)
        if not inside:
            raise MissingData(
                f"{name}: {of_class} holds no image ({', '.join(ENDINGS)}); remove it or fill it"
            )
        for file in inside:
            found.append(Labelled(len(files), of_class.name, f"{name}: {file}"))
            files.append(file)
    if not found:
        raise MissingData(f"{name}: no images in {folder}; each class needs a folder of its own")
    return found


def _read_images(files: Sequence[Path], name: str, size: int, colour: bool) -> np.ndarray:
    """All images as one array."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # Pillow decodes outside Python's lock
        return np.stack(list(threads.map(partial(_read_image, name, size, colour), files)))


def _read_image(name: str, size: int, colour: bool, file: Path) -> np.ndarray:
    """An image upright, its middle square resized: uint8 ``[C, size, size]``."""
    from PIL import Image, ImageOps  # only where there is something to read

    try:
        with Image.open(file) as image:
            if image.mode.startswith(("I", "F")):
                raise MissingData(f"{name}: {file}: more than 8 bits a channel; convert it")
            upright = ImageOps.exif_transpose(image).convert(MODES[colour])
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MissingData(f"{name}: {file}: no readable image ({error}); remove it") from error
    square = ImageOps.fit(upright, (size, size), Image.Resampling.BILINEAR)
    return np.asarray(square).reshape(size, size, -1).transpose(2, 0, 1)
