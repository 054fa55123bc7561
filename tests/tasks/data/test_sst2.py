"""SST-2 from three small files, and the published one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.data import sst2
from tasks.data.dataset import MissingData

TRAIN = "a good film\t1\nA bad film\t0\ngood good\t1\n"


def write(root: Path, train: str = TRAIN) -> str:
    folder = root / "sst2"
    folder.mkdir()
    (folder / "train.tsv").write_text(train, encoding="utf-8")
    (folder / "dev.tsv").write_text("bad good bad\t0\n", encoding="utf-8")
    (folder / "test.tsv").write_text("a film\t1\n", encoding="utf-8")
    return str(root)


def test_words_get_ids_by_frequency_in_the_training_split(tmp_path: Path) -> None:
    """good: 3 times, a and film: 2 each, bad: once and so unknown."""
    data = sst2.load(data_dir=write(tmp_path), download=False, max_length=4)
    assert data.train.inputs.tolist() == [[3, 2, 4, 0], [3, 1, 4, 0], [2, 2, 0, 0]]
    assert data.train.targets.tolist() == [1, 0, 1]
    assert data.val.inputs.tolist() == [[1, 2, 1, 0]]
    assert data.vocabulary_size == 5  # padding, unknown, good, a, film


def test_long_sentences_are_cut(tmp_path: Path) -> None:
    data = sst2.load(data_dir=write(tmp_path), download=False, max_length=2)
    assert data.train.inputs.tolist() == [[3, 2], [3, 1], [2, 2]]


def test_a_header_is_passed_over_and_other_lines_are_not(tmp_path: Path) -> None:
    data_dir = write(tmp_path, "sentence\tlabel\n" + TRAIN)
    assert len(sst2.load(data_dir=data_dir, download=False).train.targets) == 3
    (tmp_path / "sst2" / "train.tsv").write_text("fine\t1\nno label\n", encoding="utf-8")
    with pytest.raises(MissingData, match=r"train\.tsv: line 2: no label"):
        sst2.load(data_dir=data_dir, download=False)


def test_download_names_the_extra_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)  # as if not installed
    with pytest.raises(MissingData, match=r"optbench\[huggingface\]"):
        sst2.load(data_dir=str(tmp_path), download=True)


@pytest.mark.parametrize("reachable", [True, False])
def test_download_writes_the_files_it_then_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reachable: bool
) -> None:
    rows = [{"text": "good film", "label": 1}, {"text": "bad film", "label": 0}]
    hub = {"train": rows, "validation": rows[:1], "test": rows[1:]}

    def dataset_info(self: object, name: str, timeout: float) -> None:
        if not reachable:
            raise ConnectionError("Name or service not known")

    config = SimpleNamespace(HF_HUB_OFFLINE=False)
    fake = SimpleNamespace(load_dataset=lambda name: hub, config=config)
    api = SimpleNamespace(HfApi=type("HfApi", (), {"dataset_info": dataset_info}))
    monkeypatch.setitem(sys.modules, "datasets", fake)
    monkeypatch.setitem(sys.modules, "huggingface_hub", api)
    if reachable:
        data = sst2.load(data_dir=str(tmp_path), download=True)
        assert [len(s.targets) for s in (data.train, data.val, data.test)] == [2, 1, 1]
        assert (tmp_path / "sst2" / "test.tsv").read_text(encoding="utf-8") == "bad film\t0\n"
    else:
        with pytest.raises(MissingData, match="Name or service not known"):
            sst2.load(data_dir=str(tmp_path), download=True)


def test_another_encoding_is_refused_with_file_line_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / "dev.tsv"
    path.write_bytes("good film\t1\nLiterarisch schön\t1\n".encode("latin1"))
    with pytest.raises(MissingData, match=r"dev.tsv: line 2: not UTF-8 .*iconv -f latin1"):
        sst2.read_tsv(path)


@pytest.mark.skipif("OPTBENCH_DATA" not in os.environ, reason="OPTBENCH_DATA names no data folder")
def test_the_published_sentences() -> None:
    data = sst2.load(data_dir=os.environ["OPTBENCH_DATA"], download=False)
    assert [len(split.targets) for split in (data.train, data.val, data.test)] == [
        6_920,
        872,
        1_821,
    ]
    assert data.train.targets.sum() == 3_610  # positive sentences of the treebank's training split
