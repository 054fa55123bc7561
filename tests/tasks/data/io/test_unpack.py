"""Packed files: read up to a stated limit, refused beyond it while they are read."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest

from tasks.data import mnist, text_file, text_lm
from tasks.data.dataset import MissingData
from tasks.data.io import rows, unpack

ROW = "text,label\n"


def bomb(path: Path, size: int, start: bytes = b"") -> Path:
    """A file that unpacks to ``size`` zeros after ``start``."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(start)
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return path


@pytest.mark.parametrize("ending", [".csv.gz", ".tsv.gz", ".jsonl.gz", ".parquet.gz"])
def test_a_gzip_bomb_is_refused_while_it_is_read(tmp_path: Path, monkeypatch, ending: str) -> None:
    monkeypatch.setattr(unpack, "LIMIT", 4 << 20)
    path = bomb(tmp_path / f"x{ending}", 256 << 20)
    tracemalloc.start()
    with pytest.raises(MissingData) as refused:
        text_file.load(data_dir="", download=False, train=str(path), text="text", label="label")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    message = str(refused.value)
    assert message.startswith(f"data.train={path}: unpacks to more than 4 MiB")
    assert "gunzip" in message and "\n" not in message
    assert peak < 64 << 20


def test_text_lm_refuses_it_too(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(unpack, "LIMIT", 4 << 20)
    path = bomb(tmp_path / "x.txt.gz", 16 << 20)
    with pytest.raises(MissingData, match=r"x.txt.gz.* unpacks to more than 4 MiB"):
        text_lm.load(data_dir="", download=False, path=str(path), length=8, validation=64)


def test_mnist_refuses_it_too(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(unpack, "LIMIT", 4 << 20)
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for file in mnist.FILES:
        bomb(folder / f"{file}.gz", 16 << 20)
    with pytest.raises(MissingData, match=r"unpacks to more than 4 MiB"):
        mnist.load(data_dir=str(tmp_path), download=False, name="mnist")


@pytest.mark.slow
def test_the_limit_that_is_shipped_holds_for_a_bomb_of_6_gigabytes(tmp_path: Path) -> None:
    path = bomb(tmp_path / "x.csv.gz", 6 << 30, ROW.encode())
    assert path.stat().st_size < 40 << 20
    began = time.monotonic()
    with pytest.raises(MissingData, match="unpacks to more than 1 GiB"):
        list(rows.read(path, ("text", "label"), "data.train=x.csv.gz"))
    assert time.monotonic() - began < 60


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(rows, "MOST_ROWS", 1000)
    (tmp_path / "x.csv").write_text(ROW + "a,1\n" * 1001)
    pd.DataFrame({"text": ["a"] * 1001, "label": 1}).to_parquet(tmp_path / "x.parquet")
    for name in ("x.csv", "x.parquet"):
        with pytest.raises(MissingData, match=rf"{name}: more than 1,000 rows; give fewer"):
            list(rows.read(tmp_path / name, ("text", "label"), f"data.train={name}"))
    (tmp_path / "x.csv").write_text(ROW + "a,1\n" * 1000)
    assert len(list(rows.read(tmp_path / "x.csv", ("text", "label"), "x"))) == 1000


def test_a_parquet_bomb_is_refused_while_it_is_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(unpack, "LIMIT", 4 << 20)
    pd.DataFrame({"text": ["a" * 1000] * 100_000, "label": 1}).to_parquet(tmp_path / "x.parquet")
    assert (tmp_path / "x.parquet").stat().st_size < 1 << 20
    with pytest.raises(MissingData, match=r"x.parquet: unpacks to more than 4 MiB"):
        list(rows.read(tmp_path / "x.parquet", ("text", "label"), "data.train=x.parquet"))


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[:-4], lambda raw: raw[:-9], lambda raw: raw[:20] + b"\xff" * 40]
)
def test_a_damaged_one_is_refused_in_a_line(tmp_path: Path, damage) -> None:
    packed = gzip.compress((ROW + "abc,1\nbcd,2\n" * 50).encode())
    (tmp_path / "x.csv.gz").write_bytes(damage(packed))
    with pytest.raises(MissingData, match=r"x\.csv\.gz: not readable") as refused:
        list(rows.read(tmp_path / "x.csv.gz", ("text", "label"), "data.train=x.csv.gz"))
    assert "\n" not in str(refused.value)
