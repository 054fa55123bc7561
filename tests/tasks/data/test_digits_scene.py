"""Scenes of digits: from the right split, labelled where their ink is, always the same."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.data import digits, digits_scene
from tasks.data.dataset import Dataset, Split
from tasks.data.digits_scene import BOX, CELLS, PRESENT, SIZE, lay, scenes


@pytest.fixture(scope="module")
def small() -> Split:
    return scenes(digits.load(data_dir="", download=False).train, 40, seed=0)


def test_each_cell_has_one_digit_or_none(small: Split) -> None:
    found = []
    cell = SIZE // CELLS
    for label in small.targets:
        for part in label.reshape(CELLS, cell, CELLS, cell).swapaxes(1, 2).reshape(-1, cell, cell):
            classes = set(np.unique(part).tolist()) - {0}
            assert len(classes) <= 1
            found += classes
    assert set(found) == set(range(1, 11))
    share = len(found) / (CELLS**2 * len(small.targets))
    assert share == pytest.approx(PRESENT, abs=0.1)


def test_labelled_pixels_have_ink_and_clutter_has_no_label(small: Split) -> None:
    ink = 255 * digits_scene.INK
    bright, labelled = small.inputs[:, 0] > ink, small.targets > 0
    assert bright[labelled].mean() > 0.95  # noise takes some below
    assert 0.1 < (bright & ~labelled).sum() / bright.sum() < 0.6


def test_a_glyph_covers_with_its_ink_only() -> None:
    canvas = np.full((1, SIZE + BOX, SIZE + BOX), 0.3, np.float32)
    labels = np.full(canvas.shape, 9, np.uint8)
    glyph = np.zeros((1, BOX, BOX), np.float32)
    glyph[0, 0, :3] = 1.0, 0.35, 0.1
    lay(canvas, labels, glyph, np.array([4], np.uint8), np.array([[5], [7]]))
    np.testing.assert_allclose(canvas[0, 5, 6:11], [0.3, 1.0, 0.35, 0.3, 0.3], rtol=1e-6)
    assert labels[0, 5, 6:10].tolist() == [9, 4, 9, 9]
    assert (labels == 4).sum() == 1


def test_a_scene_shows_digits_of_its_own_split_only() -> None:
    """With one digit to draw from, there is one class."""
    images, targets = digits.load(data_dir="", download=False).val
    only = Split(images[:1], targets[:1])
    assert set(np.unique(scenes(only, 8, seed=0).targets)) == {0, 1 + targets[0]}


def test_the_whole_is_pinned() -> None:
    """Another fingerprint makes every stored trial incomparable: raise the task's version."""
    data: Dataset = digits_scene.load(data_dir="", download=False)
    assert data.train.inputs.shape == (1_000, 1, 64, 64) and data.train.inputs.dtype == np.uint8
    assert data.test.targets.shape == (400, 64, 64) and data.classes[1] == "0"
    assert data.fingerprint == "f28fae0f17162a33"
