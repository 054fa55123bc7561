"""A data set for text classification from labelled texts, whatever file they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.data.dataset import SPLITS, Dataset, MissingData, Split
from tasks.data.io import bpe, tokens
from tasks.data.io.labelled import Labelled, draw_splits, index_classes, list_classes

TOKENIZERS = ("words", "bytes", "bpe")


def build_classification(
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
            drawn (``tasks.data.io.labelled.draw_splits``).
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
    splits = draw_splits(given)
    classes = list_classes(splits["train"])
    targets = [index_classes(splits[name], classes) for name in SPLITS]
    texts = [[one.example for one in splits[name]] for name in SPLITS]
    if tokenizer == "words":
        inputs, vocabulary_size = _encode_words(texts, min_count, max_length)
    elif tokenizer == "bpe":
        inputs, vocabulary_size = _encode_pieces(texts, vocabulary, max_length)
    else:
        inputs, vocabulary_size = _encode_bytes(texts, max_length), tokens.BYTES
    train, val, test = map(Split, inputs, targets)
    return Dataset(train, val, test, classes, vocabulary_size=vocabulary_size)


def _encode_words(
    texts: list[list[str]], min_count: int, max_length: int
) -> tuple[list[np.ndarray], int]:
    """Word ids of each split's texts, the first being the training split; and how many ids."""
    spelt = [[tokens.split_words(text) for text in of_split] for of_split in texts]
    vocabulary = tokens.build_vocabulary(spelt[0], min_count)
    length = min(max_length, max(map(len, spelt[0])))
    ids = [tokens.encode_words(of_split, vocabulary, length) for of_split in spelt]
    return ids, len(vocabulary) + tokens.UNKNOWN + 1


def _encode_pieces(
    texts: list[list[str]], size: int, max_length: int
) -> tuple[list[np.ndarray], int]:
    trained = bpe.train_tokenizer(texts[0], size)
    ids = [bpe.encode(trained, of_split, max_length) for of_split in texts]
    length = max(map(len, ids[0]))
    return [tokens.pad(of_split, length) for of_split in ids], trained.get_vocab_size()


def _encode_bytes(texts: list[list[str]], max_length: int) -> list[np.ndarray]:
    raw = [[text.encode() for text in of_split] for of_split in texts]
    length = min(max_length, max(map(len, raw[0])))
    return [tokens.encode_bytes(of_split, length) for of_split in raw]
