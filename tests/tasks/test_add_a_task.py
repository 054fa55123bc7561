"""docs/add-a-task.md as it is written, in an empty folder."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, root_mean_squared_error

from bench import tracking

DOC = Path(__file__).parents[2] / "docs" / "add-a-task.md"
BLOCKS = re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", DOC.read_text(), re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Every file that the page shows, and the reviews that it speaks of."""
    for file, text in BLOCKS:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    rows = (f"film {n % 2},{n % 2}\n" for n in range(40))
    (tmp_path / "reviews.csv").write_text("review,stars\n" + "".join(rows))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("my_regression", "my_labels"):
        sys.modules.pop(name, None)


def test_the_page_shows_these_files_in_thirty_lines_each():
    assert [file for file, _ in BLOCKS] == [
        *("my_conf/task/reviews.yaml", "my_regression.py", "my_conf/task/diabetes.yaml"),
        *("my_labels.py", "my_conf/task/topics.yaml"),
    ]
    for file, text in BLOCKS:
        assert sum(bool(line.strip()) for line in text.splitlines()) <= 30, file


def test_its_command_trains_and_stacks(folder, optbench, uri):
    words = ["--config-dir", "my_conf", "task=diabetes,topics", "seed=0,1", "report=false"]
    ended = optbench("-m", *words, "hydra/launcher=stacked", "stack.size=2", "study=mine")
    assert ended.code == 0, ended.err
    for record in tracking.read(uri, "mine"):
        metric = {"diabetes": "rmse", "topics": "macro_f1"}[record.config["task"]["name"]]
        curve = [point.values[f"val/{metric}"] for point in record.result.curve]
        better = max if metric == "macro_f1" else min
        assert better(curve[0], curve[-1]) == curve[-1] != curve[0]
        assert record.result.summary["stack_size"] == 2.0


def test_reviews_are_chosen_by_their_own_name(folder, optbench, uri):
    ended = optbench("--config-dir", "my_conf", "task=reviews", "study=mine")
    assert ended.code == 0, ended.err
    (record,) = tracking.read(uri, "mine")
    assert record.config["task"]["name"] == "reviews"
    assert record.config["task"]["target_metric"]["value"] == 0.7


def test_its_metrics_are_those_of_scikit_learn(folder):
    import my_labels
    import my_regression

    numbers = torch.Generator().manual_seed(0)
    task = my_regression.Regression(my_regression.load(data_dir="", download=False))
    outputs, targets = torch.randn(2, 50, generator=numbers, dtype=torch.float64)
    found = task.metrics(task.sums(outputs[:, None], targets), 50)
    assert found["rmse"].item() == pytest.approx(root_mean_squared_error(targets, outputs))
    task = my_labels.MultiLabel(my_labels.load(data_dir="", download=False))
    outputs = torch.randn(50, 5, generator=numbers)
    targets = torch.randint(2, (50, 5), generator=numbers).float()
    found = task.metrics(task.sums(outputs, targets), 50)
    expected = f1_score(targets, np.asarray(outputs > 0), average="macro")
    assert found["macro_f1"].item() == pytest.approx(expected)
