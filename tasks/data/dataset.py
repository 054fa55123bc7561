"""What a data source gives a task: three splits of plain arrays and a fingerprint of their content.

NumPy and the standard library only, so that data can be found missing, loaded and fingerprinted
before torch is imported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.data.io.mapped import is_large, iterate_chunks

SPLITS = ("train", "val", "test")


class MissingData(Exception):
    """A data set that is not there or not readable; the message says where and what to do."""


class InvalidData(ValueError):
    """Data that no trial can learn from or be measured on; the message says where and what."""


class Split(NamedTuple):
    """Examples and what is to be predicted of them.

    Attributes:
        inputs: images ``[N, C, H, W]``, float32 or uint8; or token ids ``[N, L]``, 0 = padding.
        targets: class indices ``[N]`` or, one for each pixel, ``[N, H, W]``; or whatever
            ``[N, ...]`` the task's loss takes.
    """

    inputs: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True, eq=False)  # compared and hashed by identity: its arrays are large
class Dataset:
    """Train, validation and test splits with read-only arrays.

    Attributes:
        classes: name of each class, by index; empty where there are none.
        fingerprint: 16 hexadecimal digits of the SHA-256 of all splits' bytes, dtypes and shapes;
            computed from them unless given. With one given, values that stay on disk are not
            checked again.
        vocabulary_size: number of token ids, padding included; None for images.
        ignored: a target that counts as no class and in no metric; None where there is none.
        notes: what the loader left out, cut or could not represent, a line each.

    Raises:
        InvalidData: a split is empty or has not as many targets as inputs, splits differ in shape,
            a number is not finite, or a label is no index of a class.
    """

    train: Split
    val: Split
    test: Split
    classes: tuple[str, ...] = ()
    fingerprint: str = ""
    vocabulary_size: int | None = None
    ignored: int | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lines = (self.notes,) if isinstance(self.notes, str) else tuple(self.notes)
        object.__setattr__(self, "notes", lines)
        for name in SPLITS:
            split: Split = getattr(self, name)
            _check_shapes(name, split, self.train)
            known = bool(self.fingerprint) and any(map(is_large, split))
            if not known:
                _check_values(name, split, len(self.classes), self.vocabulary_size, self.ignored)
            for array in split:
                array.setflags(write=False)
        if not self.fingerprint:
            object.__setattr__(self, "fingerprint", digest([self.train, self.val, self.test]))


def _check_shapes(name: str, split: Split, train: Split) -> None:
    """Refuse what is not as in ``train``, empty, or not one target for each input."""
    for what, array, like in zip(Split._fields, split, train, strict=True):
        where = f"{name} {what}"
        if not isinstance(array, np.ndarray):
            raise InvalidData(f"{where}: {type(array).__name__} instead of a NumPy array")
        if array.ndim == 0 or len(array) == 0:
            raise InvalidData(f"{where}: empty; every split needs examples")
        if array.shape[1:] != like.shape[1:] or array.dtype != like.dtype:
            raise InvalidData(
                f"{where}: {array.dtype} {list(array.shape[1:])} each, but train has "
                f"{like.dtype} {list(like.shape[1:])}; make them alike"
            )
        if array.dtype.kind not in "biuf":
            raise InvalidData(f"{where}: {array.dtype} is no kind of number")
    if len(split.inputs) != len(split.targets):
        raise InvalidData(
            f"{name}: {len(split.inputs)} inputs but {len(split.targets)} targets; one each is "
            "needed"
        )


def _check_values(
    name: str, split: Split, classes: int, vocabulary_size: int | None, ignored: int | None
) -> None:
    """Refuse what would fail in the middle of a trial, or worse, would not.

    Args:
        classes: whole-numbered targets are indices of so many; 0: they are whatever a loss takes.
        vocabulary_size: inputs are ids below it; None: they are no ids.
        ignored: a target that need not be such an index.
    """
    for what, array in zip(Split._fields, split, strict=True):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            where = f"{name} {what}"
            raise InvalidData(_describe_first(where, array, ~np.isfinite(array), "is not finite"))
    if classes and split.targets.dtype.kind in "biu":
        _check_indices(f"{name} targets", split.targets, classes, "class", ignored)
    if vocabulary_size is not None:
        _check_indices(f"{name} inputs", split.inputs, vocabulary_size, "token id")


def _check_indices(
    where: str, array: np.ndarray, count: int, what: str, ignored: int | None = None
) -> None:
    if array.dtype.kind not in "iu":
        raise InvalidData(f"{where}: {array.dtype}; a {what} is a whole number")
    wrong = (array < 0) | (array >= count)
    if ignored is not None:
        wrong &= array != ignored
    if wrong.any():
        raise InvalidData(_describe_first(where, array, wrong, f"is no {what} in 0 … {count - 1}"))


def _describe_first(where: str, array: np.ndarray, wrong: np.ndarray, fault: str) -> str:
    """``train targets: 255 at [17] is no class in 0 … 9 (3 such)``."""
    place = np.argwhere(wrong)[0].tolist()
    return f"{where}: {array[tuple(place)]} at {place} {fault} ({int(wrong.sum())} such)"


def digest(splits: Sequence[Split]) -> str:
    """16 hexadecimal digits that change with any value, dtype, shape or order of examples."""
    sha = hashlib.sha256()
    for split in splits:
        for array in split:
            sha.update(f"{array.dtype.str}{array.shape}".encode())
            for chunk in iterate_chunks(array):
                sha.update(np.ascontiguousarray(chunk).data)
    return sha.hexdigest()[:16]


def stratified_split(targets: np.ndarray, sizes: Sequence[int], seed: int) -> list[np.ndarray]:
    """Disjoint index arrays of exactly ``sizes``, each with the class shares of the whole.

    Every class is shuffled and spread evenly over the unit interval; the examples, ordered by their
    place in it, are cut at ``sizes``: before each cut a class's count is within 1 of its share.

    The split belongs to the task: ``seed`` is a constant of the data source, never a trial's seed.
    NumPy's legacy generator is used because its stream is frozen for all versions.

    Args:
        targets: class indices ``[N]``.
        sizes: examples wanted in each split; examples beyond their sum are left out.

    Returns:
        One ascending index array for each size.

    Raises:
        ValueError: ``sizes`` sum to more than ``N``.
    """
    if sum(sizes) > len(targets):
        raise ValueError(f"splits of {list(sizes)} need {sum(sizes)} of {len(targets)} examples")
    order = np.random.RandomState(seed).permutation(len(targets))
    place = np.empty(len(targets))
    for label in np.unique(targets):
        members = order[targets[order] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    spread = order[np.argsort(place[order], kind="stable")]
    cuts = np.cumsum(sizes)
    return [np.sort(part) for part in np.split(spread, cuts)[: len(sizes)]]


def take(inputs: np.ndarray, targets: np.ndarray, indices: np.ndarray) -> Split:
    """The examples at ``indices`` as a split of their own.

    Raises:
        InvalidData: inputs and targets are not of one data set.
    """
    if len(inputs) != len(targets):
        raise InvalidData(f"{len(inputs)} inputs but {len(targets)} targets; one each is needed")
    return Split(inputs[indices], targets[indices])


def missing(task: str, what: str, folder: Path, hint: str = "") -> MissingData:
    """The error for files that are not there.

    Args:
        what: what was looked for, e.g. ``MNIST [train-images-idx3-ubyte or .gz]``.
        folder: where it was looked for first.
        hint: what else to know about the remedy, e.g. a package.
    """
    absent = [path for path in (folder, *folder.parents) if not path.exists()]
    gone = f" ({absent[-1]} does not exist)" if absent else ""
    return MissingData(
        f"task={task}: no {what} in {folder}{gone}; "
        f"pass data_dir=PATH (or set OPTBENCH_DATA), or download=true{hint}"
    )
