"""Text classification on a user's own files: one text and one label a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.data.dataset import Dataset, MissingData
from tasks.data.io import cache, rows
from tasks.data.io.labelled import Labelled
from tasks.data.io.texts import build_classification

KEYS = {"train": "train", "val": "validation", "test": "test"}


def load(
    *,
    data_dir: str,
    download: bool,
    train: str | None,
    text: str,
    label: str,
    validation: str | None = None,
    test: str | None = None,
    tokenizer: str = "auto",
    min_count: int = 2,
    max_length: int | str = "auto",
    vocabulary: int = 4096,
) -> Dataset:
    """Token ids of the texts; see ``tasks.data.io.texts.build_classification``.

    Args:
        data_dir, download: not needed; the files are named.
        train, validation, test: CSV, TSV, JSON Lines or Parquet, by their ending; a split that
            is not given is drawn from ``train``.
        text, label: the columns.

    Raises:
        MissingData: naming file, row and remedy.
    """
    del data_dir, download
    if not train:
        raise MissingData(
            "data.train: missing; give data.train=FILE (.csv, .tsv, .jsonl, .parquet)"
        )
    named = {"train": train, "val": validation, "test": test}
    files = {split: file for split, file in named.items() if file}
    options: dict[str, Any] = {
        "tokenizer": tokenizer,
        "min_count": min_count,
        "max_length": max_length,
        "vocabulary": vocabulary,
    }

    def make() -> Dataset:
        found = {split: read(file, KEYS[split], text, label) for split, file in files.items()}
        return build_classification(found, **options, own=True)

    places = [Path(file).expanduser() for file in files.values()]
    if not all(place.is_file() for place in places):
        return make()  # which says what is missing
    about = {**options, "splits": list(files), "text": text, "label": label}
    return cache.load_or_make("text_file", places, about, make)


def read(file: str, key: str, text: str, label: str) -> list[Labelled]:
    """The labelled texts of one file."""
    name = f"data.{key}={file}"
    found = [
        Labelled(
            _check_text(row.values[text], text, f"{name}: {row.place}"),
            _check_label(row.values[label], label, f"{name}: {row.place}"),
            f"{name}: {row.place}",
        )
        for row in rows.read(Path(file).expanduser(), (text, label), name)
    ]
    if not found:
        raise MissingData(f"{name}: no rows; every split needs examples")
    return found


def _check_text(value: Any, column: str, place: str) -> str:
    if not isinstance(value, str):
        raise MissingData(f"{place}: {column}: {value!r} is no text; remove the row or mend it")
    if not value.strip() or "\0" in value:
        fault = "holds a NUL character" if value.strip() else "empty text"
        raise MissingData(f"{place}: {column}: {fault}; remove the row or mend it")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise MissingData(
            f"{place}: {column}: holds half a character (\\uD800 to \\uDFFF); mend it"
        )
    return value


def _check_label(value: Any, column: str, place: str) -> str:
    """A class by its name; whole numbers and true/false are names too."""
    if not isinstance(value, str | int) or not str(value).strip():
        shown = "empty label" if value in (None, "") else f"{value!r} is no class"
        raise MissingData(
            f"{place}: {column}: {shown}; a class is a text, a whole number or true/false"
        )
    return str(value).strip()
