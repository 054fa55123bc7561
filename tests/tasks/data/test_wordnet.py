"""WordNet's glosses: the same rows from its own file as from the CSV made of it elsewhere."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from tasks.data import wordnet
from tasks.data.dataset import MissingData
from tasks.data.io.labelled import Labelled

LICENCE = "  1 This software and database is being provided to you, the LICENSEE, by  \n"
LINE = "0000{n:04} {topic} n 01 thing 0 000 | {gloss}  \n"


def write_nouns(folder: Path, lines: list[tuple[str, str]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(LINE.format(n=n, topic=t, gloss=g) for n, (t, g) in enumerate(lines))
    (folder / "data.noun").write_text(LICENCE + text, encoding="utf-8")
    return folder / "data.noun"


def test_topics_are_the_large_files_and_a_gloss_occurs_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """04 is act, 05 animal, 13 food; a repeat counts for its topic's size and is then dropped."""
    monkeypatch.setattr(wordnet, "LEAST", 2)
    lines = [("05", "a cat"), ("04", "a deed"), ("04", "a cat"), ("05", "a dog"), ("13", "a pie")]
    read = wordnet.read_nouns(write_nouns(tmp_path, lines))
    assert [(one.example, one.label) for one in read] == [
        *(("a cat", "animal"), ("a deed", "act"), ("a dog", "animal")),
    ]
    assert read[0].place.endswith("data.noun: line 2")


def test_test_is_a_tenth_by_hash() -> None:
    """``printf a | sha256sum`` begins ca978112 = 3398926610; ``hello`` 2cf24dba = 754077114."""
    split = wordnet.split_by_hash([Labelled(text, "act", "") for text in ("hello", "a")])
    assert {name: [one.example for one in of] for name, of in split.items()} == {
        "train": ["hello"],
        "test": ["a"],
    }


@pytest.mark.parametrize("place", ["data", "debian", "nltk"])
def test_it_is_found_where_it_is_installed(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = {
        "data": tmp_path / "data" / "wordnet",
        "debian": tmp_path / "usr",
        "nltk": tmp_path / "nltk" / "corpora" / "wordnet",
    }
    monkeypatch.setattr(wordnet, "DEBIAN", folders["debian"] / "data.noun")
    monkeypatch.setattr(wordnet, "LEAST", 20)
    monkeypatch.setenv("NLTK_DATA", str(tmp_path / "nltk"))
    with pytest.raises(MissingData, match="wordnet-base"):
        wordnet.load(data_dir=str(tmp_path / "data"), download=False)
    lines = [(("05", "04")[n % 2], f"number {n}") for n in range(60)]
    write_nouns(folders[place], lines)
    data = wordnet.load(data_dir=str(tmp_path / "data"), download=False)
    assert data.classes == ("act", "animal")
    assert sum(len(s.targets) for s in (data.train, data.val, data.test)) == 60


def test_another_file_is_refused_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "data.noun"
    path.write_text(LICENCE + "00001740 29 v 01 breathe 0 000 | draw air into the lungs\n")
    with pytest.raises(MissingData, match=r"data.noun: line 2: no noun of WordNet 3.0"):
        wordnet.read_nouns(path)


@pytest.mark.skipif("OPTBENCH_DATA" not in os.environ, reason="OPTBENCH_DATA names no data folder")
def test_the_published_glosses() -> None:
    data = wordnet.load(data_dir=os.environ["OPTBENCH_DATA"], download=False)
    sizes = [len(split.targets) for split in (data.train, data.val, data.test)]
    assert sizes == [70_828 - 7_083, 7_083, 7_975] and len(data.classes) == 19


@pytest.mark.skipif(
    "OPTBENCH_DATA" not in os.environ or not wordnet.DEBIAN.exists(), reason="needs both"
)
def test_debians_file_and_the_csv_hold_the_same() -> None:
    split = wordnet.split_by_hash(wordnet.read_nouns(wordnet.DEBIAN))
    for name, file in wordnet.FILES.items():
        path = Path(os.environ["OPTBENCH_DATA"]) / "wordnet" / file
        with path.open(encoding="utf-8", newline="") as lines:
            expected = [(row["text"], row["label"]) for row in csv.DictReader(lines)]
        assert [(one.example, one.label) for one in split[name]] == expected
