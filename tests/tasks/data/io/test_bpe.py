"""Byte pairs: learnt from the training split alone, and undone by their own library."""

from __future__ import annotations

import sys

import pytest

from tasks.data.dataset import MissingData
from tasks.data.io import bpe
from tasks.data.io.labelled import Labelled
from tasks.data.io.texts import build_classification

pytest.importorskip("tokenizers")
TEXTS = ["low lower lowest", "new newer newest", "wide wider widest"] * 4


def test_it_merges_the_frequent_pairs_and_knows_every_byte() -> None:
    """One merge to spend: ``ab`` occurs three times, ``ba`` once."""
    one = bpe.train_tokenizer(["abab", "ab"], 1 + 256 + 1)
    (ids,) = bpe.encode(one, ["abba"])
    assert [one.id_to_token(number) for number in ids] == ["ab", "b", "a"]
    (unseen,) = bpe.encode(one, ["é"])
    assert len(unseen) == 2 and 0 not in unseen  # its two bytes; 0 is padding
    assert one.get_vocab_size() == 258 and one.id_to_token(0) == bpe.PAD


def test_texts_become_its_ids_cut_and_padded() -> None:
    train = [Labelled(text, str(n % 2), "data.train=x") for n, text in enumerate(TEXTS)]
    held_out = [Labelled("lowest of all and then some more", "0", "data.test=x")]
    given = {"train": train, "val": held_out, "test": held_out}
    data = build_classification(given, tokenizer="bpe", vocabulary=300, max_length=8)
    learnt = bpe.train_tokenizer(TEXTS, 300)  # held-out texts had no part in it
    length = max(len(learnt.encode(text).ids) for text in TEXTS)
    assert data.train.inputs.shape[1] == min(length, 8)
    ids = learnt.encode(held_out[0].example).ids[: data.test.inputs.shape[1]]
    assert data.test.inputs.tolist() == [ids]
    assert data.vocabulary_size == learnt.get_vocab_size()


def test_what_it_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingData, match=r"data.vocabulary=256: bpe needs more"):
        bpe.train_tokenizer(TEXTS, 256)
    monkeypatch.setitem(sys.modules, "tokenizers", None)  # as if not installed
    with pytest.raises(MissingData, match=r"optbench\[bpe\]"):
        bpe.train_tokenizer(TEXTS, 300)
