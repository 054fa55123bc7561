"""A user's own code is part of a trial's hash: edited, it runs anew; undone, the record answers."""

import shutil
import subprocess
import sys

import pytest

from bench import tracking
from bench.config import sources

HELPER = "RATE = 0.1\n"
MODULE = """
import torch
from helper import RATE

class Descent(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(RATE * p.grad)
"""
TASK = """
from tasks.image import ImageClassification
from torch.nn.functional import cross_entropy

class Smooth(ImageClassification):
    def loss(self, outputs, targets):
        return cross_entropy(outputs, targets, label_smoothing=0.0)
"""
YAML = """# @package _global_
defaults:
  - override /model: mlp
batch_size: 32
budget: {steps: 20}
task:
  _target_: own_task.Smooth
  data: {_target_: tasks.data.digits.load}
  inputs: images
  metric: accuracy
  direction: maximize
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    for group in ("optimizer", "task"):
        (tmp_path / "my_conf" / group).mkdir(parents=True)
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "own_descent.py").write_text(MODULE)
    (tmp_path / "own_task.py").write_text(TASK)
    (tmp_path / "my_conf" / "optimizer" / "mine.yaml").write_text(
        "_target_: own_descent.Descent\nlr: 0.1\n"
    )
    (tmp_path / "my_conf" / "task" / "smooth.yaml").write_text(YAML)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_source_is_found_without_importing_it(project):
    first = sources.hash_user_source(["own_descent.Descent"])
    assert len(first) == 16
    assert "own_descent" not in sys.modules
    assert sources.hash_user_source(["own_task.Smooth"]) != first


@pytest.mark.parametrize("file", ["own_descent.py", "helper.py"])
def test_an_edit_is_another_source_and_undone_the_first(file, project):
    first, text = sources.hash_user_source(["own_descent.Descent"]), (project / file).read_text()
    (project / file).write_text(text + "# edited\n")
    assert sources.hash_user_source(["own_descent.Descent"]) != first
    (project / file).write_text(text.replace("\n", "\r\n"))  # as another system checks it out
    assert sources.hash_user_source(["own_descent.Descent"]) == first


def test_modules_of_a_package_are_followed_through_relative_imports(project):
    package = project / "mine"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "inner" / "__init__.py").write_text("from ..deep import value\n")
    (package / "deep.py").write_text("value = 1\n")
    (package / "apart.py").write_text("value = 1\n")
    first = sources.hash_user_source(["mine.inner.Optimizer"])
    (package / "apart.py").write_text("value = 2\n")
    assert sources.hash_user_source(["mine.inner.Optimizer"]) == first
    (package / "deep.py").write_text("value = 2\n")
    assert sources.hash_user_source(["mine.inner.Optimizer"]) != first


@pytest.mark.parametrize(
    "target",
    ["torch.optim.Adam", "bench.optimizers.adam.Adam", "pytorch_optimizer.Lion", "no.where"],
)
def test_what_is_installed_or_nowhere_has_no_source(target):
    assert sources.hash_user_source([target]) == ""


def test_installed_packages_are_known_by_their_version():
    assert sources.describe_code({"_target_": "pytorch_optimizer.Lion"}).startswith(
        "pytorch_optimizer 4"
    )
    assert sources.describe_code({"_target_": "tasks.models.image.MLP"}) == ""
    assert sources.describe_code({"_target_": "torchvision.models.resnet18"}) == ""


EDITS = {
    "optimizer=mine": ("own_descent.py", "RATE * p.grad", "2 * RATE * p.grad"),
    "task=smooth": ("own_task.py", "label_smoothing=0.0", "label_smoothing=0.5"),
}


@pytest.mark.parametrize("choice", EDITS)
def test_edited_between_two_equal_commands_it_runs_anew(choice, project, uri):
    shutil.rmtree(project / "store" / "artifacts", ignore_errors=True)

    def run():
        words = ["--config-dir", "my_conf", choice, "task=digits"[: 20 * ("task" not in choice)]]
        words += ["budget.steps=20", f"tracking.uri={uri}", "study=edits"]
        ended = subprocess.run(
            [sys.executable, "-m", "bench", *filter(None, words)],
            cwd=project,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    file, before, after = EDITS[choice]
    text = (project / file).read_text()
    first = run()
    (project / file).write_text(text.replace(before, after))
    second = run()
    (project / file).write_text(text)
    third = run()
    assert ["from the record" in said for said in (first, second, third)] == [False, False, True]
    assert "old)" in third
    assert len(tracking.read(uri, "edits")) == 2
    losses = {r.result.curve[-1].values["train/loss"] for r in tracking.read(uri, "edits")}
    assert len(losses) == 2


def test_fresh_runs_anew_and_takes_the_place_of_the_record(optbench, uri):
    words = ["task=digits", "budget.steps=20", "study=again"]
    assert optbench(*words).code == 0
    (first,) = tracking.read(uri, "again")
    assert "from the record" in optbench(*words).out
    assert "from the record" not in optbench(*words, "fresh=true").out
    (second,) = tracking.read(uri, "again")
    assert second.run_id != first.run_id
    assert second.config_hash == first.config_hash
    ended = optbench("-m", *words, "fresh=true", "report=false")
    assert "1 trials, 0 recorded, 1 to run" in ended.out
    assert len(tracking.read(uri, "again")) == 1
