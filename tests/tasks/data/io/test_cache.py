"""What a loader made is found again, and made anew after any change that could move it."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path

import joblib
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
        return Dataset(*splits, classes=("no", "yes"), ignored=7, notes=("1 of 13 is left out",))

    @classmethod
    def second(cls) -> Dataset:
        """What it gives when it is asked for the second time."""
        loader = cls()
        loader.calls = 1
        return loader()


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
    assert second.notes == first.notes == ("1 of 13 is left out",)
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


def cut(share: float) -> Callable[[Path], None]:
    return lambda path: write_over(path, path.read_bytes()[: int(share * path.stat().st_size)])


def write_over(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def change_header(**values: object) -> Callable[[Path], None]:
    """A header that says something else, with a checksum of its own."""

    def change(path: Path) -> None:
        line, _, rest = path.read_bytes().partition(b"\n")
        described = json.loads(line[9:])
        for key, value in values.items():
            within = described if key in described else described["value"]
            within[key] = value(within[key]) if callable(value) else value
        header = json.dumps(described).encode().ljust(len(line) - 9) + b"\n"
        path.write_bytes(b"%08x " % zlib.crc32(header) + header + rest)

    return change


def change_arrays(**values: object) -> Callable[[Path], None]:
    """Every array described otherwise."""
    return change_header(arrays=lambda arrays: [{**one, **values} for one in arrays])


def flip(path: Path) -> None:
    """One bit of the last array."""
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)


def folder_instead(path: Path) -> None:
    path.unlink()
    (path / "more").mkdir(parents=True)
    (path / "more" / "file").write_text("")


def link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def pipe_instead(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


class Canary:
    """Leaves a file behind where somebody unpickles it."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.place,))


def pickled(path: Path) -> None:
    write_over(path, pickle.dumps(Canary(path.parent.parent / "canary")))


def pickled_array(path: Path) -> None:
    np.save(
        path.with_suffix(".npy"), np.array([Canary(path.parent.parent / "canary")], dtype=object)
    )
    path.with_suffix(".npy").replace(path)


def joblib_dump(path: Path) -> None:
    joblib.dump(Canary(path.parent.parent / "canary"), path)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "nothing in it": cut(0),
    "its start": cut(0.1),
    "a half": cut(0.5),
    "all but the end": cut(0.99),
    "more than all": lambda path: write_over(path, path.read_bytes() + b"\0"),
    "noise": lambda path: write_over(path, np.random.default_rng(0).bytes(5_000)),
    "zeros": lambda path: write_over(path, bytes(path.stat().st_size)),
    "text": lambda path: write_over(path, b"hello\n"),
    "deep JSON": lambda path: write_over(path, b"[" * 200_000 + b"\n"),
    "a long line": lambda path: write_over(path, b" " * (1 << 25)),
    "a list": lambda path: write_over(path, b"[1]\n"),
    "an empty object": lambda path: write_over(path, b"{}\n"),
    "another type of numbers": change_arrays(dtype="<f8"),
    "numbers of the same size": change_arrays(dtype="<i4"),
    "objects": change_arrays(dtype="|O"),
    "no type": change_arrays(dtype="abc"),
    "another shape": change_arrays(shape=[3, 2]),
    "a huge shape": change_arrays(shape=[1 << 40, 1 << 40]),
    "a negative shape": change_arrays(shape=[-1]),
    "a shape of words": change_arrays(shape="abc"),
    "another place": change_arrays(offset=64),
    "a place outside": change_arrays(offset=1 << 40),
    "fewer arrays": change_header(arrays=lambda arrays: arrays[:2]),
    "no arrays": change_header(arrays=None),
    "other classes": change_header(classes=["no"]),
    "classes that are none": change_header(classes=7),
    "another fingerprint": change_header(fingerprint=7),
    "a flipped bit": flip,
    "a folder": folder_instead,
    "a link to itself": link_to_itself,
    "a pipe": pipe_instead,
    "a pickle": pickled,
    "a pickled array": pickled_array,
    "a file of joblib's": joblib_dump,
}


@pytest.mark.parametrize("what", DAMAGE)
def test_whatever_is_wrong_with_it_it_is_made_anew(
    file: Path, folder: Path, what: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    make = Loader()
    cache.load_or_make("mine", [file], {}, make)
    (damaged,) = folder.iterdir()
    DAMAGE[what](damaged)
    again, third = (cache.load_or_make("mine", [file], {}, make) for _ in range(2))
    assert make.calls == 2
    assert again.fingerprint == third.fingerprint == Loader.second().fingerprint
    assert list(folder.iterdir()) == [damaged]
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_text_is_made_anew_too(
    file: Path, folder: Path, what: str, tmp_path: Path
) -> None:
    made = []

    def make() -> str:
        made.append("abc")
        return "abc"

    cache.load_or_make("text", [file], {}, make)
    (damaged,) = folder.iterdir()
    with contextlib.suppress(KeyError, TypeError):  # it has no arrays to describe otherwise
        DAMAGE[what](damaged)
    assert cache.load_or_make("text", [file], {}, make) == "abc"
    assert not (tmp_path / "canary").exists()


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
