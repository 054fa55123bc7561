"""A data set for text classification from labelled texts, whatever file they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.data.dataset import SPLITS, Dataset, MissingData, Split
from tasks.data.io import bpe, tokens
from tasks.data.io.labelled import Labelled, class_indices, class_names, drawn

TOKENIZERS = ("words", "bytes", "bpe")


def classification(
    given: Mapping[str, Sequence[Labelled]],
    *,
    tokenizer: str = "words",
    min_count: int = 2,
    max_length: int = 64,
    vocabulary: int = 4096,
) -> Dataset:
    """Token ids ``[N, L]``, L the length of the longest training text, at most ``max_length``.

    Args:
        given: texts as ``train``, and as ``val`` and ``test`` where they are there; the others are
            drawn (``tasks.data.io.labelled.drawn``).
        tokenizer: ``words`` (0 = padding, 1 = unknown, then words by frequency in the training
            split), ``bytes`` (their values), or ``bpe`` (``tasks.data.io.bpe``).
        min_count: occurrences in the training split that make a word known.
        max_length: tokens of a text that are kept.
        vocabulary: number of ids of ``bpe``.

    Raises:
        MissingData: fewer than two classes, or a label that training never shows.
    """
    if tokenizer not in TOKENIZERS:
        raise MissingData(
            f"data.tokenizer={tokenizer}: unknown; give one of {', '.join(TOKENIZERS)}"
        )
    splits = drawn(given)
    classes = class_names(splits["train"])
    targets = [class_indices(splits[name], classes) for name in SPLITS]
    texts = [[one.example for one in splits[name]] for name in SPLITS]
    if tokenizer == "words":
        inputs, vocabulary_size = _words(texts, min_count, max_length)
    elif tokenizer == "bpe":
        inputs, vocabulary_size = _bpe(texts, vocabulary, max_length)
    else:
        inputs, vocabulary_size = _bytes(texts, max_length), tokens.BYTES
    train, val, test = map(Split, inputs, targets)
    return Dataset(train, val, test, classes, vocabulary_size=vocabulary_size)


def _words(texts: list[list[str]], min_count: int, max_length: int) -> tuple[list[np.ndarray], int]:
    """Word ids of each split's texts, the first being the training split; and how many ids."""
    spelt = [[tokens.words(text) for text in of_split] for of_split in texts]
    vocabulary = tokens.build_vocabulary(spelt[0], min_count)
    length = min(max_length, max(map(len, spelt[0])))
    ids = [tokens.word_ids(of_split, vocabulary, length) for of_split in spelt]
    return ids, len(vocabulary) + tokens.UNKNOWN + 1


def _bpe(texts: list[list[str]], size: int, max_length: int) -> tuple[list[np.ndarray], int]:
    trained = bpe.tokenizer(texts[0], size)
    ids = [bpe.ids(trained, of_split, max_length) for of_split in texts]
    length = max(map(len, ids[0]))
    return [tokens.padded(of_split, length) for of_split in ids], trained.get_vocab_size()


def _bytes(texts: list[list[str]], max_length: int) -> list[np.ndarray]:
    raw = [[text.encode() for text in of_split] for of_split in texts]
    length = min(max_length, max(map(len, raw[0])))
    return [tokens.byte_ids(of_split, length) for of_split in raw]
