"""CIFAR through torchvision, with files of torchvision's layout that hold a few images."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from tasks.data import cifar
from tasks.data.dataset import MissingData


def write(root: Path, per_file: int = 20) -> np.ndarray:
    """CIFAR-10's files with ``per_file`` images each; returns the test images."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    rng = np.random.default_rng(0)
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    for name in names:
        images = rng.integers(0, 256, (per_file, 3 * 32 * 32), dtype=np.uint8)
        labels = [number % 10 for number in range(per_file)]
        (folder / name).write_bytes(pickle.dumps({"data": images, "labels": labels}))
    meta = {"label_names": [f"class {number}" for number in range(10)]}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta))
    return images.reshape(per_file, 3, 32, 32)


def test_images_keep_their_channel_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torchvision.datasets.cifar as source

    monkeypatch.setattr(source, "check_integrity", lambda path, md5=None: Path(path).exists())
    test_images = write(tmp_path)
    data = cifar.load(data_dir=str(tmp_path), download=False, name="cifar10", validation=10)
    assert data.train.inputs.shape == (90, 3, 32, 32) and data.train.inputs.dtype == np.uint8
    assert (data.test.inputs == test_images).all()
    assert np.bincount(data.val.targets).tolist() == [1] * 10
    assert data.classes[3] == "class 3"


def test_files_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(MissingData, match=r"task=cifar10: .* could not be read"):
        cifar.load(data_dir=str(tmp_path), download=False, name="cifar10")
