"""What kind of thing does a gloss describe? 78 803 definitions of nouns in WordNet 3.0, 19 topics.

Source: Miller, WordNet: A Lexical Database for English (1995), under a free licence. The topics are
its lexicographer files (``noun.animal``, ``noun.food``, ...) with at least 1 000 glosses; a gloss
that occurs again is left out. Test is where the first 8 hexadecimal digits of the gloss's SHA-256,
modulo 10, are 0: 7 975 glosses; of the other 70 828, a tenth is drawn for validation.

For scale, test accuracy: always ``artifact`` .15; TF-IDF and logistic regression .82.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tasks.data.dataset import Dataset, MissingData, missing
from tasks.data.io import cache, rows
from tasks.data.io.labelled import Labelled
from tasks.data.io.texts import build_classification

FILES = {"train": "train.csv", "test": "test.csv"}  # label,text: the same rows, made elsewhere
DEBIAN = Path("/usr/share/wordnet/data.noun")
LEAST = 1_000  # glosses of a topic
FIRST = 3  # number of the first lexicographer file of nouns
TOPICS = (  # lexnames(5WN), nouns, in the order of their numbers
    *("Tops", "act", "animal", "artifact", "attribute", "body", "cognition", "communication"),
    *("event", "feeling", "food", "group", "location", "motive", "object", "person"),
    *("phenomenon", "plant", "possession", "process", "quantity", "relation", "shape", "state"),
    *("substance", "time"),
)


def load(*, data_dir: str, download: bool, max_length: int = 32) -> Dataset:
    """Word ids ``[N, max_length]``; 95 % of the glosses have at most 30 words.

    Args:
        data_dir: holds ``wordnet/train.csv`` and ``test.csv``, or WordNet's own
            ``wordnet/data.noun``; else Debian's and NLTK's places are searched for that file.
        download: there is none; errors say what to install.

    Raises:
        MissingData: the files are missing or malformed.
    """
    del download
    folder = Path(data_dir) / "wordnet"
    files = [folder / file for file in FILES.values()]
    if not all(file.exists() for file in files):
        files = [find_nouns(folder)]

    def make() -> Dataset:
        if len(files) == 1:
            found = split_by_hash(read_nouns(files[0]))
        else:
            found = {split: read_csv(file) for split, file in zip(FILES, files, strict=True)}
        return build_classification(found, max_length=max_length)

    return cache.load_or_make("wordnet", files, {"max_length": max_length}, make)


def read_csv(path: Path) -> list[Labelled]:
    """The glosses of one file with the columns ``label`` and ``text``."""
    name = f"task=wordnet: {path}"
    return [
        Labelled(row.values["text"], row.values["label"], f"{name}: {row.place}")
        for row in rows.read(path, ("label", "text"), name)
    ]


def find_nouns(folder: Path) -> Path:
    """WordNet's ``data.noun`` in the data folder, or where Debian and NLTK install it."""
    nltk = [*filter(None, os.environ.get("NLTK_DATA", "").split(os.pathsep)), "~/nltk_data"]
    corpora = [Path(place).expanduser() / "corpora" / "wordnet" / "data.noun" for place in nltk]
    for path in (folder / "data.noun", DEBIAN, *corpora):
        if path.exists():
            return path
    hint = (
        "; there is no download: install the Debian package wordnet-base, or NLTK's corpus "
        "(python -m nltk.downloader wordnet, unpacked)"
    )
    raise missing("wordnet", "WordNet [train.csv and test.csv, or data.noun]", folder, hint)


def read_nouns(path: Path) -> list[Labelled]:
    """The glosses of the large topics in ``data.noun``'s order, each once.

    A line (wndb(5WN)) is ``offset lexicographer_file n ... | gloss``; the licence's begin with two
    spaces.
    """
    name, found = f"task=wordnet: {path}", []
    for number, line in enumerate(rows.decode(path.read_bytes(), name).split("\n"), start=1):
        if not line.strip() or line.startswith("  "):
            continue
        head, bar, gloss = line.partition(" | ")
        topic = head.split(maxsplit=2)[1:2]
        if not bar or not topic or topic[0] not in NUMBERS:
            raise MissingData(f"{name}: line {number}: no noun of WordNet 3.0; install it anew")
        found.append(Labelled(gloss.strip(), NUMBERS[topic[0]], f"{name}: line {number}"))
    sizes = Counter(one.label for one in found)
    large = [one for one in found if sizes[one.label] >= LEAST]
    first: dict[str, Labelled] = {}
    for one in large:
        first.setdefault(one.example, one)
    return list(first.values())


NUMBERS = {f"{number:02}": topic for number, topic in enumerate(TOPICS, start=FIRST)}


def split_by_hash(glosses: Sequence[Labelled]) -> dict[str, list[Labelled]]:
    """Training and test glosses."""
    found: dict[str, list[Labelled]] = {"train": [], "test": []}
    for one in glosses:
        digits = hashlib.sha256(one.example.encode()).hexdigest()[:8]
        found["train" if int(digits, 16) % 10 else "test"].append(one)
    return found
