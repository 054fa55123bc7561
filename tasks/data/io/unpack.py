"""Files packed as ``.gz``, unpacked into memory up to a limit: a small file may hold terabytes."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

LIMIT = 1 << 30
"""Bytes of one file, unpacked. Texts take several times as much once they are Python's."""
CHUNK = 1 << 20


def is_packed(path: Path) -> bool:
    """Tell a packed file by its ending."""
    return path.suffix.lower() == ".gz"


def read(path: Path) -> bytes:
    """Return the bytes of a file, unpacked where its ending is ``.gz``; raises as ``read_gzip``."""
    return read_gzip(path) if is_packed(path) else path.read_bytes()


def read_gzip(path: Path) -> bytes:
    """Return what a packed file holds, whatever its ending.

    Raises:
        OSError: it cannot be read, is damaged, or unpacks to more than ``LIMIT``.
    """
    content = bytearray()
    try:
        with gzip.open(path) as file:
            while chunk := file.read(CHUNK):
                content += chunk
                refuse_large(len(content))
    except (EOFError, zlib.error) as error:
        raise OSError(str(error)) from error
    return bytes(content)


class TooLarge(OSError):
    """A file that unpacks to more than ``LIMIT`` bytes; the message has the remedy."""


def refuse_large(size: int) -> None:
    """Raise TooLarge for more than ``LIMIT`` unpacked bytes."""
    if size > LIMIT:
        unit, name = (1 << 30, "GiB") if LIMIT >= 1 << 30 else (1 << 20, "MiB")
        raise TooLarge(
            f"unpacks to more than {LIMIT // unit} {name}, the limit; if you trust it, unpack it "
            "first: gunzip FILE"
        )
