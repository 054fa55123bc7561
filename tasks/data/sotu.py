"""State of the Union addresses of the presidents of the United States, byte by byte: 10.8 MB.

Public domain. The splits are three files: ``sotu/train.txt``, ``val.txt`` and ``test.txt``.
"""

from __future__ import annotations

from pathlib import Path

from tasks.data.dataset import Dataset, MissingData
from tasks.data.text_lm import build_dataset, read_bytes

FILES = ("train.txt", "val.txt", "test.txt")


def load(
    *, data_dir: str, download: bool, length: int, validation: int, test: int | None = None
) -> Dataset:
    """Windows of ``length`` bytes and of what follows each byte, both uint8 ``[N, length]``.

    Args:
        data_dir: holds the folder ``sotu``. There is nothing to download it from.
        validation: bytes of ``val.txt`` that are evaluated, in windows spread evenly over it.
        test: the same of ``test.txt``; None: all of it.

    Raises:
        MissingData: files are missing.
    """
    folder = Path(data_dir) / "sotu"
    absent = [file for file in FILES if not (folder / file).is_file()]
    if absent:
        raise MissingData(
            f"task=sotu: no {', '.join(absent)} in {folder}; pass data_dir=PATH (or set "
            "OPTBENCH_DATA), or use a text of your own: task=text_lm data.path=FILE"
        )
    files = [folder / file for file in FILES]
    parts = [read_bytes("sotu", file) for file in files]
    return build_dataset("sotu", files, parts, length, validation, test)
