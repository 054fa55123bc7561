"""A data set for text classification from labelled texts, whatever file they came from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tasks.data.dataset import SPLITS, Dataset, MissingData, Split
from tasks.data.io import bpe, left_out, tokens
from tasks.data.io.labelled import (
    Labelled,
    draw_splits,
    index_classes,
    list_classes,
    note_equal_labels,
)

AUTO = "auto"
TOKENIZERS = ("words", "characters", "bytes", "bpe")
UNSPACED = 0.5
"""Share of letters of scripts without spaces from which on characters are tokens."""
WHOLE = 0.95
"""Share of the training texts that the automatic length keeps whole."""
SHORT, LONG = 64, 1024
"""Tokens that the automatic length always keeps, and that it keeps at most: time and memory of many
models rise with it, some with its square."""


class _Encoded(NamedTuple):
    """Token ids of each split, what their number depends on, and how long texts are.

    Attributes:
        inputs: ``[N, L]`` of each split.
        lengths: tokens of each text before any was cut, a list for each split.
        size: number of ids.
    """

    inputs: list[np.ndarray]
    lengths: list[list[int]]
    size: int


def build_classification(
    given: Mapping[str, Sequence[Labelled]],
    *,
    tokenizer: str = "words",
    min_count: int = 2,
    max_length: int | str = 64,
    vocabulary: int = 4096,
    own: bool = False,
) -> Dataset:
    """Token ids ``[N, L]``, L the length of the longest training text, at most ``max_length``.

    Args:
        given: texts as ``train``, and as ``val`` and ``test`` where they are there; the others are
            drawn (``tasks.data.io.labelled.draw_splits``).
        tokenizer: ``words`` or ``characters`` (0 = padding, 1 = unknown, then by frequency in the
            training split), ``bytes`` (their values), ``bpe`` (``tasks.data.io.bpe``), or ``auto``:
            characters where most letters are of scripts without spaces, else words.
        min_count: occurrences in the training split that make a word or character known.
        max_length: tokens of a text that are kept; ``auto``: as many as ``WHOLE`` of the training
            texts have, between ``SHORT`` and ``LONG``.
        vocabulary: number of ids of ``bpe``.
        own: the texts are a user's: what is lost of them is noted, and refused where all of it is.
            What a shipped task keeps is part of its definition.

    Raises:
        MissingData: fewer than two classes, a label that training never shows, or an option
            without meaning.
    """
    if tokenizer not in (AUTO, *TOKENIZERS):
        raise MissingData(
            f"data.tokenizer={tokenizer}: unknown; give one of {', '.join((AUTO, *TOKENIZERS))}"
        )
    _check_length(max_length)
    splits = draw_splits(given)
    classes = list_classes(splits["train"])
    targets = [index_classes(splits[name], classes) for name in SPLITS]
    texts = [[one.example for one in splits[name]] for name in SPLITS]
    notes = note_equal_labels(classes)
    if tokenizer == AUTO:
        share = tokens.share_unspaced(texts[0])
        tokenizer = "characters" if share > UNSPACED else "words"
        if tokenizer == "characters":
            notes.append(
                f"data.tokenizer=auto: characters, for {100 * share:.0f} % of the letters belong "
                "to a script without spaces"
            )
    if tokenizer == "bpe":
        encoded = _encode_pieces(texts, vocabulary, max_length)
    elif tokenizer == "bytes":
        encoded = _encode_bytes(texts, max_length)
    else:
        encoded = _encode_words(texts, tokenizer, min_count, max_length)
    if own:
        if tokenizer in ("words", "characters"):
            source = splits["train"][0].place.partition(": ")[0]
            notes += _note_unknown(encoded, source, tokenizer, min_count)
        notes += _note_cut(encoded, max_length)
        names = ("training", "validation", "test")
        notes += left_out.note_duplicates(dict(zip(names, texts, strict=True)), "text")
    train, val, test = map(Split, encoded.inputs, targets)
    return Dataset(
        train, val, test, classes, vocabulary_size=encoded.size, notes=tuple(notes if own else ())
    )


def _check_length(max_length: int | str) -> None:
    number = isinstance(max_length, int) and not isinstance(max_length, bool) and max_length >= 1
    if not number and max_length != AUTO:
        raise MissingData(f"data.max_length={max_length}: write auto, or a whole number from 1 on")


def _choose_length(max_length: int | str, train: Sequence[int]) -> int:
    """Choose the number of tokens that are kept, from the lengths of the training texts."""
    longest = max(train)
    if isinstance(max_length, int):
        return min(max_length, longest)
    quantile = sorted(train)[math.ceil(WHOLE * len(train)) - 1]
    return min(longest, max(SHORT, quantile), LONG)


def _note_cut(encoded: _Encoded, max_length: int | str) -> list[str]:
    lengths = [length for of_split in encoded.lengths for length in of_split]
    kept, longest = encoded.inputs[0].shape[1], max(encoded.lengths[0])
    cut = sum(length > kept for length in lengths)
    if not cut:
        return []
    words = f"{left_out.count(cut, len(lengths), 'text')} cut at {kept} tokens"
    if kept == longest:
        return [f"{words}, as many as the longest training text has"]
    return [f"{words}: data.max_length={longest} keeps all of {'it' if cut == 1 else 'them'}"]


def _note_unknown(encoded: _Encoded, source: str, tokenizer: str, min_count: int) -> list[str]:
    """Note texts without a known token; refuse a training split that has none.

    Args:
        source: of the training texts, as errors name it.
    """
    kind = tokenizer.removesuffix("s")
    if encoded.size == tokens.UNKNOWN + 1:
        raise MissingData(
            f"{source}: no {kind} occurs {min_count} times in training, which leaves nothing to "
            "learn; pass data.min_count=1, or data.tokenizer=bytes"
        )
    blank = sum(int((ids <= tokens.UNKNOWN).all(axis=1).sum()) for ids in encoded.inputs)
    if not blank:
        return []
    whole = sum(map(len, encoded.inputs))
    words = left_out.count(blank, whole, "text", ("holds", "hold"))
    return [f"{words} no known {kind}: data.min_count=1, or data.tokenizer=bytes"]


def _encode_words(
    texts: list[list[str]], tokenizer: str, min_count: int, max_length: int | str
) -> _Encoded:
    """Word or character ids of each split's texts, the first being the training split."""
    split = tokens.split_words if tokenizer == "words" else tokens.split_characters
    spelt = [[split(text) for text in of_split] for of_split in texts]
    vocabulary = tokens.build_vocabulary(spelt[0], min_count)
    lengths = [[len(text) for text in of_split] for of_split in spelt]
    length = _choose_length(max_length, lengths[0])
    ids = [tokens.encode_words(of_split, vocabulary, length) for of_split in spelt]
    return _Encoded(ids, lengths, len(vocabulary) + tokens.UNKNOWN + 1)


def _encode_pieces(texts: list[list[str]], size: int, max_length: int | str) -> _Encoded:
    trained = bpe.train_tokenizer(texts[0], size)
    ids = [bpe.encode(trained, of_split) for of_split in texts]
    lengths = [[len(text) for text in of_split] for of_split in ids]
    length = _choose_length(max_length, lengths[0])
    padded = [tokens.pad(of_split, length) for of_split in ids]
    return _Encoded(padded, lengths, trained.get_vocab_size())


def _encode_bytes(texts: list[list[str]], max_length: int | str) -> _Encoded:
    raw = [[text.encode() for text in of_split] for of_split in texts]
    lengths = [[len(text) for text in of_split] for of_split in raw]
    length = _choose_length(max_length, lengths[0])
    ids = [tokens.encode_bytes(of_split, length) for of_split in raw]
    return _Encoded(ids, lengths, tokens.BYTES)
