"""TREC: what kind of answer does a question ask for? 5 452 + 500 questions, 6 kinds.

Source: Li and Roth, Learning Question Classifiers (2002), in its own split; a tenth of the training
questions is drawn for validation. For scale, test accuracy: always ``DESC`` .28.
"""

from __future__ import annotations

from pathlib import Path

from tasks.data.dataset import Dataset, MissingData, missing
from tasks.data.io.labelled import Labelled
from tasks.data.io.texts import build_classification

FILES = {"train": "train.txt", "test": "test.txt"}
PUBLISHED = {"train": "train_5500.label", "test": "TREC_10.label"}  # the names of the authors
KINDS = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")


def load(*, data_dir: str, download: bool, max_length: int = 32) -> Dataset:
    """Word ids ``[N, max_length]``.

    Args:
        data_dir: holds ``trec/train.txt`` and ``test.txt``, or the same under the authors' names.
        download: there is none.

    Raises:
        MissingData: the files are missing or malformed.
    """
    del download
    folder = Path(data_dir) / "trec"
    for names in (FILES, PUBLISHED):
        if all((folder / file).exists() for file in names.values()):
            found = {split: read(folder / file) for split, file in names.items()}
            return build_classification(found, max_length=max_length)
    hint = "; there is no download: put the files there by hand (cogcomp.seas.upenn.edu/Data/QA/QC)"
    raise missing("trec", f"TREC [{', '.join(FILES.values())}]", folder, hint)


def read(path: Path) -> list[Labelled]:
    """The questions of a file in Latin-1, a line each: ``KIND:finer_kind question``."""
    found = []
    for number, line in enumerate(path.read_text(encoding="latin-1").splitlines(), start=1):
        kind, _, rest = line.partition(":")
        _, _, question = rest.partition(" ")
        place = f"task=trec: {path}: line {number}"
        if kind not in KINDS or not question.strip():
            raise MissingData(f"{place}: no {'|'.join(KINDS)}:... and a question; fetch it anew")
        found.append(Labelled(question, kind, place))
    return found
