"""Data that stays on disk: the same batches, metrics and records as in memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import tracking
from bench.trial.batches import Batches
from tasks.base import Task
from tasks.data import text_lm
from tasks.data.dataset import Dataset, Split, digest
from tasks.data.io import mapped
from tasks.image import ImageClassification, compute_channel_statistics
from tasks.language import LanguageModelling
from tasks.stored import Stored

CPU = torch.device("cpu")


def a_text(path: Path, count: int = 50_000) -> Path:
    path.write_bytes(np.random.default_rng(0).bytes(count))
    return path


def language(path: Path) -> Task:
    data = text_lm.load(data_dir="", download=False, path=str(path), length=16, validation=160)
    return LanguageModelling(data)


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Task, Task]:
    """The same text in memory, and on disk."""
    path = a_text(tmp_path / "text")
    in_memory = language(path)
    monkeypatch.setattr(mapped, "LIMIT", 10_000)
    return in_memory, language(path)


def test_only_what_is_large_stays_on_disk(both: tuple[Task, Task]) -> None:
    in_memory, on_disk = both
    kinds = [type(on_disk.tensors(split, CPU)[0]) for split in ("train", "val", "test")]
    assert kinds == [Stored, torch.Tensor, torch.Tensor]
    assert isinstance(in_memory.tensors("train", CPU)[0], torch.Tensor)
    assert on_disk.dataset.fingerprint == in_memory.dataset.fingerprint


def test_a_large_text_is_hashed_as_a_small_one(tmp_path: Path, monkeypatch) -> None:
    path = a_text(tmp_path / "text")
    small = text_lm.cut_windows(np.fromfile(path, np.uint8), 16)
    monkeypatch.setattr(mapped, "LIMIT", 10_000)
    monkeypatch.setattr(mapped, "CHUNK", 999)
    large = text_lm.cut_windows(mapped.read_bytes(path), 16)
    assert mapped.is_large(large.inputs) and len(list(mapped.iterate_chunks(large.inputs))) > 50
    assert digest([large]) == digest([small])


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_those_of_memory(both: tuple[Task, Task], workers: int) -> None:
    """Their order is a function of the seed, whoever reads them."""
    steps = 2 * (len(both[0].dataset.train.targets) // 64) + 1  # into a third epoch
    pairs = [
        list(Batches(*task.tensors("train", CPU), 64, steps, seed=3, workers=workers))
        for task in both
    ]
    assert len(pairs[0]) == len(pairs[1]) == steps
    for (inputs, targets), (others, following) in zip(*pairs, strict=True):
        assert inputs.equal(others) and targets.equal(following)


def test_rows_by_slice_and_by_indices_of_any_shape(both: tuple[Task, Task]) -> None:
    usual, stored = (task.tensors("train", CPU) for task in both)
    rows = torch.tensor([[5, 0, 5], [7, 2, 1]])
    for expected, found in zip(usual, stored, strict=True):
        assert found[rows].equal(expected[rows])
        assert found[3:9].equal(expected[3:9])
        assert len(found) == len(expected)


def test_channels_of_a_large_file_have_the_same_statistics(tmp_path: Path, monkeypatch) -> None:
    images = np.random.default_rng(1).integers(0, 256, (40, 3, 8, 8)).astype(np.uint8)
    np.save(tmp_path / "images.npy", images)
    expected = compute_channel_statistics(images)
    monkeypatch.setattr(mapped, "LIMIT", 1_000)
    monkeypatch.setattr(mapped, "CHUNK", 2_000)
    file = np.load(tmp_path / "images.npy", mmap_mode="r")
    torch.testing.assert_close(compute_channel_statistics(file), expected)
    small = Split(images[:4], np.arange(4) % 2)
    data = Dataset(Split(file, np.arange(40) % 2), small, small, ("no", "yes"))
    inputs, _ = ImageClassification(data).tensors("train", CPU)
    assert isinstance(inputs, Stored)
    mean, std = expected
    torch.testing.assert_close(inputs[2:5], (torch.tensor(images[2:5]).float() - mean) / std)
    assert inputs[2:5].is_contiguous(memory_format=torch.channels_last)


def test_the_record_is_that_of_memory(optbench, uri: str, tmp_path: Path, monkeypatch) -> None:
    """Alone, with workers, and in a stack."""

    def values(name: str, *more: str) -> list[float]:
        path = a_text(tmp_path / name)  # a process loads a data set once
        words = ["task=text_lm", f"data.path={path}", "data.length=16", "model.dim=16"]
        words += ["budget.steps=6", "batch_size=4", "report=false", f"study={name}"]
        ended = optbench(*more, *words)
        assert ended.code == 0, ended.err
        finals = [record.result.final for record in tracking.read(uri, name)]
        return sorted(final["test/loss"] for final in finals)

    stacked = ("-m", "seed=0,1", "hydra/launcher=stacked", "stack.size=2")
    alone, together = values("memory"), values("memory_stacked", *stacked)
    monkeypatch.setattr(mapped, "LIMIT", 10_000)
    assert values("disk") == values("workers", "trainer.workers=1") == alone
    assert values("disk_stacked", *stacked) == together


def test_workers_out_of_range_are_refused(optbench) -> None:
    ended = optbench("trainer.workers=-1")
    assert ended.code == 2
    assert "trainer.workers: -1 is not a number of processes from 0 to 64" in ended.err


PEAK = """
import resource, sys
from bench.__main__ import main
try:
    main()
finally:
    print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


@pytest.mark.slow
def test_two_gigabytes_train_in_one_of_memory(tmp_path: Path) -> None:
    """Beyond what the same command takes with a text of 1 MB; the first start hashes the file."""
    sizes = {"small": 1 << 20, "large": 2 << 30}
    peaks = {}
    for name, size in sizes.items():
        path = tmp_path / name
        with path.open("wb") as file:
            for start in range(0, size, 1 << 20):
                file.write(np.random.default_rng(start).bytes(1 << 20))
        words = ["task=text_lm", f"data.path={path}", "budget.steps=200", "model.layers=1"]
        words += ["budget.eval_every=100", "model.dim=16", "model.heads=2"]
        ended = subprocess.run(
            [sys.executable, "-c", PEAK, *words],
            cwd=tmp_path,
            env={**os.environ, "OPTBENCH_CACHE": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )
        peaks[name] = int(ended.stderr.rpartition("PEAK ")[2])
        path.unlink()
    print(f"peak memory in MiB: {peaks}")
    assert peaks["large"] - peaks["small"] < 1024
