"""What a loader made is found again, and made anew after any change that could move it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks.data.dataset import SPLITS, Dataset, Split
from tasks.data.io import cache


def a_split(count: int, start: int) -> Split:
    numbers = np.arange(start, start + 3 * count, dtype=np.float32)
    return Split(numbers.reshape(count, 3), np.arange(count) % 2)


class Loader:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Dataset:
        self.calls += 1
        splits = [a_split(count, self.calls) for count in (6, 2, 4)]
        return Dataset(*splits, classes=("no", "yes"), ignored=7)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.txt"
    path.write_text("one")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"  # as tests/conftest.py sets it


def test_it_is_made_once_and_is_the_same(file: Path) -> None:
    make = Loader()
    first, second = (cache.load_or_make("mine", [file], {"length": 3}, make) for _ in range(2))
    assert make.calls == 1
    assert second.fingerprint == first.fingerprint
    assert (second.classes, second.vocabulary_size, second.ignored) == (("no", "yes"), None, 7)
    for name in SPLITS:
        for old, new in zip(getattr(first, name), getattr(second, name), strict=True):
            assert new.dtype == old.dtype and np.array_equal(new, old)
            assert not new.flags.writeable


def another_size(file: Path) -> None:
    file.write_text("three")


def another_time(file: Path) -> None:
    os.utime(file, ns=(1, 1))


@pytest.mark.parametrize("change", [another_size, another_time])
def test_a_changed_file_is_read_again(file: Path, change: Callable[[Path], None]) -> None:
    make = Loader()
    cache.load_or_make("mine", [file], {}, make)
    change(file)
    cache.load_or_make("mine", [file], {}, make)
    assert make.calls == 2


def test_other_options_and_other_code_make_another(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Loader()
    cache.load_or_make("mine", [file], {"length": 3}, make)
    cache.load_or_make("mine", [file], {"length": 4}, make)
    assert make.calls == 2
    monkeypatch.setattr(cache, "_hash_code", lambda: "other lines")
    cache.load_or_make("mine", [file], {"length": 3}, make)
    assert make.calls == 3


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_damaged_one_is_made_anew(
    file: Path, folder: Path, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    make = Loader()
    cache.load_or_make("mine", [file], {}, make)
    (damaged,) = folder.iterdir()
    damaged.write_bytes(damaged.read_bytes()[: int(share * damaged.stat().st_size)])
    for _ in range(2):
        cache.load_or_make("mine", [file], {}, make)
    assert make.calls == 2
    assert list(folder.iterdir()) == [damaged]
    assert capfd.readouterr() == ("", "")


def test_what_another_process_made_meanwhile_stays_readable(file: Path, folder: Path) -> None:
    mapped = []

    def make() -> Dataset:
        cache.load_or_make("mine", [file], {}, Loader())
        mapped.append(cache.load_or_make("mine", [file], {}, Loader()))
        return mapped[0]

    outer = cache.load_or_make("mine", [file], {}, make)
    assert len(list(folder.iterdir())) == 1
    latest = cache.load_or_make("mine", [file], {}, Loader())
    for data in (*mapped, latest):
        assert np.array_equal(data.train.inputs, outer.train.inputs)


def test_a_folder_that_cannot_be_written_keeps_nothing(file: Path, folder: Path) -> None:
    folder.write_text("a file in its place")
    make = Loader()
    for _ in range(2):
        assert cache.load_or_make("mine", [file], {}, make).fingerprint
        assert cache.load_or_make("mine", [file], {}, lambda: "abc") == "abc"
    assert make.calls == 2


def test_a_fingerprint_alone_is_kept_too(file: Path) -> None:
    def never() -> str:
        raise AssertionError

    assert cache.load_or_make("text", [file], {"length": 3}, lambda: "abc") == "abc"
    assert cache.load_or_make("text", [file], {"length": 3}, never) == "abc"
    with pytest.raises(AssertionError):
        cache.load_or_make("text", [file], {"length": 4}, never)
