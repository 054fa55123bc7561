"""One record for one command, whatever the hash seed, the threads outside and the kind of store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import tracking
from tests.helpers.services.mlflow_server import MlflowServer

ENVIRONMENTS = (("0", "1"), ("1", "2"), ("2", "3"))
"""PYTHONHASHSEED and OMP_NUM_THREADS of three runs; the last one writes to a server."""

Records = dict[str, object]
SHORT = ["budget.steps=3", "budget.eval_every=2", "report=false"]
EMBEDDED = [
    *("beale", "digits", "digits_scene", "land_cover", "langid", "modular_addition", "quadratic"),
    *("rastrigin", "rosenbrock", "saddle", "valley"),
]
WITH_FILES = {
    "fashion_mnist": "FashionMNIST",
    "imdb": "imdb",
    "mnist": "MNIST",
    "mnist_vae": "MNIST",
    "sotu": "sotu",
    "sst2": "sst2",
    "trec": "trec",
    "wordnet": "wordnet",
}
"""Tasks with data of their own and its folder."""

LABELS = ("1", "01", "001", "ÅÄ", "a", "A", "b")
"""Labels that a sort by number or without case would leave in the order of a set."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    made = MlflowServer(tmp_path_factory.mktemp("server"))
    made.start()
    yield made
    made.kill()


def write_texts(folder: Path) -> list[str]:
    rows = [f"{label},word{index} of {label}" for index in range(12) for label in LABELS]
    (folder / "odd.csv").write_text("\n".join(["label,text", *rows]), "utf-8")
    return ["task=text_file", f"data.train={folder}/odd.csv", "data.text=text", "data.label=label"]


def run(words: list[str], study: str, seed: str, threads: str, uri: str, cwd: Path) -> Records:
    """Run a sweep in a process with a cache of its own; return the records without times."""
    outside = {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads}
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "bench",
            "-m",
            *words,
            *SHORT,
            f"study={study}",
            f"tracking.uri={uri}",
        ],
        cwd=cwd,
        env=os.environ | outside | {"OPTBENCH_CACHE": str(cwd / f"cache{seed}")},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return {
        record.config_hash: (
            record.config["task"]["name"],
            record.config["data_fingerprint"],
            record.result.status,
            dict(record.result.final),
            [
                (point.step, {k: v for k, v in point.values.items() if k != "train_time_s"})
                for point in record.result.curve
            ],
        )
        for record in tracking.read(uri, study)
    }


def compare(words: list[str], count: int, server: MlflowServer, folder: Path) -> None:
    study = folder.name
    stores = [f"sqlite:///{folder}/0.db", f"sqlite:///{folder}/1.db", server.uri]
    first, *others = [
        run(words, study, *outside, uri, folder)
        for outside, uri in zip(ENVIRONMENTS, stores, strict=True)
    ]
    assert len(first) == count
    for other in others:
        assert other == first


def test_of_texts_with_labels_that_tie(server: MlflowServer, tmp_path: Path) -> None:
    compare([*write_texts(tmp_path), "seed=0,1"], 2, server, tmp_path)


@pytest.mark.slow
def test_of_every_embedded_task(server: MlflowServer, tmp_path: Path) -> None:
    compare([f"task={','.join(EMBEDDED)}"], len(EMBEDDED), server, tmp_path)


@pytest.mark.slow
def test_of_every_task_whose_data_is_here(server: MlflowServer, tmp_path: Path) -> None:
    data = Path(os.environ.get("OPTBENCH_DATA", ""))
    tasks = [name for name, folder in WITH_FILES.items() if (data / folder).is_dir()]
    if not tasks:
        pytest.skip("no OPTBENCH_DATA")
    compare([f"task={','.join(tasks)}"], len(tasks), server, tmp_path)
