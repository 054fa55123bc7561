"""IMDB from small files, plain and packed, and the published ones."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from tasks.data import imdb
from tasks.data.dataset import MissingData

HEADER = "label,rating,id,text\n"


@pytest.mark.parametrize("packed", [False, True])
def test_reviews_are_read_plain_and_packed(tmp_path: Path, packed: bool) -> None:
    (tmp_path / "imdb").mkdir()
    for file, count in (("train.csv", 40), ("test.csv", 4)):
        rows = [f'{n % 2},{n},{n},"so, it<br /><br />ends"\n' for n in range(count)]
        path = tmp_path / "imdb" / (file + ".gz" * packed)
        content = (HEADER + "".join(rows)).encode()
        path.write_bytes(gzip.compress(content) if packed else content)
    data = imdb.load(data_dir=str(tmp_path), download=False)
    assert [len(s.targets) for s in (data.train, data.val, data.test)] == [36, 4, 4]
    assert data.test.targets.tolist() == [0, 1, 0, 1] and data.classes == ("0", "1")
    assert data.train.inputs.shape[1] == 4  # so , it ends: the break is gone


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"task=imdb: no IMDB \[train.csv, test.csv, or .gz\]"):
        imdb.load(data_dir=str(tmp_path), download=True)


@pytest.mark.skipif("OPTBENCH_DATA" not in os.environ, reason="OPTBENCH_DATA names no data folder")
def test_the_published_reviews() -> None:
    reviews = imdb.read(Path(os.environ["OPTBENCH_DATA"]) / "imdb" / "train.csv.gz")
    assert len(reviews) == 25_000
    assert sum(one.label == "1" for one in reviews) == 12_500
