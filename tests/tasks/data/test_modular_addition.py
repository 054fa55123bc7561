"""Every pair once, sums that are right, and no pair whose mirror image was seen in training."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.data.dataset import InvalidData
from tasks.data.modular_addition import load


def test_every_pair_stands_once_with_its_sum() -> None:
    data = load(data_dir="", download=False, modulus=7, train=0.5)
    seen = []
    for tokens, targets in (data.train, data.val, data.test):
        for (a, b), target in zip(tokens.astype(int) - 1, targets, strict=True):
            assert target == (a + b) % 7
            seen.append((a, b))
    assert sorted(seen) == [(a, b) for a in range(7) for b in range(7)]
    assert data.classes == tuple("0123456") and data.vocabulary_size == 8
    assert data.train.inputs.dtype == np.uint8 and data.train.inputs.min() == 1


def test_no_split_tells_the_sums_of_another() -> None:
    data = load(data_dir="", download=False, modulus=59, train=0.6)
    splits = (data.train, data.val, data.test)
    pairs = [{tuple(sorted(row)) for row in split.inputs.tolist()} for split in splits]
    assert sum(map(len, pairs)) == len(set().union(*pairs)) == 59 * 60 / 2
    assert [round(len(one) / 1770, 2) for one in pairs] == [0.6, 0.2, 0.2]


@pytest.mark.parametrize(("option", "value"), [("modulus", 4), ("modulus", 255), ("train", 1.0)])
def test_options_out_of_range_are_refused(option, value) -> None:
    with pytest.raises(InvalidData, match=rf"task.data.{option}: {value} is not"):
        load(data_dir="", download=False, **{option: value})
