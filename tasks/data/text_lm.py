"""A text of one's own, byte by byte: one file, of any language and encoding.

``task=text_lm data.path=FILE``: the first 90 % train, the next 5 % validate, the last 5 % test.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.data.dataset import Dataset, InvalidData, MissingData, Split

VOCABULARY_SIZE = 256  # byte values
HELD_OUT = 0.05  # share of validation, and of test


def load(
    *, data_dir: str, download: bool, path: str | None, length: int, validation: int
) -> Dataset:
    """Windows of ``length`` bytes and of what follows each byte, both uint8 ``[N, length]``.

    Args:
        path: of the file; a relative one lies in the current folder.
        length: bytes of a window.
        validation: bytes of the validation split that are evaluated; see ``windows``.

    Raises:
        MissingData: no file is named, or there is none.
        InvalidData: it is too short.
    """
    if not path:
        raise MissingData("task=text_lm: which text? pass task.data.path=FILE")
    text = read_bytes("text_lm", Path(path))
    held_out = round(HELD_OUT * len(text))
    ends = [len(text) - 2 * held_out, len(text) - held_out]
    return dataset(path, np.split(text, ends), length, validation)


def read_bytes(task: str, path: Path) -> np.ndarray:
    """A file's bytes, uint8 ``[n]``; MissingData where it cannot be read."""
    try:
        return np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise MissingData(
            f"task={task}: {path} cannot be read ({error.strerror}); pass task.data.path=FILE"
        ) from error


def dataset(name: str, parts: Sequence[np.ndarray], length: int, validation: int) -> Dataset:
    """The data set of three texts: training, validation and test, each uint8 ``[n]``.

    Raises:
        InvalidData: one of them has not a single window, or ``length`` is not positive.
    """
    if length < 1:
        raise InvalidData(f"length: {length} is not a positive number of bytes")
    for split, text in zip(("train", "val", "test"), parts, strict=True):
        if len(text) <= length:
            raise InvalidData(
                f"{name}: {len(text)} bytes for {split}, but a window and its next byte are "
                f"{length + 1}; give a longer text or a smaller task.data.length"
            )
    train, val, test = parts
    return Dataset(
        windows(train, length),
        thinned(windows(val, length), max(1, validation // length)),
        windows(test, length),
        vocabulary_size=VOCABULARY_SIZE,
    )


def windows(text: np.ndarray, length: int) -> Split:
    """Windows side by side and, as targets, the same one byte later: two views, no copy.

    What is left over at the end, less than a window, is not used.
    """
    count = (len(text) - 1) // length
    end = count * length
    return Split(text[:end].reshape(count, length), text[1 : end + 1].reshape(count, length))


def thinned(split: Split, count: int) -> Split:
    """At most ``count`` examples, spread evenly; validating after each few steps is to be cheap."""
    if count >= len(split.inputs):
        return split
    chosen = np.arange(count) * len(split.inputs) // count
    return Split(split.inputs[chosen], split.targets[chosen])
