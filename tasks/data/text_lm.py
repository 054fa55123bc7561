"""A text of one's own, byte by byte: one file, of any language and encoding.

``task=text_lm data.path=FILE``: the last 5 % test, the 5 % before validate, at most 1 MiB each; the
rest trains. A text too large for memory stays in its file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.data.dataset import Dataset, InvalidData, MissingData, Split, digest
from tasks.data.io import cache, mapped

VOCABULARY_SIZE = 256  # byte values
HELD_OUT, MOST = 0.05, 1 << 20  # share of validation, and of test, and its bytes at most


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
        raise MissingData("task=text_lm: which text? pass data.path=FILE")
    file = Path(path).expanduser()
    text = read_bytes("text_lm", file)
    held_out = min(MOST, round(HELD_OUT * len(text)))
    ends = [len(text) - 2 * held_out, len(text) - held_out]
    return build_dataset("text_lm", [file], np.split(text, ends), length, validation)


def read_bytes(task: str, path: Path) -> np.ndarray:
    """A file's bytes, uint8 ``[n]``; MissingData where it cannot be read."""
    try:
        return mapped.read_bytes(path)
    except OSError as error:
        raise MissingData(
            f"task={task}: {path} cannot be read ({error.strerror}); pass data.path=FILE"
        ) from error


def build_dataset(
    name: str,
    files: Sequence[Path],
    parts: Sequence[np.ndarray],
    length: int,
    validation: int,
    test: int | None = None,
) -> Dataset:
    """The data set of three texts: training, validation and test, each uint8 ``[n]``.

    Args:
        files: that the texts come from.
        validation, test: bytes that are evaluated, in windows spread evenly; None: all of them.

    Raises:
        InvalidData: one of them has not a single window, or ``length`` is not positive.
    """
    if length < 1:
        raise InvalidData(f"length: {length} is not a positive number of bytes")
    for split, text in zip(("train", "val", "test"), parts, strict=True):
        if len(text) <= length:
            raise InvalidData(
                f"{name}: {len(text)} bytes for {split}, but a window and its next byte are "
                f"{length + 1}; give a longer text or a smaller length"
            )
    train, val, last = (cut_windows(text, length) for text in parts)
    val = thin(val, max(1, validation // length))
    options = {"length": length, "validation": validation}
    if test is not None:
        last, options["test"] = thin(last, max(1, test // length)), test
    splits = train, val, last
    seen = cache.load_or_make(name, files, options, lambda: digest(splits))
    return Dataset(*splits, vocabulary_size=VOCABULARY_SIZE, fingerprint=seen)


def cut_windows(text: np.ndarray, length: int) -> Split:
    """Windows side by side and, as targets, the same one byte later: two views, no copy.

    What is left over at the end, less than a window, is not used.
    """
    count = (len(text) - 1) // length
    end = count * length
    return Split(text[:end].reshape(count, length), text[1 : end + 1].reshape(count, length))


def thin(split: Split, count: int) -> Split:
    """At most ``count`` examples, spread evenly; validating after each few steps is to be cheap."""
    if count >= len(split.inputs):
        return split
    chosen = np.arange(count) * len(split.inputs) // count
    return Split(split.inputs[chosen], split.targets[chosen])
