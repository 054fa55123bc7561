"""A text of one's own, byte by byte: one file, of any language and encoding, plain or ``.gz``.

``task=text_lm data.path=FILE``: the last 5 % test, the 5 % before validate, at most 1 MiB each; the
rest trains. A plain text too large for memory stays in its file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from tasks.data.dataset import Dataset, InvalidData, MissingData, Split, digest
from tasks.data.io import cache, left_out, mapped, unpack

VOCABULARY_SIZE = 256  # byte values
HELD_OUT, MOST = 0.05, 1 << 20  # share of validation, and of test, and its bytes at most
PACKED = {  # how files of other packers begin; they are read as they are
    b"PK\3\4": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
}


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
    parts = np.split(text, ends)
    data = build_dataset("text_lm", [file], parts, length, validation)
    make = partial(_list_notes, f"data.path={path}", text, parts[1], data)
    options = {"length": length, "validation": validation}
    notes = cache.load_or_make("text_lm_notes", [file], options, make)
    return replace(data, notes=tuple(notes))


def _list_notes(name: str, text: np.ndarray, val: np.ndarray, data: Dataset) -> list[str]:
    """List what is not evaluated, packed, or in several splits; refuse a text of one byte."""
    if all((part == text[0]).all() for part in mapped.iterate_chunks(text)):
        raise InvalidData(
            f"{name}: every byte is {text[0]}, which leaves nothing to learn; give another text"
        )
    start = text[:8].tobytes()
    notes = [
        f"{name}: a packed file ({kind}), read as it is: unpack it"
        for magic, kind in PACKED.items()
        if start.startswith(magic)
    ]
    used, whole = data.val.inputs.size, (len(val) - 1) // data.val.inputs.shape[1]
    if len(data.val.inputs) < whole:
        whole *= data.val.inputs.shape[1]
        notes.append(
            f"{used} of {whole} validation bytes are evaluated: data.validation={whole} takes all "
            "of them"
        )
    return notes + _note_duplicates(data)


def _note_duplicates(data: Dataset) -> list[str]:
    """Note windows of validation and test that training has too; their places are not moved."""
    val, test = ([row.tobytes() for row in split.inputs] for split in (data.val, data.test))
    wanted = {*val, *test}
    train = {
        window
        for rows in mapped.iterate_chunks(data.train.inputs)
        for window in map(bytes, rows)
        if window in wanted
    }
    splits = {"training": sorted(train), "validation": val, "test": test}
    return left_out.note_duplicates(splits, "window")


def read_bytes(task: str, path: Path) -> np.ndarray:
    """Read a file's bytes, uint8 ``[n]``, unpacked from ``.gz``; else raise MissingData."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise OSError("no file")  # reading a pipe would wait for ever
        if unpack.is_packed(path):
            return np.frombuffer(unpack.read(path), np.uint8)
        return mapped.read_bytes(path)
    except unpack.TooLarge as error:
        raise MissingData(f"task={task}: {path} {error}") from error
    except OSError as error:
        reason = error.strerror or error
        raise MissingData(
            f"task={task}: {path} cannot be read ({reason}); pass data.path=FILE"
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
