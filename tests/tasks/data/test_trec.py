"""TREC from two small files, and the published ones."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tasks.data import trec
from tasks.data.dataset import MissingData

LINES = [f"{kind}:other Why is it number {n} ?" for n in range(10) for kind in ("DESC", "NUM")]


def write(root: Path, names: dict[str, str]) -> str:
    (root / "trec").mkdir()
    (root / "trec" / names["train"]).write_text("\n".join(LINES), encoding="latin-1")
    (root / "trec" / names["test"]).write_text("NUM:date Où ?\n", encoding="latin-1")
    return str(root)


@pytest.mark.parametrize("names", [trec.FILES, trec.PUBLISHED])
def test_questions_are_read_under_either_name(tmp_path: Path, names: dict[str, str]) -> None:
    data = trec.load(data_dir=write(tmp_path, names), download=False)
    assert [len(s.targets) for s in (data.train, data.val, data.test)] == [18, 2, 1]
    assert data.classes == ("DESC", "NUM") and data.test.targets.tolist() == [1]


def test_the_finer_kind_is_no_part_of_the_question(tmp_path: Path) -> None:
    write(tmp_path, trec.FILES)
    (one,) = trec.read(tmp_path / "trec" / "test.txt")
    assert one.example == "Où ?" and one.label == "NUM"


@pytest.mark.parametrize("line", ["What is it ?", "WHAT:x y", "NUM:date", "NUM:date "])
def test_other_lines_are_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "train.txt").write_text(f"{LINES[0]}\n{line}\n")
    with pytest.raises(MissingData, match=r"train.txt: line 2: no ABBR"):
        trec.read(tmp_path / "train.txt")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"task=trec: no TREC \[train.txt, test.txt\]"):
        trec.load(data_dir=str(tmp_path), download=True)


@pytest.mark.skipif("OPTBENCH_DATA" not in os.environ, reason="OPTBENCH_DATA names no data folder")
def test_the_published_questions() -> None:
    """Li and Roth, table 2: of the 500 test questions 138 ask for a description."""
    folder = Path(os.environ["OPTBENCH_DATA"]) / "trec"
    assert len(trec.read(folder / "train.txt")) == 5_452
    kinds = Counter(one.label for one in trec.read(folder / "test.txt"))
    assert kinds == {"NUM": 113, "LOC": 81, "HUM": 65, "DESC": 138, "ENTY": 94, "ABBR": 9}
