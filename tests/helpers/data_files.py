"""A few files in the published layout of data sets that have to be downloaded."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.data import oxford_pet

TOPIC_WORDS = ("vote", "match", "stock", "robot")
BREEDS = ("Abyssinian", "yorkshire_terrier")
WIDTH, HEIGHT = 24, 16


def write_ag_news(root: Path, header: str = "") -> str:
    """Write forty training items and four test items; each has a word of its topic."""
    (root / "ag_news").mkdir()
    for file, count in (("train.csv", 10), ("test.csv", 1)):
        lines = [
            f'"{topic}","A {word} today","The ""{word}"" of\\nnumber {number}, at home\\"\n'
            for number in range(count)
            for topic, word in enumerate(TOPIC_WORDS, start=1)
        ]
        (root / "ag_news" / file).write_text(header + "".join(lines), encoding="utf-8")
    return str(root)


def write_oxford_pet(root: Path, per_breed: int = 4) -> Path:
    """Write photographs with a bright pet on the left, a border, and background on the right.

    Within a split the brightness falls by 4 from one photograph to the next.
    """
    folder = root / oxford_pet.FOLDER
    for name in ("images", "annotations/trimaps"):
        (folder / name).mkdir(parents=True)
    for split, first in (("trainval", 0), ("test", 100)):
        lines = []
        for number in range(first, first + per_breed):
            for at, breed in enumerate(BREEDS):
                name = f"{breed}_{number}"
                trimap = np.full((HEIGHT, WIDTH), 2, np.uint8)
                trimap[:, :12], trimap[:, 12:15] = 1, 3
                picture = np.where(trimap == 1, 250 - 8 * (number - first) - 4 * at, 10)[..., None]
                picture = np.broadcast_to(picture, (HEIGHT, WIDTH, 3)).astype(np.uint8)
                Image.fromarray(picture).save(folder / f"images/{name}.jpg", quality=100)
                Image.fromarray(trimap).save(folder / f"annotations/trimaps/{name}.png")
                lines.append(f"{name} {at + 1} {at + 1} 1\n")
        (folder / f"annotations/{split}.txt").write_text("".join(lines))
    return folder


def png_header(width: int, height: int) -> bytes:
    """Write the header of a PNG of this size, with few pixels behind it."""

    def chunk(name: bytes, content: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + crc

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = zlib.compress(bytes(100_000_000 // 50))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
