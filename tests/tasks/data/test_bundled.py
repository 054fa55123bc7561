"""Digits and langid: data that comes with the dependencies."""

from __future__ import annotations

import babel
import numpy as np
import pytest
from sklearn.datasets import load_digits

from tasks.data import digits, langid
from tasks.data.dataset import Dataset


@pytest.fixture(scope="module")
def names() -> Dataset:
    return langid.load(data_dir="", download=False)


def decode(row: np.ndarray) -> str:
    return bytes(row).rstrip(b"\0").decode()


def test_digits_splits_partition_scikit_learns_images() -> None:
    data = digits.load(data_dir="", download=False)
    splits = (data.train, data.val, data.test)
    assert [split.inputs.shape for split in splits] == [
        (1077, 1, 8, 8),
        (360, 1, 8, 8),
        (360, 1, 8, 8),
    ]
    assert all(split.inputs.dtype == np.float32 for split in splits)
    reference = load_digits()

    def rows(images: np.ndarray, targets: np.ndarray) -> list[tuple[float, ...]]:
        flat = images.reshape(len(images), 64)
        return sorted(tuple(row) for row in np.column_stack([flat, targets]).tolist())

    inputs, targets = (np.concatenate(arrays) for arrays in zip(*splits, strict=True))
    assert rows(inputs, targets) == rows(reference.images / 16, reference.target)


def test_digits_splits_are_stratified() -> None:
    data = digits.load(data_dir="", download=False)
    whole = np.array([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])  # UCI's table
    for split, share in ((data.train, 1077), (data.val, 360), (data.test, 360)):
        counts = np.bincount(split.targets, minlength=10)
        assert np.abs(counts - whole * share / 1797).max() <= 2


def test_digits_fingerprint_is_pinned() -> None:
    """Another value makes every stored digits trial incomparable: raise the task's version."""
    assert digits.load(data_dir="", download=False).fingerprint == "cc92bc0086b1d949"


def test_langid_is_about_twenty_thousand_names_of_24_languages(names: Dataset) -> None:
    sizes = [len(split.targets) for split in (names.train, names.val, names.test)]
    assert 20_000 < sum(sizes) < 25_000
    assert sizes[1] == sizes[2] == round(0.1 * sum(sizes))
    assert len(names.classes) == len(set(names.classes)) == 24
    assert set(names.train.targets) == set(range(24))
    if babel.__version__.startswith("2.18"):
        assert sum(sizes) == 22_273


def test_langid_splits_are_stratified(names: Dataset) -> None:
    counts = [np.bincount(s.targets, minlength=24) for s in (names.train, names.val, names.test)]
    for part in counts:
        assert np.abs(part - sum(counts) * part.sum() / sum(counts).sum()).max() <= 2


def test_langid_shares_no_name_between_splits_or_languages(names: Dataset) -> None:
    rows = [bytes(row) for split in (names.train, names.val, names.test) for row in split.inputs]
    assert len(rows) == len(set(rows))


def test_langid_tokens_are_padded_utf8(names: Dataset) -> None:
    inputs = names.train.inputs
    assert inputs.dtype == np.uint8 and inputs.shape[1] == 48 and names.vocabulary_size == 256
    real = inputs != 0
    assert (real[:, :-1] >= real[:, 1:]).all(), "padding is at the end"
    assert all(decode(row)[0] == decode(row)[-1] == " " for row in inputs[:100])


def test_langid_knows_names_by_language(names: Dataset) -> None:
    """``Vlaams`` is what only the Dutch call Flemish; ``Kuba`` has no single language."""
    language = {
        decode(row).strip(): names.classes[target]
        for split in (names.train, names.val, names.test)
        for row, target in zip(*split, strict=True)
    }
    assert language["Vlaams"] == "nl" and language["Flemish"] == "en"
    assert "Kuba" not in language


def test_langid_is_the_same_each_time(names: Dataset) -> None:
    assert langid.load(data_dir="/other", download=True).fingerprint == names.fingerprint
