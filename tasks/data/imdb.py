"""IMDB: does a reviewer like the film? 25 000 + 25 000 long reviews, half of them positive.

Source: Maas et al., Learning Word Vectors for Sentiment Analysis (2011), in its own split; a tenth
of the training reviews is drawn for validation. For scale, test accuracy: always the same .50.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.data.dataset import Dataset, missing
from tasks.data.io import cache, rows
from tasks.data.io.labelled import Labelled
from tasks.data.io.texts import build_classification

FILES = {"train": "train.csv", "test": "test.csv"}  # or the same packed as .gz
BREAK = "<br />"


def load(*, data_dir: str, download: bool, min_count: int = 5, max_length: int = 256) -> Dataset:
    """Word ids ``[N, max_length]``: the first words of a review.

    Args:
        data_dir: holds ``imdb/train.csv`` and ``test.csv`` with the columns ``label`` (0 or 1) and
            ``text``, plain or as ``.gz``.
        download: there is none.

    Raises:
        MissingData: the files are missing or malformed.
    """
    del download
    folder = Path(data_dir) / "imdb"
    places = {split: _find(folder / file) for split, file in FILES.items()}
    there = {split: path for split, path in places.items() if path}
    if len(there) < len(FILES):
        hint = "; there is no download: write its reviews there as rows of label,text"
        raise missing("imdb", f"IMDB [{', '.join(FILES.values())}, or .gz]", folder, hint)
    options: dict[str, Any] = {"min_count": min_count, "max_length": max_length}

    def make() -> Dataset:
        return build_classification({split: read(path) for split, path in there.items()}, **options)

    return cache.load_or_make("imdb", there.values(), options, make)


def _find(path: Path) -> Path | None:
    packed = path.with_name(f"{path.name}.gz")
    return next((one for one in (path, packed) if one.exists()), None)


def read(path: Path) -> list[Labelled]:
    """The reviews of one file, without the line breaks of their web page."""
    name = f"task=imdb: {path}"
    return [
        Labelled(
            row.values["text"].replace(BREAK, " "), row.values["label"], f"{name}: {row.place}"
        )
        for row in rows.read(path, ("label", "text"), name)
    ]
