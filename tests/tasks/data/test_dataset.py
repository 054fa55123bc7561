"""Splits, fingerprints and the error for missing data."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.data import cifar, mnist, sst2
from tasks.data.dataset import Dataset, InvalidData, MissingData, Split, stratified_split, take


def toy(inputs: list[list[float]], dtype: type = np.float32) -> Dataset:
    split = Split(np.array(inputs, dtype=dtype), np.zeros(len(inputs), dtype=np.int64))
    return Dataset(split, split, split, classes=("only",))


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    shares=st.lists(st.floats(0, 0.33), min_size=1, max_size=3),
    seed=st.integers(0, 5),
)
def test_split_is_exact_disjoint_and_stratified(
    counts: list[int], shares: list[float], seed: int
) -> None:
    targets = np.repeat(np.arange(len(counts)), counts)
    sizes = [int(share * len(targets)) for share in shares]
    parts = stratified_split(targets, sizes, seed)
    assert [len(part) for part in parts] == sizes
    together = np.concatenate(parts)
    assert len(set(together.tolist())) == sum(sizes)
    for part, size in zip(parts, sizes, strict=True):
        for label, count in enumerate(counts):  # two cuts, each within 1 of the exact share
            assert abs((targets[part] == label).sum() - count * size / len(targets)) <= 2


def test_split_of_equal_classes_is_equal() -> None:
    targets = np.array([0, 1, 2] * 20)
    for part in stratified_split(targets, (30, 15, 15), seed=3):
        assert np.ptp(np.bincount(targets[part])) <= 1


def test_split_depends_on_its_seed_only() -> None:
    targets = np.arange(50) % 5
    first, again, other = (stratified_split(targets, (25,), seed)[0] for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() == sorted(first.tolist())
    assert first.tolist() != other.tolist()


def test_split_larger_than_the_data_is_refused() -> None:
    with pytest.raises(ValueError, match=r"splits of \[3, 2\] need 5 of 4 examples"):
        stratified_split(np.zeros(4, dtype=np.int64), (3, 2), seed=0)


def test_fingerprint_follows_content_order_dtype_and_shape() -> None:
    prints = [
        toy([[1, 2], [3, 4]]).fingerprint,
        toy([[3, 4], [1, 2]]).fingerprint,
        toy([[1, 2], [3, 5]]).fingerprint,
        toy([[1, 2], [3, 4]], np.int32).fingerprint,
    ]
    assert len(set(prints)) == 4
    assert toy([[1, 2], [3, 4]]).fingerprint == prints[0]
    assert len(prints[0]) == 16 and int(prints[0], 16) >= 0


def test_fingerprint_tells_where_one_split_ends() -> None:
    targets = np.zeros(3, dtype=np.int64)
    inputs = np.arange(3, dtype=np.float32)[:, None]
    a, bc = Split(inputs[:1], targets[:1]), Split(inputs[1:], targets[1:])
    ab, c = Split(inputs[:2], targets[:2]), Split(inputs[2:], targets[2:])
    assert Dataset(a, bc, a, ("only",)).fingerprint != Dataset(ab, c, a, ("only",)).fingerprint


def test_arrays_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        toy([[1.0]]).train.inputs[0] = 2.0


def test_inputs_without_targets_are_refused() -> None:
    good = Split(np.zeros((2, 1)), np.zeros(2, dtype=np.int64))
    bad = Split(np.zeros((3, 1)), np.zeros(2, dtype=np.int64))
    with pytest.raises(ValueError, match="val: 3 inputs but 2 targets"):
        Dataset(good, bad, good, ("only",))


def images(n: int = 4) -> Split:
    return Split(np.zeros((n, 1, 2, 2), np.float32), np.arange(n) % 2)


def changed(split: Split, what: str, place: tuple[int, ...], value: float) -> Split:
    """With one number replaced."""
    array = getattr(split, what).copy()
    array[place] = value
    return split._replace(**{what: array})


WRONG = {
    "NaN in an image": (changed(images(), "inputs", (1, 0, 1, 0), np.nan), "nan at [1, 0, 1, 0]"),
    "infinity": (changed(images(), "inputs", (0, 0, 0, 0), np.inf), "inf at [0, 0, 0, 0]"),
    "a label to ignore": (changed(images(), "targets", (2,), -100), "-100 at [2] is no class"),
    "a label too large": (changed(images(), "targets", (3,), 255), "no class in 0 … 1 (1 such)"),
    "no example": (Split(*(array[:0] for array in images())), "empty"),
    "labels left over": (Split(images(2).inputs, images(3).targets), "2 inputs but 3 targets"),
    "another shape": (Split(np.zeros((4, 1, 3, 3), np.float32), images().targets), "[1, 3, 3]"),
    "another type": (Split(images().inputs.astype(np.float64), images().targets), "float64"),
    "text": (Split(np.array([["a"]] * 4), images().targets), "train has float32"),
    "a list": (Split([[0.0]] * 4, images().targets), "list instead of a NumPy array"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("where", ["val", "test"])
@pytest.mark.parametrize("what", WRONG)
def test_what_no_trial_can_learn_from_is_refused(what: str, where: str) -> None:
    split, fault = WRONG[what]
    splits = {name: images() for name in ("train", "val", "test")} | {where: split}
    with pytest.raises(InvalidData) as caught:
        Dataset(**splits, classes=("no", "yes"))
    assert where in str(caught.value)
    assert fault in str(caught.value)


def test_targets_that_are_no_classes_may_be_anything_finite() -> None:
    split = Split(np.zeros((2, 3), np.float32), np.array([-100.0, 0.5]))
    assert Dataset(split, split, split).classes == ()
    with pytest.raises(InvalidData, match="train targets: nan at"):
        bad = changed(split, "targets", (0,), np.nan)
        Dataset(bad, split, split)


def test_token_ids_lie_in_the_vocabulary() -> None:
    split = Split(np.array([[1, 7]], np.int32), np.array([0]))
    with pytest.raises(InvalidData, match=r"7 at \[0, 1\] is no token id in 0 … 6"):
        Dataset(split, split, split, ("only",), vocabulary_size=7)


def test_labels_of_another_data_set_are_not_drawn_from() -> None:
    with pytest.raises(InvalidData, match="60 inputs but 10 targets"):
        take(np.zeros((60, 1)), np.zeros(10, int), np.arange(5))


SOURCES = [
    (mnist.load, {"name": "mnist"}, "task=mnist: no MNIST", "MNIST/raw"),
    (mnist.load, {"name": "fashion_mnist"}, "dataset-fashion-mnist", "FashionMNIST/raw"),
    (cifar.load, {"name": "cifar10"}, "task=cifar10: no CIFAR10", "cifar-10-batches-py"),
    (cifar.load, {"name": "cifar100"}, "task=cifar100: no CIFAR100", "cifar-100-python"),
    (sst2.load, {}, "task=sst2: no SST-2", "sst2"),
]


@pytest.mark.parametrize(("load", "options", "words", "folder"), SOURCES)
@pytest.mark.parametrize("exists", [True, False])
def test_missing_data_is_said_at_once_with_the_remedy(
    load, options, words, folder, exists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "DEBIAN_FOLDER", tmp_path / "no-debian")
    data_dir = tmp_path if exists else tmp_path / "nowhere"
    start = time.perf_counter()
    with pytest.raises(MissingData) as caught:
        load(data_dir=str(data_dir), download=False, **options)
    assert time.perf_counter() - start < 0.5
    message = str(caught.value)
    for part in (words, str(data_dir / folder), "data_dir=PATH", "OPTBENCH_DATA", "download=true"):
        assert part in message
    if not exists:
        assert f"({data_dir} does not exist)" in message
    assert "\n" not in message


def test_data_modules_import_nothing_heavy() -> None:
    """Finding data missing and loading what is shipped needs neither torch nor scikit-learn."""
    code = """
import sys
from tasks.data import cifar, digits, langid, mnist, sst2
from tasks.data.dataset import MissingData
digits.load(data_dir="", download=False)
for load, options in [(mnist.load, {"name": "mnist"}), (cifar.load, {"name": "cifar10"}),
                      (sst2.load, {})]:
    try:
        load(data_dir="/nowhere", download=False, **options)
    except MissingData:
        continue
    raise SystemExit("not missing")
heavy = {"torch", "torchvision", "sklearn", "datasets", "pandas"} & set(sys.modules)
raise SystemExit(f"imported {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
