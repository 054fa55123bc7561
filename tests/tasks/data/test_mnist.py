"""MNIST and Fashion-MNIST from idx files, here tiny ones."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from tasks.data import mnist
from tasks.data.dataset import MissingData


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim])
    return header + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def write(folder: Path, packed: bool, count: int = 40) -> np.ndarray:
    """Four files in ``folder``; returns the training images."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    labels = (np.arange(count) % 10).astype(np.uint8)
    for name, array in zip(mnist.FILES, (images, labels, images[:10], labels[:10]), strict=True):
        content = idx(array)
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return images


@pytest.mark.parametrize("folder", ["MNIST/raw", "."])
@pytest.mark.parametrize("packed", [True, False])
def test_packed_and_plain_files_read_identically(tmp_path: Path, folder: str, packed: bool) -> None:
    images = write(tmp_path / "data" / folder, packed)
    write(tmp_path / "reference" / "MNIST" / "raw", packed=False)
    options = {"download": False, "name": "mnist", "validation": 10}
    data = mnist.load(data_dir=str(tmp_path / "data"), **options)
    assert data.train.inputs.shape == (30, 1, 28, 28) and data.train.inputs.dtype == np.uint8
    assert np.bincount(data.val.targets).tolist() == [1] * 10
    assert (data.test.inputs[:, 0] == images[:10]).all()
    reference = mnist.load(data_dir=str(tmp_path / "reference"), **options)
    assert data.fingerprint == reference.fingerprint


def test_fashion_mnist_is_found_where_debian_puts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "debian", packed=True)
    monkeypatch.setattr(mnist, "DEBIAN_FOLDER", tmp_path / "debian")
    options = {"data_dir": str(tmp_path / "nowhere"), "download": False, "validation": 10}
    assert mnist.load(**options, name="fashion_mnist").classes[9] == "Ankle boot"
    with pytest.raises(MissingData):
        mnist.load(**options, name="mnist")


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b"<html>"])
def test_a_damaged_file_is_named(tmp_path: Path, damage) -> None:
    folder = tmp_path / "MNIST" / "raw"
    write(folder, packed=False)
    path = folder / mnist.FILES[0]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(MissingData, match=rf"{folder}.*train-images-idx3-ubyte.*download=true"):
        mnist.load(data_dir=str(tmp_path), download=False, name="mnist", validation=10)


def test_a_failed_download_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torchvision.datasets

    def no_network(root: str, download: bool) -> None:
        raise RuntimeError("Error downloading:\nName or service not known")

    monkeypatch.setattr(torchvision.datasets, "MNIST", no_network)
    with pytest.raises(MissingData) as caught:
        mnist.load(data_dir=str(tmp_path), download=True, name="mnist")
    assert "Name or service not known" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.skipif("OPTBENCH_DATA" not in os.environ, reason="OPTBENCH_DATA names no data folder")
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_published_files(name: str) -> None:
    data = mnist.load(data_dir=os.environ["OPTBENCH_DATA"], download=False, name=name)
    assert [len(split.targets) for split in (data.train, data.val, data.test)] == [
        55_000,
        5_000,
        10_000,
    ]
    images = np.concatenate([data.train.inputs, data.val.inputs])
    published = {"mnist": (0.1307, 0.3081), "fashion_mnist": (0.2860, 0.3530)}[name]
    assert images.mean() / 255 == pytest.approx(published[0], abs=1e-4)
    assert images.std(dtype=np.float32) / 255 == pytest.approx(published[1], abs=1e-4)
    targets = np.concatenate([data.train.targets, data.val.targets])
    share = np.bincount(targets) * 5_000 / 60_000
    assert np.abs(np.bincount(data.val.targets) - share).max() <= 2
