"""AG News: what is a news item about? 120 000 + 7 600 titles with their first lines, 4 topics.

Source: Zhang, Zhao and LeCun, Character-level Convolutional Networks for Text Classification
(arXiv:1509.01626), in its own split; a tenth of the training items is drawn for validation. For
scale, test accuracy: always the same .25; fastText .915, with pairs of words .925
(arXiv:1607.01759, table 1).
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from tasks.data.dataset import Dataset, MissingData, missing
from tasks.data.io import hub, rows
from tasks.data.io.labelled import Labelled
from tasks.data.io.texts import build_classification

FILES = {"train": "train.csv", "test": "test.csv"}
TOPICS = ("World", "Sports", "Business", "Sci/Tech")  # 1 to 4
HUB_NAME = "fancyzhang/ag_news"  # the same items, title and first lines in one


def load(*, data_dir: str, download: bool, min_count: int = 5, max_length: int = 64) -> Dataset:
    """Word ids ``[N, max_length]``: the first words of title and first lines.

    Args:
        data_dir: holds ``ag_news/train.csv`` and ``test.csv``: class, title, description.
        download: fetch them with Hugging Face ``datasets`` if they are missing.

    Raises:
        MissingData: files are missing, malformed or cannot be downloaded.
    """
    folder = Path(data_dir) / "ag_news"
    if not all((folder / file).exists() for file in FILES.values()):
        if not download:
            hint = " (needs optbench[huggingface])"
            raise missing("ag_news", f"AG News [{', '.join(FILES.values())}]", folder, hint)
        fetch(folder)
    found = {split: read(folder / file) for split, file in FILES.items()}
    return build_classification(found, min_count=min_count, max_length=max_length)


def read(path: Path) -> list[Labelled]:
    """The items of a file, as published without a header; one that is there is passed over."""
    name, found = f"task=ag_news: {path}", []
    reader = csv.reader(io.StringIO(rows.decode(path.read_bytes(), name), newline=""), strict=True)
    try:
        for number, fields in enumerate(reader, start=1):
            place = f"{name}: row {number} (line {reader.line_num})"
            if number == 1 and len(fields) == 3 and not fields[0].isdecimal():
                continue
            if len(fields) != 3 or fields[0] not in ("1", "2", "3", "4"):
                raise MissingData(f'{place}: no "CLASS","TITLE","DESCRIPTION", CLASS 1 to 4')
            text = f"{fields[1]} {fields[2]}".replace("\\n", " ").replace("\\", " ")  # line breaks
            if not text.strip():
                raise MissingData(f"{place}: empty; remove it or fill it")
            found.append(Labelled(text, TOPICS[int(fields[0]) - 1], place))
    except csv.Error as error:
        raise MissingData(
            f"{name}: line {reader.line_num}: {error}; double a field's own quotes"
        ) from error
    if not found:
        raise MissingData(f"{name}: empty; fetch it anew")
    return found


def fetch(folder: Path) -> None:
    """Write the two files from Hugging Face ``datasets``; MissingData, at once, if that fails."""
    splits = hub.fetch(HUB_NAME, "ag_news", "AG News", folder)
    folder.mkdir(parents=True, exist_ok=True)
    for split, file in FILES.items():
        with (folder / file).open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_ALL)
            writer.writerows((row["label"] + 1, "", row["text"]) for row in splits[split])
