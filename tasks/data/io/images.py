"""A user's folder of images: which files it holds, and one of them as numbers."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tasks.data.dataset import MissingData

if TYPE_CHECKING:
    from PIL import Image

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP")
"""Pillow's names of what these endings stand for. It tries no other: some of its readers call other
programs."""
MOST_PIXELS = 178_956_970
"""Of one image, half a GiB in colour: Pillow's own limit, of which it warns at a half."""
MODES = {True: "RGB", False: "L"}
UNUSED = ("__MACOSX",)
"""Folders that packers leave behind."""


class Picture(NamedTuple):
    """An image as a model gets it.

    Attributes:
        pixels: uint8 ``[C, size, size]``.
        digest: of all its pixels before they were resized.
        ground: what a transparent image was laid on, ``white`` or ``black``; empty: it is opaque.
        further: whether its file has more frames or pages.
        cut: whether it is no square, so that its sides are lost.
    """

    pixels: np.ndarray
    digest: bytes
    ground: str
    further: bool
    cut: bool


def find_images(folder: Path, name: str, skipped: Counter[str]) -> list[Path]:
    """List the images in a folder and below, in order; links are followed.

    Args:
        name: what errors call the whole, e.g. ``data.path=photos``.
        skipped: files of other kinds are counted here, by kind.

    Raises:
        MissingData: a link leads back or nowhere, or a folder cannot be read.
    """
    above = frozenset(map(os.path.realpath, folder.parents))
    return sorted(_walk(folder, above, name, skipped))


def _walk(folder: Path, above: frozenset[str], name: str, skipped: Counter[str]) -> Iterator[Path]:
    """Walk through a folder; ``above`` are the real paths of those that lead to it."""
    real = os.path.realpath(folder)
    if real in above:
        raise MissingData(
            f"{name}: {folder} is a link to a folder that it lies in; remove the link"
        )
    for path in list_inside(folder, name):
        if path.is_dir() and is_unused(path):
            skipped[f"in {path.name}"] += count_files(path)
        elif path.is_dir():
            yield from _walk(path, above | {real}, name, skipped)
        elif kind := describe_skipped(path, name):
            skipped[kind] += 1
        else:
            yield path


def list_inside(folder: Path, name: str) -> list[Path]:
    """List what a folder holds, in order."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise MissingData(
            f"{name}: {folder}: not readable ({error.strerror}); allow it, or remove it"
        ) from error


def is_unused(folder: Path) -> bool:
    """Tell a folder that holds no data: hidden, or left behind by a packer."""
    return folder.name.startswith(".") or folder.name in UNUSED


def describe_skipped(path: Path, name: str) -> str:
    """Return the kind of a file that is not read, e.g. ``.heic``; empty for an image.

    Raises:
        MissingData: it is a link to nothing, which may have been an image or a whole class.
    """
    if path.name.startswith("."):
        return "hidden"
    if not path.exists():
        raise MissingData(f"{name}: {path}: a link to nothing; mend or remove it")
    if path.suffix.lower() not in ENDINGS:
        return path.suffix.lower() or "without an ending"
    return "" if path.is_file() else "no file"


def count_files(folder: Path) -> int:
    """Count all files in a folder and below; links to folders are not followed."""
    return sum(len(files) for _, _, files in os.walk(folder))


def read_image(name: str, size: int, colour: bool, file: Path) -> Picture:
    """Read an image upright, its middle square resized.

    Raises:
        MissingData: naming the file and the remedy.
    """
    from PIL import Image, ImageOps  # only where there is something to read

    try:
        with Image.open(file, formats=FORMATS) as image:
            _check_pixels(image, f"{name}: {file}")
            further = getattr(image, "n_frames", 1) > 1
            upright, ground = _flatten(ImageOps.exif_transpose(image), MODES[colour])
    except Image.DecompressionBombError as error:
        raise _too_large(f"{name}: {file}") from error
    except Image.UnidentifiedImageError as error:
        raise MissingData(
            f"{name}: {file}: no readable image (none of {', '.join(FORMATS)}); convert or "
            "remove it"
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        reason = " ".join(str(error).split())
        raise MissingData(f"{name}: {file}: no readable image ({reason}); remove it") from error
    digest = hashlib.blake2b(f"{upright.mode} {upright.size}".encode(), digest_size=16)
    digest.update(np.asarray(upright).data)
    square = ImageOps.fit(upright, (size, size), Image.Resampling.BILINEAR)
    pixels = np.asarray(square).reshape(size, size, -1).transpose(2, 0, 1)
    return Picture(pixels, digest.digest(), ground, further, cut=upright.width != upright.height)


def _check_pixels(image: Image.Image, place: str) -> None:
    """Refuse an image by its header, before its pixels are unpacked."""
    if image.width * image.height > MOST_PIXELS:
        raise _too_large(place)
    if image.mode.startswith(("I", "F")):
        raise MissingData(f"{place}: more than 8 bits a channel; convert it")


def _too_large(place: str) -> MissingData:
    return MissingData(f"{place}: too many pixels; the limit is {MOST_PIXELS:,}; make it smaller")


def _flatten(image: Image.Image, mode: str) -> tuple[Image.Image, str]:
    """Lay a transparent image on white, or on black where it would not be seen on white.

    Returns:
        The image in ``mode``, and ``white``, ``black`` or, of an opaque one, nothing.
    """
    from PIL import Image  # only where there is something to read

    if not image.has_transparency_data:
        return image.convert(mode), ""
    if image.mode == "La":
        image = image.convert("LA")
    layer = image.convert("RGBA")
    low, _ = layer.getchannel("A").getextrema()
    if low == 255:
        return image.convert(mode), ""
    found = {}
    for ground in ("white", "black"):
        found[ground] = Image.alpha_composite(Image.new("RGBA", layer.size, ground), layer)
        found[ground] = found[ground].convert(mode)
        if not _is_plain(found[ground]):
            return found[ground], ground
    return found["white"], "white"


def _is_plain(image: Image.Image) -> bool:
    """Tell whether all pixels are alike."""
    extrema = np.reshape(image.getextrema(), (-1, 2))
    return bool((extrema[:, 0] == extrema[:, 1]).all())
