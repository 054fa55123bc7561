"""A user's own file never has a shipped name: it would lose against the shipped one in silence."""

from __future__ import annotations

import shutil
import sys
from importlib import resources
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from bench import __main__, tracking
from bench.check.__main__ import main as check_main
from bench.config import folders, schema
from bench.sweeps import plugins

ABSENT = "_target_: nope.Nope\nlr: 0.1\n"
MINE = "_target_: torch.optim.SGD\nlr: 0.1\n"
GLOBAL = "# @package _global_\nbatch_size: 8\n"
NAMES = {
    "optimizer": "lion",
    "task": "digits",
    "model": "mlp",
    "schedule": "cosine",
    "suite": "embedded",
    "experiment": "quickstart",
    "tuning": "small",
    "hydra/launcher": "stacked",
    "hydra/sweeper": "study",
    "hydra/job_logging": "none",
    "hydra/output": "default",
    "": "config",
}
"""A shipped name of every group."""
ROOT = Path(__file__).parents[3]


def put(folder, name, text=ABSENT):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refused(ended, *files):
    """One line for each file, and nothing else."""
    assert ended.code == 2, ended
    lines = [
        f"refused: {file}: this name is shipped. Rename your file, for example "
        f"{Path(file).stem}_mine.yaml.\n"
        for file in files
    ]
    assert ended.err == "".join(lines)


@pytest.fixture
def my_conf(tmp_path):
    (tmp_path / "my_conf").mkdir()
    return tmp_path / "my_conf"


def test_a_name_of_every_group_is_tried():
    schema.register()
    plugins.register()
    shipped = folders._list_shipped()
    assert {group for group in NAMES if NAMES[group] not in shipped[group]} == set()
    assert {"optimizer", "task", "model", "schedule", "suite", "experiment", "tuning"} == {
        path.name for path in (ROOT / "conf").iterdir() if path.is_dir() and path.name[:1] != "_"
    }


@pytest.mark.parametrize("group", NAMES)
def test_a_shipped_name_is_refused_in_every_group(group, my_conf, optbench, uri):
    file = f"{group}/{NAMES[group]}.yaml".lstrip("/")
    put(my_conf, file)
    refused(optbench("--config-dir", "my_conf", "budget.steps=2"), f"my_conf/{file}")
    assert tracking.list_studies(uri) == []


@pytest.mark.parametrize(
    "words",
    [
        ["optimizer=lion"],
        ["-m", "optimizer=lion,adam"],
        ["-m", "optimizer=glob(l*)"],
        ["-m", "hydra/sweeper=study", "task=digits", "optimizer=adam", "plan=true"],
        ["-m", "hydra/sweeper=ablate", "optimizer=adam", "ablate=[amsgrad]"],
        ["experiment=quickstart"],
        ["--help"],
        ["--cfg", "job"],
    ],
)
def test_in_trials_sweeps_studies_and_help(words, my_conf, optbench, uri):
    put(my_conf, "optimizer/lion.yaml")
    refused(optbench("--config-dir", "my_conf", *words), "my_conf/optimizer/lion.yaml")
    assert tracking.list_studies(uri) == []


def test_a_file_that_is_not_chosen_counts_too_since_a_suite_or_a_default_may_choose_it(
    my_conf, optbench
):
    put(my_conf, "optimizer/mine.yaml", MINE)
    put(my_conf, "optimizer/adam.yaml")
    put(my_conf, "task/digits.yaml")
    ended = optbench("--config-dir", "my_conf", "optimizer=mine", "budget.steps=2")
    refused(ended, "my_conf/optimizer/adam.yaml", "my_conf/task/digits.yaml")


@pytest.mark.parametrize(
    "words",
    [
        ["--config-dir", "my_conf"],
        ["--config-dir=my_conf"],
        ["-cd", "my_conf"],
        ["hydra.searchpath=[my_conf]"],
        ["hydra.searchpath=[file://my_conf]"],
        ["hydra.searchpath=[my_conf,other]"],
        ["-m", "hydra.searchpath=[other,my_conf]"],
    ],
)
def test_however_the_folder_comes_in(words, my_conf, optbench):
    put(my_conf, "optimizer/lion.yaml")
    (my_conf.parent / "other").mkdir()
    refused(optbench(*words, "budget.steps=2"), "my_conf/optimizer/lion.yaml")


def test_a_folder_that_a_primary_config_names(my_conf, optbench):
    put(my_conf, "own.yaml", "defaults: [config, _self_]\nhydra: {searchpath: [more]}\n")
    put(my_conf.parent / "more", "optimizer/lion.yaml")
    ended = optbench("--config-dir", "my_conf", "--config-name", "own", "budget.steps=2")
    refused(ended, "more/optimizer/lion.yaml")


def test_a_folder_in_place_of_the_shipped_one(my_conf, optbench):
    put(my_conf, "config.yaml", "seed: 0\n")
    ended = optbench("--config-path", str(my_conf), "budget.steps=2")
    refused(ended, "my_conf/config.yaml")


def test_a_package_of_a_user(my_conf, optbench, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)
    put(my_conf, "__init__.py", "")
    put(my_conf, "optimizer/lion.yaml")
    ended = optbench("hydra.searchpath=[pkg://my_conf]", "budget.steps=2")
    refused(ended, "my_conf/optimizer/lion.yaml")


@pytest.mark.parametrize("name", ["Lion.yaml", "LION.yaml", "lion.yml", "lion.YAML", "ｌion.yaml"])
def test_names_that_some_system_takes_for_the_shipped_one(name, my_conf, optbench):
    put(my_conf, f"optimizer/{name}")
    refused(
        optbench("--config-dir", "my_conf", "optimizer=lion", "budget.steps=2"),
        f"my_conf/optimizer/{name}",
    )


def test_a_link_is_a_file_too(my_conf, optbench):
    put(my_conf, "lion_text")
    (my_conf / "optimizer").mkdir()
    (my_conf / "optimizer/lion.yaml").symlink_to(my_conf / "lion_text")
    refused(optbench("--config-dir", "my_conf", "budget.steps=2"), "my_conf/optimizer/lion.yaml")


def test_a_copy_of_the_shipped_folder_is_refused_in_six_lines(tmp_path, optbench):
    shutil.copytree(ROOT / "conf", tmp_path / "my_conf", ignore=shutil.ignore_patterns("__*"))
    ended = optbench("--config-dir", "my_conf", "budget.steps=2")
    assert ended.code == 2
    assert len(ended.err.splitlines()) == folders.MAX_LINES + 1
    assert "more names are shipped. Rename these files." in ended.err


def test_the_shipped_folder_itself_is_nobody_elses(optbench):
    shipped = str(resources.files("conf"))
    assert optbench("--config-dir", shipped, "budget.steps=2").code == 0


def test_other_names_are_free(my_conf, optbench):
    put(my_conf, "optimizer/lion_mine.yaml", MINE)
    put(my_conf, "optimizer/lion.yaml.bak")
    put(my_conf, "optimizer/sub/lion.yaml")
    put(my_conf, "lion.yaml")
    put(my_conf, "task/lion.yaml", "_target_: tasks.image.Image\n")
    ended = optbench("--config-dir", "my_conf", "optimizer=lion_mine", "budget.steps=2")
    assert ended.code == 0, ended


@pytest.mark.parametrize(
    "words",
    [["optimizer=lion"], ["optimizer=all"], ["task=digits"], ["task=all"]],
)
def test_in_optbench_check(words, my_conf, monkeypatch, capsys):
    put(my_conf, "optimizer/lion.yaml")
    put(my_conf, "task/digits.yaml")
    monkeypatch.chdir(my_conf.parent)
    GlobalHydra.instance().clear()
    with pytest.raises(SystemExit) as end:
        check_main([*words, "--config-dir", "my_conf"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "my_conf/optimizer/lion.yaml: this name is shipped. Rename your file, for" in said
    assert "my_conf/task/digits.yaml: this name is shipped. Rename your file, for" in said


def test_in_optbench_target(my_conf, monkeypatch, capsys, uri):
    put(my_conf, "task/digits.yaml")
    monkeypatch.chdir(my_conf.parent)
    GlobalHydra.instance().clear()
    words = ["--config-dir=my_conf", "task=digits", f"tracking.uri={uri}", "plan=true"]
    monkeypatch.setattr(sys, "argv", ["optbench-target", *words])
    with pytest.raises(SystemExit) as end:
        __main__.target()
    assert end.value.code == 2
    assert "my_conf/task/digits.yaml: this name is shipped. Rename" in capsys.readouterr().err


def test_a_package_conf_of_the_working_folder_does_not_replace_the_shipped_one(
    tmp_path, optbench, monkeypatch
):
    put(tmp_path, "conf/__init__.py", "")
    put(tmp_path, "conf/optimizer/lion.yaml")
    monkeypatch.syspath_prepend(tmp_path)  # as python -m bench does
    monkeypatch.delitem(sys.modules, "conf", raising=False)
    ended = optbench("optimizer=lion", "budget.steps=2")
    assert ended.code == 2
    assert ended.err == (
        f"refused: {tmp_path}/conf: this package hides the conf of optbench. Rename it, for "
        "example my_conf.\n"
    )
