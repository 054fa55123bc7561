"""Print what loaders make of data, one JSON object: run as a script under different hash seeds.

usage: python -m tests.helpers.fingerprint_data FOLDER [shipped]
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

import conf
from tasks.data.dataset import Dataset, MissingData

OWN = ("image_folder", "text_file", "text_lm")


def main(folder: Path, shipped: bool) -> None:
    found = {name: describe(name, options) for name, options in odd_input(folder).items()}
    if shipped:
        found |= {path.stem: describe_shipped(path) for path in list_shipped()}
    print(json.dumps(found))


def odd_input(folder: Path) -> dict[str, dict[str, Any]]:
    """Data in a folder as the test of hash seeds writes it, with its options."""
    columns = {"text": "text", "label": "label"}
    texts = {
        path.name: {"_loader_": "text_file", "train": str(path), **columns}
        for path in sorted(folder.glob("*.csv"))
    }
    pieces = {
        name: {"_loader_": "text_file", "train": str(folder / "ties.csv"), **columns, **options}
        for name, options in (
            ("bytes", {"tokenizer": "bytes"}),
            ("bpe", {"tokenizer": "bpe", "vocabulary": 280}),
        )
    }
    return {
        **texts,
        **pieces,
        "images": {"_loader_": "image_folder", "path": str(folder / "images"), "size": 4},
        "letters": {
            **{"_loader_": "text_lm", "path": str(folder / "letters.txt")},
            **{"length": 8, "validation": 64},
        },
    }


def describe(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in options.items() if key != "_loader_"}
    load = import_module(f"tasks.data.{options['_loader_']}").load
    try:
        data: Dataset = load(data_dir="", download=False, **rest)
    except MissingData as refusal:
        return {"refused": str(refusal)}
    return {
        "fingerprint": data.fingerprint,
        "classes": data.classes,
        "vocabulary_size": data.vocabulary_size,
        "notes": data.notes,
    }


def list_shipped() -> list[Path]:
    folder = Path(conf.__file__).parent / "task"
    return [path for path in sorted(folder.glob("*.yaml")) if path.stem not in OWN]


def describe_shipped(path: Path) -> str:
    """The fingerprint of a shipped task; empty where its data is not here."""
    data = dict(yaml.safe_load(path.read_text())["task"]["data"])
    module, _, function = data.pop("_target_").rpartition(".")
    load = getattr(import_module(module), function)
    try:
        loaded: Dataset = load(data_dir=os.environ.get("OPTBENCH_DATA", ""), download=False, **data)
    except MissingData:
        return ""
    return loaded.fingerprint


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] == ["shipped"])
