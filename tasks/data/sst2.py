"""SST-2: is a sentence from a film review positive or negative? 6 920 / 872 / 1 821 sentences.

Source: Socher et al., Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank
(2013): whole sentences only, without the neutral ones, in the official splits.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.data.dataset import Dataset, MissingData, Split, missing
from tasks.data.io import hub, rows, tokens

FILES = {"train": "train.tsv", "val": "dev.tsv", "test": "test.tsv"}
HUB_NAME = "SetFit/sst2"  # the same sentences and splits
HUB_SPLITS = {"train": "train", "val": "validation", "test": "test"}


class Sentence(NamedTuple):
    """Words in lower case, and 0 = negative or 1 = positive."""

    words: list[str]
    label: int


def load(*, data_dir: str, download: bool, min_count: int = 2, max_length: int = 64) -> Dataset:
    """Word ids ``[N, max_length]``, int32: 0 = padding, 1 = unknown, then words by frequency.

    Args:
        data_dir: holds ``sst2/train.tsv``, ``dev.tsv`` and ``test.tsv`` (``sentence<TAB>label``).
        download: fetch them with Hugging Face ``datasets`` if they are missing.
        min_count: occurrences in the training split that make a word known.
        max_length: words of a sentence that are kept.

    Raises:
        MissingData: files are missing, malformed or cannot be downloaded.
    """
    folder = Path(data_dir) / "sst2"
    if not all((folder / file).exists() for file in FILES.values()):
        if not download:
            hint = " (needs optbench[huggingface])"
            raise missing("sst2", f"SST-2 [{', '.join(FILES.values())}]", folder, hint)
        fetch(folder)
    sentences = {split: read_tsv(folder / file) for split, file in FILES.items()}
    vocabulary = tokens.build_vocabulary((one.words for one in sentences["train"]), min_count)
    train, val, test = (encode(sentences[split], vocabulary, max_length) for split in FILES)
    return Dataset(train, val, test, ("negative", "positive"), vocabulary_size=len(vocabulary) + 2)


def encode(sentences: list[Sentence], vocabulary: dict[str, int], max_length: int) -> Split:
    """Word ids, cut or padded to ``max_length``, and labels."""
    ids = tokens.encode_words([sentence.words for sentence in sentences], vocabulary, max_length)
    return Split(ids, np.array([sentence.label for sentence in sentences], dtype=np.int64))


def read_tsv(path: Path) -> list[Sentence]:
    """The sentences of one file, in its order; a header line is passed over."""
    sentences = []
    name = f"task=sst2: {path}"
    for number, line in enumerate(rows.decode(path.read_bytes(), name).splitlines(), start=1):
        text, _, label = line.rpartition("\t")
        if label not in ("0", "1"):
            if number == 1:
                continue
            raise MissingData(f"{name}: line {number}: no label 0 or 1 after a tab")
        sentences.append(Sentence(text.lower().split(), int(label)))
    return sentences


def fetch(folder: Path) -> None:
    """Write the three files from Hugging Face ``datasets``; MissingData, at once, if that fails."""
    hub_splits = hub.fetch(HUB_NAME, "sst2", "SST-2", folder)
    folder.mkdir(parents=True, exist_ok=True)
    for split, file in FILES.items():
        lines = (f"{row['text']}\t{row['label']}\n" for row in hub_splits[HUB_SPLITS[split]])
        (folder / file).write_text("".join(lines), encoding="utf-8")
