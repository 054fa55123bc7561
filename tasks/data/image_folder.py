"""Image classification on a user's own folder, one subfolder a class, as torchvision reads it.

The images are brought to one size once (``tasks.data.io.cache``).
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from tasks.data.dataset import SPLITS, Dataset, MissingData, Split
from tasks.data.io import cache, images, left_out
from tasks.data.io.images import ENDINGS, Picture
from tasks.data.io.labelled import (
    Labelled,
    draw_splits,
    index_classes,
    list_classes,
    note_equal_labels,
)

FOLDERS = {"train": ("train",), "val": ("val", "validation", "valid"), "test": ("test",)}
"""Names of the splits' folders, in whatever case."""


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
    skipped: Counter[str] = Counter()
    splits = draw_splits(
        {
            split: _list_images(folder, files, name, skipped)
            for split, folder in _find_splits(root, name, skipped).items()
        }
    )
    classes = list_classes(splits["train"])
    targets = [index_classes(splits[split], classes) for split in SPLITS]
    found = [*left_out.note_skipped(skipped, len(files)), *note_equal_labels(classes)]

    def make() -> Dataset:
        pictures = _read_images(files, name, size, colour)
        numbers = [[one.example for one in splits[split]] for split in SPLITS]
        notes = [*found, *_list_notes(pictures, numbers)]
        pixels = np.stack([one.pixels for one in pictures])
        train, val, test = (
            Split(pixels[chosen], labels) for chosen, labels in zip(numbers, targets, strict=True)
        )
        if (train.inputs == train.inputs[0]).all():
            raise MissingData(
                f"{name}: all training images are the same at data.size={size}, which leaves "
                "nothing to learn; give others, or a larger data.size"
            )
        lines = tuple(f"{name}: {note}" for note in notes)
        return Dataset(train, val, test, classes, notes=lines)

    options = {"root": str(root.resolve()), "name": name, "size": size, "colour": colour}
    return cache.load_or_make("image_folder", files, {**options, "notes": found}, make)


def _find_splits(root: Path, name: str, skipped: Counter[str]) -> dict[str, Path]:
    """Find the folders of the splits that are there; the whole one as ``train`` where none is."""
    if not root.is_dir():
        raise MissingData(f"{name}: no such folder; give one with a folder a class in it")
    found: dict[str, Path] = {}
    folders = _list_folders(root, name)
    for folder in folders:
        names = [split for split, known in FOLDERS.items() if folder.name.lower() in known]
        # a class may be called `train`: it holds images, no folders
        if not names or not _list_folders(folder, name):
            continue
        if names[0] in found:
            both = f"{found[names[0]].name} and {folder.name}"
            raise MissingData(f"{name}: {both} are one split; keep one of them")
        found[names[0]] = folder
    if "train" not in found:
        if found and len(found) == len(folders):
            there = ", ".join(folder.name for folder in found.values())
            raise MissingData(f"{name}: {there} and no train; add it, with a folder a class in it")
        return {"train": root}  # classes of these names
    _count_beside(root, found.values(), name, skipped)
    return found


def _count_beside(folder: Path, used: Iterable[Path], name: str, skipped: Counter[str]) -> None:
    """Count the files of a folder that lie in none of those that are read."""
    for path in images.list_inside(folder, name):
        if path in used:
            continue
        if path.is_dir():
            skipped[f"in {path.name}"] += images.count_files(path)
        else:
            skipped[images.describe_skipped(path, name) or "beside the folders"] += 1


def _list_folders(folder: Path, name: str) -> list[Path]:
    """List the subfolders that may hold data, by name."""
    inside = images.list_inside(folder, name)
    return [one for one in inside if one.is_dir() and not images.is_unused(one)]


def _list_images(
    folder: Path, files: list[Path], name: str, skipped: Counter[str]
) -> list[Labelled]:
    """One split's images as places in ``files``, to which they are added; by class and name."""
    found, classes = [], _list_folders(folder, name)
    _count_beside(folder, classes, name, skipped)
    for of_class in classes:
        others: Counter[str] = Counter()
        inside = images.find_images(of_class, name, others)
        skipped.update(others)
        if not inside:
            there = f"; {left_out.describe_kinds(others)} there" if others else ""
            raise MissingData(
                f"{name}: {of_class} holds no image ({', '.join(ENDINGS)}{there}); remove it or "
                "fill it"
            )
        for file in inside:
            found.append(Labelled(len(files), of_class.name, f"{name}: {file}"))
            files.append(file)
    if not found:
        raise MissingData(f"{name}: no images in {folder}; each class needs a folder of its own")
    return found


def _read_images(files: Sequence[Path], name: str, size: int, colour: bool) -> list[Picture]:
    from PIL import Image  # only where there is something to read

    read = partial(images.read_image, name, size, colour)
    with (
        warnings.catch_warnings(),
        ThreadPoolExecutor(os.cpu_count()) as threads,  # Pillow decodes outside Python's lock
    ):
        # our own limit, of the same size, refuses it in a line
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return list(threads.map(read, files))


def _list_notes(pictures: Sequence[Picture], splits: Sequence[Sequence[int]]) -> list[str]:
    """List what the images lost, and those that several splits have.

    Args:
        splits: places of the images of training, validation and test.
    """
    notes, whole = [], len(pictures)
    for ground in ("white", "black"):
        if number := sum(one.ground == ground for one in pictures):
            words = left_out.count(number, whole, "image", ("is", "are"))
            notes.append(f"{words} transparent: laid on {ground}")
    if number := sum(one.further for one in pictures):
        words = left_out.count(number, whole, "image", ("has", "have"))
        notes.append(f"{words} further frames or pages: the first is used")
    if number := sum(one.cut for one in pictures):
        words = left_out.count(number, whole, "image", ("is", "are"))
        notes.append(f"{words} not square: the middle square is used")
    names = ("training", "validation", "test")
    digests = ([pictures[at].digest for at in part] for part in splits)
    return notes + left_out.note_duplicates(dict(zip(names, digests, strict=True)), "image")
