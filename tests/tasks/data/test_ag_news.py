"""AG News from two small files, and from a stand-in of the hub."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.data import ag_news
from tasks.data.dataset import MissingData
from tests.helpers.data_files import TOPIC_WORDS, write_ag_news


@pytest.mark.parametrize("header", ["", "Class Index,Title,Description\n"])
def test_items_are_read_with_and_without_a_header(tmp_path: Path, header: str) -> None:
    data = ag_news.load(data_dir=write_ag_news(tmp_path, header), download=False)
    assert [len(s.targets) for s in (data.train, data.val, data.test)] == [36, 4, 4]
    assert data.classes == ("Business", "Sci/Tech", "Sports", "World")
    assert data.test.targets.tolist() == [3, 2, 0, 1]
    assert sorted(data.val.targets.tolist()) == [0, 1, 2, 3]


def test_title_and_description_are_one_text_without_escapes(tmp_path: Path) -> None:
    write_ag_news(tmp_path)
    first, *_ = ag_news.read(tmp_path / "ag_news" / "test.csv")
    assert " ".join(first.example.split()) == 'A vote today The "vote" of number 0, at home'
    assert first.label == "World" and first.place.endswith("test.csv: row 1 (line 1)")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('"5","a","b"', r"row 2 \(line 2\): no \"CLASS\""),
        ('"0","a","b"', r"row 2 \(line 2\): no \"CLASS\""),
        ('"1","a"', r"row 2 \(line 2\): no \"CLASS\""),
        ('Class,"a","b"', r"row 2 \(line 2\): no \"CLASS\""),
        ('"1",""," "', r"row 2 \(line 2\): empty"),
        ('"1","a "quote" here","b"', r"line 2: .* double a field's own quotes"),
        ('"1","a","b', r"line 2: unexpected end of data"),
    ],
)
def test_other_rows_are_refused(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "train.csv"
    path.write_text(f'"1","a","b"\n{line}\n')
    with pytest.raises(MissingData, match=rf"task=ag_news: .*train\.csv: {said}"):
        ag_news.read(path)


def test_another_encoding_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_bytes('"1","Où","b"\n'.encode("latin-1"))
    with pytest.raises(MissingData, match=r"train\.csv: line 1: not UTF-8"):
        ag_news.read(path)
    path.write_text("Class Index,Title,Description\n")
    with pytest.raises(MissingData, match=r"train\.csv: empty"):
        ag_news.read(path)


def test_missing_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = r"task=ag_news: no AG News \[train\.csv, test\.csv\] .*needs optbench\[huggingface\]"
    with pytest.raises(MissingData, match=said):
        ag_news.load(data_dir=str(tmp_path), download=False)
    monkeypatch.setitem(sys.modules, "datasets", None)  # as if not installed
    with pytest.raises(MissingData, match=r"task=ag_news: .*pip install 'optbench\[huggingface\]'"):
        ag_news.load(data_dir=str(tmp_path), download=True)


def test_download_writes_the_files_it_then_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [
        {"text": f'{word} "{n}"', "label": at}
        for n in range(5)
        for at, word in enumerate(TOPIC_WORDS)
    ]
    published = {"train": items, "test": items[:4]}
    asked = []

    def dataset_info(self: object, name: str, timeout: float) -> None:
        asked.append(name)

    config = SimpleNamespace(HF_HUB_OFFLINE=False)
    fake = SimpleNamespace(load_dataset=lambda name: published, config=config)
    api = SimpleNamespace(HfApi=type("HfApi", (), {"dataset_info": dataset_info}))
    monkeypatch.setitem(sys.modules, "datasets", fake)
    monkeypatch.setitem(sys.modules, "huggingface_hub", api)
    data = ag_news.load(data_dir=str(tmp_path), download=True)
    assert [len(s.targets) for s in (data.train, data.val, data.test)] == [18, 2, 4]
    assert data.test.targets.tolist() == [3, 2, 0, 1] and asked == [ag_news.HUB_NAME]
    first, *_ = ag_news.read(tmp_path / "ag_news" / "train.csv")
    assert first.example.strip() == 'vote "0"'


def test_a_trial_learns_them(tmp_path: Path, optbench) -> None:
    words = [
        "task=ag_news",
        f"data_dir={write_ag_news(tmp_path)}",
        "batch_size=8",
        "budget.steps=40",
    ]
    ended = optbench(*words, "optimizer.lr=0.01", "study=news")
    assert ended.code == 0, ended.err
    assert "test/accuracy 1.0000" in ended.out
