"""What a loader makes of its data depends on no hash seed and on no number of threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.data.io.labelled import Labelled, list_classes

ROOT = Path(__file__).parents[3]
SEEDS = (0, 1, 2)
SHIPPED = {  # of shipped tasks whose data comes with packages, or lies where OPTBENCH_DATA says
    "beale": "29f331b454f92685",
    "digits": "cc92bc0086b1d949",
    "digits_scene": "f28fae0f17162a33",
    "fashion_mnist": "ceaa8388528b69ba",
    "imdb": "7b3399faeb35e018",
    "land_cover": "4d97c259aa60b3ec",
    "langid": "839844bd58b2fa51",
    "mnist": "1ec18161fe06d781",
    "mnist_vae": "1ec18161fe06d781",
    "modular_addition": "da064e45ade9e59e",
    "quadratic": "d1eed0e641ca776d",
    "rastrigin": "29f331b454f92685",
    "rosenbrock": "29f331b454f92685",
    "saddle": "29f331b454f92685",
    "sotu": "0935029242f06eea",
    "sst2": "902ce463add6a19e",
    "trec": "fcb8d2e33e6bf9ae",
    "valley": "29f331b454f92685",
    "wordnet": "bd7233dcd61999ec",
}
TIES = ("1", "01", "001", "+1", "1.0", "٣", "3", "03", "-0", "0", "00", "9" * 5000)


def write(folder: Path) -> Path:
    """Ties in labels and in words, names that differ by case, repeated and skipped examples."""
    numbers = np.random.default_rng(0)
    folder.mkdir()
    for name, labels in {"ties": TIES[:3], "digits": TIES[6:], "odd": (*TIES, "é", "É")}.items():
        rows = [f"w{n % 5} and w{(3 * n) % 7} then,{labels[n % len(labels)]}" for n in range(280)]
        (folder / f"{name}.csv").write_text("\n".join(["text,label", *rows]) + "\n", "utf-8")
    (folder / "chinese.csv").write_text(
        "text,label\n" + "".join(f"好天{chr(0x4E00 + n % 9)},{n % 2:02}\n" for n in range(60))
    )
    for label in ("1", "01", "001"):
        (folder / "images" / label).mkdir(parents=True)
        for n in range(8):
            pixels = numbers.integers(0, 256, (6, 6, 4)).astype(np.uint8)
            Image.fromarray(pixels, "RGBA").save(folder / "images" / label / f"{n}.png")
        for ending in ("gif", "heic", "jfif"):
            (folder / "images" / label / f"a.{ending}").write_text("")
    (folder / "letters.txt").write_bytes(numbers.integers(65, 70, 2_000).astype(np.uint8).tobytes())
    return folder


def run(folder: Path, seed: int, cache: Path, *words: str) -> Any:
    threads = str(1 + seed)
    environment = {
        **os.environ,
        **{"PYTHONHASHSEED": str(seed), "OPTBENCH_CACHE": str(cache), "OMP_NUM_THREADS": threads},
        **{"RAYON_NUM_THREADS": threads},
    }
    command = [sys.executable, "-m", "tests.helpers.fingerprint_data", str(folder), *words]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_odd_input_gives_the_same_data_under_every_hash_seed(tmp_path: Path) -> None:
    folder = write(tmp_path / "data")
    first, *others = (run(folder, seed, tmp_path / f"cache{seed}") for seed in SEEDS)
    assert first["ties.csv"]["classes"] == ["001", "01", "1"]
    assert first["images"]["classes"] == ["001", "01", "1"]
    assert not any("refused" in found for found in first.values()), first
    for other in others:
        assert other == first


@pytest.mark.slow
def test_shipped_tasks_are_what_they_were_under_every_hash_seed(tmp_path: Path) -> None:
    folder = write(tmp_path / "data")
    for seed in SEEDS:
        found = run(folder, seed, tmp_path / f"cache{seed}", "shipped")
        there = {name: found[name] for name in SHIPPED if found[name]}
        assert there == {name: SHIPPED[name] for name in there}
        assert {"digits", "digits_scene", "modular_addition", "quadratic"} <= there.keys()


def test_labels_that_are_equal_numbers_have_one_order() -> None:
    for labels in (TIES[:3], TIES[:3][::-1], ("2", "10", "1", "01", "001")):
        train = [Labelled("a", label, "data.train=x.csv: row 1") for label in labels]
        expected = ("001", "01", "1") + (("2", "10") if "10" in labels else ())
        assert list_classes(train) == expected
