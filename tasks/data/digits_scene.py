"""Scenes of handwritten digits among clutter, 64x64, each pixel labelled: 1 000 / 200 / 400.

A scene is a dark canvas with noise, quarters of digits scattered over it, and 16 cells. Six cells
of ten have a whole digit, as large as scikit-learn ships it, that covers what it lies on. A pixel
belongs to the digit whose ink lies on it, and the quarters to the background: telling them apart
takes the shape around a pixel, not its brightness.
Scenes are drawn from the digits of their own split, so that no handwriting is seen both in training
and in a test. No network and no folder are needed.
"""

from __future__ import annotations

import numpy as np

from tasks.data import digits
from tasks.data.dataset import Dataset, Split

SCENES = {"train": 1_000, "val": 200, "test": 400}
SIZE = 64
CELLS = 4  # of a scene, by height and by width
PRESENT = 0.6  # probability of a digit in a cell
QUARTERS = 4
BOX = 8  # pixels of a digit, by height and width, as scikit-learn ships it
INK = 0.4  # of the darkest grey level: what is fainter is edge, and background
NOISE = 0.05  # standard deviation, in units of the darkest grey level
CLASSES = ("background", *digits.NAMES)


def load(*, data_dir: str, download: bool) -> Dataset:
    """Images ``[N, 1, 64, 64]``, uint8; labels ``[N, 64, 64]``, uint8: 0, or 1 + the digit."""
    source = digits.load(data_dir=data_dir, download=download)
    train, val, test = (
        scenes(getattr(source, name), count, seed)
        for seed, (name, count) in enumerate(SCENES.items())
    )
    return Dataset(train, val, test, CLASSES)


def scenes(source: Split, count: int, seed: int) -> Split:
    """``count`` scenes of the digits in ``source``, laid layer by layer, the quarters first.

    NumPy's legacy generator is used because its stream is frozen for all versions.
    """
    random = np.random.RandomState(seed)
    glyphs = source.inputs[:, 0].astype(np.float32)
    canvas = np.zeros((count, SIZE + BOX, SIZE + BOX), np.float32)  # cut to size at the end
    labels = np.zeros(canvas.shape, np.uint8)
    cell = SIZE // CELLS
    for layer in range(QUARTERS + CELLS**2):
        chosen = random.randint(len(source.targets), size=count)
        glyph = glyphs[chosen]
        if layer < QUARTERS:
            glyph = glyph * quarters(random.randint(0, 2, (2, count)))
            mark = np.zeros(count, np.uint8)
            corner = random.randint(0, SIZE - BOX + 1, (2, count))
        else:
            glyph = glyph * (random.random_sample(count) < PRESENT)[:, None, None]
            mark = (1 + source.targets[chosen]).astype(np.uint8)
            start = cell * np.array(divmod(layer - QUARTERS, CELLS))[:, None]
            corner = start + random.randint(0, cell - BOX + 1, (2, count))
        lay(canvas, labels, glyph, mark, corner)
    noise = random.standard_normal((count, SIZE, SIZE)).astype(np.float32)
    grey = (canvas[:, :SIZE, :SIZE] + NOISE * noise).clip(0, 1)
    return Split(np.rint(255 * grey).astype(np.uint8)[:, None], labels[:, :SIZE, :SIZE].copy())


def quarters(quarter: np.ndarray) -> np.ndarray:
    """Where in its box a quarter of a digit lies, ``[N, BOX, BOX]``, bool.

    Args:
        quarter: 0 = upper, 1 = lower, and 0 = left, 1 = right, ``[2, N]``.
    """
    half = np.arange(BOX) // (BOX // 2)
    rows, columns = (half == one[:, None] for one in quarter)
    inside: np.ndarray = rows[:, :, None] & columns[:, None, :]
    return inside


def lay(
    canvas: np.ndarray, labels: np.ndarray, glyph: np.ndarray, mark: np.ndarray, corner: np.ndarray
) -> None:
    """Lay one glyph on each canvas, in place; ink covers, what is fainter only brightens.

    Args:
        canvas, labels: ``[N, SIZE + BOX, SIZE + BOX]``.
        glyph: ``[N, BOX, BOX]``, its digit in the upper left.
        mark: label of its ink, ``[N]``.
        corner: top and left of the box, ``[2, N]``.
    """
    across = np.arange(BOX)
    top, left = corner[:, :, None, None]
    place = np.arange(len(canvas))[:, None, None], top + across[:, None], left + across
    inked = glyph > INK
    canvas[place] = np.where(inked, glyph, np.maximum(canvas[place], glyph))
    labels[place] = np.where(inked, mark[:, None, None], labels[place])
