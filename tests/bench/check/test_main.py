"""The command: exit codes, refusals, JSON and Markdown."""

import json
import subprocess
import sys

import pytest

from bench.check import choose, markdown
from bench.check.__main__ import exit_code
from bench.check.checks import CHECKS
from bench.check.findings import Finding, Grade, Report
from tests.helpers.checks import spec

MADE = markdown.Circumstances("2026-01-01", {"torch": "2.15.0"}, "Linux x86_64")

MISTAKES = {
    "an optimizer": (["optimizer=lyon"], "optimizer=lyon", "did you mean 'lion'"),
    "one of several": (["optimizer=adam,lyon"], "optimizer=lyon", "did you mean 'lion'"),
    "a hyperparameter": (["optimizer=sgd", "optimizer.lrr=1"], "lrr", "did you mean 'lr'"),
    "its type": (["optimizer=sgd", "optimizer.lr=a"], "optimizer.lr=a", "not a number"),
    "its value": (["optimizer=sgd", "optimizer.lr=-1"], "optimizer/sgd.yaml", "-1"),
    "a key": (["optimzer=adam"], "optimzer=adam", "did you mean 'optimizer'"),
    "another key": (["optimizer=adam", "seed=1"], "seed=1", "no such key"),
    "no optimizer": (["--json", "x.json"], "optimizer: no value", "optimizer=all"),
    "an empty one": (["optimizer="], "optimizer=", "no value"),
    "two words": (["optimizer=adam", "optimizer=sgd"], "given twice", "optimizer=A,B"),
    "an option": (["optimizer=adam", "--jsn", "x"], "--jsn", "--json"),
    "an option's value": (["optimizer=adam", "--json"], "--json", "no value"),
    "a limit": (["optimizer=adam", "--limit", "soon"], "--limit soon", "write seconds"),
    "no time": (["optimizer=adam", "--limit=-1"], "--limit -1", "write seconds"),
    "a folder": (["optimizer=adam", "--config-dir", "nowhere"], "nowhere", "no such folder"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_refused_with_its_remedy(what, check, tmp_path):
    words, named, remedy = MISTAKES[what]
    ended = check(*words)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("refused: ")
    assert named in ended.err
    assert remedy in ended.err
    assert list(tmp_path.iterdir()) == []


TARGETS = {
    "mine": "Good",
    "worse": "HidesNaN",
    "worst": "Raises",
    "loud": "Floods",
    "loud_and_wrong": "FloodsAndRaises",
}


@pytest.fixture
def my_conf(tmp_path):
    """YAMLs of a user, whose module lies in the current folder."""
    folder = tmp_path / "my_conf" / "optimizer"
    folder.mkdir(parents=True)
    (tmp_path / "my_own_module.py").write_text(
        f"from tests.helpers.broken_optimizers import {', '.join(TARGETS.values())}\n"
    )
    for name, target in TARGETS.items():
        (folder / f"{name}.yaml").write_text(
            f"_target_: my_own_module.{target}\nlr: 0.1\nmomentum: 0.9\nweight_decay: 0.0\n"
            "bench: {reference: 'arXiv:1'}\n"
        )
    (folder / "absent.yaml").write_text("_target_: no_such_module.X\nlr: 0.1\n")
    return "my_conf"


def test_one_that_passes(check, my_conf, tmp_path):
    ended = check("optimizer=mine", f"--config-dir={my_conf}", "--json", "out/mine.json")
    assert ended.code == 0
    assert "passes a NaN gradient on" in ended.out
    assert "passed" in ended.out
    assert "failed" not in ended.out
    assert "\x1b[" not in ended.out
    data = json.loads((tmp_path / "out/mine.json").read_text())
    (mine,) = data["optimizers"]
    assert (mine["name"], mine["failed"], mine["reference"]) == ("mine", 0, "arXiv:1")
    assert [found["name"] for found in mine["checks"]] == [one.name for one in CHECKS]
    assert mine["hyperparameters"] == {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0}
    assert data["versions"]["torch"]


def test_a_range_without_the_default_is_noted(check, my_conf, tmp_path):
    path = tmp_path / "my_conf" / "optimizer" / "mine.yaml"
    space = "{lr: {log: [1.0e-3, 0.1]}, weight_decay: {log: [1.0e-4, 1.0]}}"
    path.write_text(path.read_text().replace("{reference", f"{{search_space: {space}, reference"))
    ended = check("optimizer=mine", f"--config-dir={my_conf}", "--json", "mine.json")
    assert ended.code == 0
    note = (
        "search_space.weight_decay={'log': [0.0001, 1.0]} does not hold the default 0.0; a study "
        "still tries the default first in each tuning"
    )
    assert f"· {note}\n" in ended.out
    assert "search_space.lr" not in ended.out
    (mine,) = json.loads((tmp_path / "mine.json").read_text())["optimizers"]
    assert mine["notes"] == [note]


def test_one_that_fails_says_what_it_means(check, my_conf):
    ended = check("optimizer=worse", "--config-dir", my_conf, "optimizer.lr=0.05")
    assert ended.code == 1
    assert "at lr=0.05" in ended.out
    assert "hides NaN: A diverged trial looks healthy" in ended.out


def test_what_a_package_prints_is_a_line(check, my_conf, tmp_path):
    ended = check("optimizer=loud", "--config-dir", my_conf, "--json", "loud.json")
    assert ended.code == 0
    assert "· it warns: flood of warnings\n" in ended.out
    assert "· it prints: flood of stdout (and 2 more, in --json)" in ended.out
    assert (ended.out + ended.err).count("flood") == 2
    (loud,) = json.loads((tmp_path / "loud.json").read_text())["optimizers"]
    assert loud["printed"] == ["flood of stdout", "flood of stderr", "flood past Python"]


def test_what_it_printed_before_it_failed_is_shown(check, my_conf):
    ended = check("optimizer=loud_and_wrong", "--config-dir", my_conf)
    assert ended.code == 1
    assert "  it printed: flood past Python\n" in ended.out


def test_several_with_json_alone_on_standard_output(check, my_conf, tmp_path):
    words = ["optimizer=worst,absent", "--config-dir", my_conf, "--markdown", "a.md", "--json=-"]
    ended = check(*words)
    assert ended.code == 2
    data = json.loads(ended.out)
    worst, absent = data["optimizers"]
    assert worst["failed"] == 1
    assert "no_such_module" in absent["refused"]
    assert "takes no step: ZeroDivisionError" in ended.err
    assert "absent  refused: " in ended.err
    page = (tmp_path / "a.md").read_text()
    assert "| `worst` | [arXiv:1](https://arxiv.org/abs/1) |" in page
    assert "takes no step (ZeroDivisionError)" in page
    assert "2 optimizers, 0 of them pass" in page


def test_colour_where_a_terminal_shows_it(check, my_conf, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    ended = check("optimizer=worst", "--config-dir", my_conf)
    assert "\x1b[1;31mfailed" in ended.out


def test_all_leaves_out_by_name_what_wants_a_value(my_conf, tmp_path, capsys):
    (tmp_path / my_conf / "optimizer" / "free.yaml").write_text("_target_: a.B\nlr: ???\n")
    chosen = choose.choose_subjects(["optimizer=all"], str(tmp_path / my_conf))
    names = [each.spec.file for each in chosen]
    assert {"adam", "sgd", "mine"} < set(names)
    assert "free" not in names
    assert capsys.readouterr().err.startswith("left out: free: Missing mandatory value")


def finding(at, verdict, detail="", value=None):
    return Finding(CHECKS[at], verdict, detail, value)


def test_exit_codes():
    good = Report(spec("Good"), findings=(finding(0, Grade.PASSED),))
    bad = Report(spec("Good"), findings=(finding(0, Grade.FAILED),))
    refused = Report(spec("Good"), refused="so")
    open_ = Report(spec("Good"), findings=(finding(0, Grade.UNFINISHED),))
    assert exit_code([good, open_]) == 1
    assert exit_code([good]) == 0
    assert exit_code([good, bad]) == 1
    assert exit_code([good, refused, bad]) == 2


def test_a_row_of_the_page():
    findings = (
        finding(0, Grade.PASSED),
        finding(1, Grade.FAILED, "falls to 90% | not to_10%"),
        finding(2, Grade.NOT_APPLICABLE, "so"),
        finding(-2, Grade.MEASURED, "", 2.0),
        finding(-1, Grade.MEASURED, "", 3.14),
    )
    mine = spec("torch.optim.Adam", needs=("closure",), param_groups="no_decay_1d")
    page = markdown.build_page([Report(mine, "https://a.org/b", findings)], MADE)
    assert page.splitlines()[-1] == (
        "| `mine` | [a.org](https://a.org/b) | torch | closure | no_decay_1d | 1/2 | "
        "does not decrease a parabola: falls to 90% \\| not to\\_10% | 2.00 | 3.1 |"
    )
    assert "2026-01-01, torch 2.15.0, Linux x86_64" in page


@pytest.mark.parametrize(
    ("reference", "link"),
    [
        ("arXiv:1412.6980", "[arXiv:1412.6980](https://arxiv.org/abs/1412.6980)"),
        ("doi:10.1/2(3)", "[doi:10.1/2(3)](https://doi.org/10.1/2%283%29)"),
        ("docs/adam.md", "[docs/adam.md](adam.md)"),
        ("", ""),
    ],
)
def test_references_become_links(reference, link):
    assert markdown.format_link(reference) == link


LIGHT = """
import sys
from bench.check.__main__ import main
try:
    main({words!r})
except SystemExit as end:
    print("exit", end.code)
print("heavy", sorted({{"torch", "pytorch_lightning", "mlflow", "pandas"}} & set(sys.modules)))
"""


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["optimizer=lyon"], 2), ([], 2)])
def test_help_and_refusals_import_nothing_heavy(words, code, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", LIGHT.format(words=words)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"exit {code}" in ended.stdout
    assert "heavy []" in ended.stdout
    assert ("usage: optbench-check" in ended.stdout) == (code == 0 or words == [])


def test_a_task_is_checked_as_a_table_as_json_and_as_a_page(check, tmp_path):
    ended = check("task=digits", "model=cnn", "--json", "all.json", "--markdown", "tasks.md")
    assert ended.code == 0
    assert "learns a few examples by heart" in ended.out
    (found,) = json.loads((tmp_path / "all.json").read_text())["tasks"]
    assert (found["name"], found["model"]) == ("digits", "tasks.models.image.CNN")
    assert found["checks"][0]["name"] == "splits"
    page = (tmp_path / "tasks.md").read_text()
    assert "| `digits` | Handwritten digits, 8x8" in page
    assert "accuracy 0.96" in page


TASK_MISTAKES = {
    "a task": (["task=digit"], "task=digit", "did you mean 'digits'"),
    "a key": (["task=digits", "batchsize=3"], "batchsize", "did you mean 'batch_size'"),
    "data": (["task=mnist", "data_dir=nowhere"], "no MNIST", "download=true"),
    "two": (["task=digits", "task=langid"], "given twice", "task=A,B"),
    "both": (["task=digits", "optimizer=adam"], "optimizer=adam", "one at a time"),
}


@pytest.mark.parametrize("what", TASK_MISTAKES)
def test_a_mistake_about_a_task_is_refused(what, check):
    words, named, remedy = TASK_MISTAKES[what]
    ended = check(*words)
    assert ended.code == 2
    assert named in ended.err
    assert remedy in ended.err


def test_a_users_folder_may_be_named_as_ours(check, tmp_path):
    folder = tmp_path / "conf" / "task"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(
        "# @package _global_\n# Digits of mine.\ndefaults: [digits]\ntask: {target: 0.9}\n"
    )
    ended = check("--config-dir", "conf", "task=mine", "--markdown", "tasks.md")
    assert ended.code == 0
    assert "| `mine` | Digits of mine. |" in (tmp_path / "tasks.md").read_text()
