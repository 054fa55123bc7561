"""Baselines of an attacker or of a bad disk: refused in one line; nothing in them is executed."""

import functools
import gzip
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from bench.spec import RefusedInput
from reports import Study
from reports.__main__ import main
from reports.data import baseline, strict_json
from tests.helpers import hostile
from tests.helpers.hostile import DELETED, content, good_records, save, set_at, with_config
from tests.helpers.studies import reports


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """A file that must not appear, in a folder with a module that would make it."""
    path = tmp_path / "canary"
    (tmp_path / "evil_module.py").write_text(hostile.EVIL_MODULE.format(canary=str(path)))
    monkeypatch.chdir(tmp_path)
    yield path
    assert not path.exists()
    assert "evil_module" not in sys.modules


def report(capsys, *words):
    """Exit code, stdout and stderr of ``optbench-report``."""
    with pytest.raises(SystemExit) as stop:
        main(words)
    printed = capsys.readouterr()
    return stop.value.code, printed.out, printed.err


def refused(capsys, path, *words):
    code, out, err = report(capsys, f"compare={path}", *words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1, err
    assert err.startswith(f"optbench-report: compare={path}: ")
    assert "Traceback" not in err
    assert err.rstrip("\n").isprintable()
    return err


NESTED = list(hostile.nested(hostile.Path("canary")))
PLACES = (
    *("optimizer.arguments.lr", "optimizer.arguments.inner", "optimizer.rest", "model.arguments.x"),
    *("task.data.arguments.x", "task.arguments.x", "schedule.arguments.x", "task.extra"),
)


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("place", ["optimizer.arguments.lr", "task.data.arguments.x"])
def test_a_nested_component_is_refused(canary, capsys, tmp_path, kind, place):
    value = hostile.nested(canary)[kind]
    forged = hostile.forge(lambda record: with_config(record, place, value))
    path = save(tmp_path / "evil.json", forged)
    line = refused(capsys, path, "costs=true")
    part = "optimizer" if place.startswith("optimizer") else "setting"
    assert f"parts.{part}[0]." in line
    assert "which no shipped YAML declares" in line


@pytest.mark.parametrize("place", PLACES)
def test_wherever_it_stands(canary, capsys, tmp_path, place):
    value = {"name": "x", "target": "x", "arguments": hostile.nested(canary)["os.system"]}
    forged = hostile.forge(lambda record: with_config(record, place, value))
    refused(capsys, save(tmp_path / "evil.json.gz", forged), "costs=true")


@pytest.mark.parametrize("part", ["point", "draw", "environment", "origin"])
def test_nor_in_a_part_beside_the_config(canary, capsys, tmp_path, part):
    forged = content()
    forged["parts"][part][0]["x"] = hostile.nested(canary)["os.system"]
    refused(capsys, save(tmp_path / "evil.json", forged), "costs=true")


def test_a_shipped_optimizer_that_wraps_another_is_no_attack(tmp_path):
    wrapped = {"_target_": "torch.optim.SGD", "_partial_": True, "momentum": 0.5}
    arguments = {"lr": 0.1, "k": 5, "alpha": 0.8, "pullback_momentum": "none"}

    def lookahead(record, base=wrapped):
        optimizer = {
            **record.config["optimizer"],
            "target": "bench.optimizers.wrappers.lookahead",
            "arguments": {**arguments, "base_optimizer": base},
        }
        return hostile.rehash(replace(record, config={**record.config, "optimizer": optimizer}))

    records = [lookahead(record) for record in reports("lookahead", hostile.GOOD)]
    baseline.write(records, tmp_path / "a.json", {})
    assert len(baseline.read(tmp_path / "a.json")) == 5
    for change in ({"_target_": "os.system"}, {"_partial_": False}, {"_args_": ["x"]}):
        evil = functools.partial(lookahead, base={**wrapped, **change})
        path = save(tmp_path / "b.json", hostile.forge(evil, reports("lookahead", hostile.GOOD)))
        with pytest.raises(RefusedInput, match=r"parts\.optimizer\[0\].*no shipped YAML declares"):
            baseline.read(path)


@pytest.mark.parametrize("place", ["optimizer.arguments.lr", "optimizer.arguments.base_optimizer"])
def test_what_one_shipped_optimizer_wraps_is_declared_for_no_other(capsys, tmp_path, place):
    wrapped = {"_target_": "torch.optim.SGD", "_partial_": True, "momentum": 0.9}
    forged = hostile.forge(lambda record: with_config(record, place, wrapped))
    line = refused(capsys, save(tmp_path / "evil.json", forged), "costs=true")
    assert "which no shipped YAML declares" in line


def test_what_nobody_could_read_is_not_written(tmp_path):
    bad = [with_config(good_records()[0], "optimizer.arguments.x", {"_target_": "mine.Inner"})]
    with pytest.raises(RefusedInput, match="leave it out with task=… or optimizer=…"):
        baseline.write(bad, tmp_path / "a.json", {})
    assert list(tmp_path.iterdir()) == []


EVIL_FIELDS = {
    **{f"target {one}": ("optimizer.target", one) for one in hostile.TARGETS},
    **{f"model {one}": ("model.target", one) for one in hostile.TARGETS[:6]},
    **{f"loader {one}": ("task.data.target", one) for one in hostile.TARGETS[:6]},
    **{f"schedule {one}": ("schedule.target", one) for one in hostile.TARGETS[:6]},
    **{f"task {one}": ("task.target", one) for one in hostile.TARGETS[:6]},
    **{f"name {one}": ("optimizer.name", one) for one in hostile.TEXTS},
    **{f"file {one}": ("optimizer.file", one) for one in hostile.TEXTS},
    **{f"code {one}": ("optimizer.code", one) for one in hostile.TEXTS[:6]},
    **{f"path {one}": ("optimizer.path", one) for one in hostile.TEXTS[:6]},
    **{f"argument {one}": ("optimizer.arguments.x", one) for one in hostile.TEXTS[:6]},
}


def test_costs_run_nothing_that_no_yaml_here_declares(canary, capsys, tmp_path):
    """All variants as entrants of one baseline: a line says how many were not measured."""
    records = reports("adam", hostile.GOOD)
    for at, (path, value) in enumerate(EVIL_FIELDS.values()):
        for record in reports("sgd", hostile.GOOD[:1]):
            named = with_config(record, "optimizer.name", f"evil_{at}")
            records.append(with_config(named, path, value))
    file = save(tmp_path / "evil.json.gz", content(records))
    baseline.read(file)  # well formed: what it says is data
    code, _, err = report(capsys, f"compare={file}", "costs=true", "output=report")
    assert code == 0
    lines = [line for line in err.splitlines() if line.startswith("costs=true: ")]
    assert len(lines) == 1, err
    assert "were not measured, because no YAML here declares them" in lines[0]
    assert not (tmp_path / "report" / "costs.csv").exists()


def test_only_what_a_yaml_of_yours_declares_is_imported(canary, capsys, tmp_path):
    """The same baseline with a folder of YAMLs that has the name, and another target."""
    (tmp_path / "my_conf" / "optimizer").mkdir(parents=True)
    (tmp_path / "my_conf" / "optimizer" / "evil.yaml").write_text(
        "_target_: torch.optim.SGD\nlr: 0.1\n"
    )
    records = reports("evil", hostile.GOOD)
    evil = [with_config(record, "optimizer.target", "evil_module.Evil") for record in records]
    file = save(tmp_path / "evil.json", content(evil))
    code, _, err = report(
        capsys, f"compare={file}", "costs=true", "--config-dir", "my_conf", "output=report"
    )
    assert code == 0
    assert "1 of 1 configurations were not measured" in err


def test_a_sweep_beside_it_runs_nothing_of_it(canary, optbench, tmp_path):
    value = hostile.nested(canary)["os.system"]
    forged = hostile.forge(lambda record: with_config(record, "optimizer.arguments.lr", value))
    path = save(tmp_path / "evil.json", forged)
    ended = optbench("-m", "task=digits", "optimizer=adam", "budget.steps=3", f"compare={path}")
    assert ended.code == 2
    assert "no shipped YAML declares" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_nor_does_study_load(canary, tmp_path):
    value = hostile.nested(canary)["hydra.utils.instantiate"]
    forged = hostile.forge(lambda record: with_config(record, "model.arguments.x", value))
    with pytest.raises(RefusedInput, match="no shipped YAML declares"):
        Study.load("", compare=[str(save(tmp_path / "evil.json", forged))])


def test_the_name_of_its_study_leaves_no_folder(canary, capsys, tmp_path):
    for name in ("../../evil", "/tmp/evil", "a/b", "..", "", "a" * 101, "Default"):
        forged = content()
        forged["parts"]["origin"][0]["study"] = name
        refused(capsys, save(tmp_path / "evil.json", forged))


GOOD = content()
ROW = {name: f"trials.0.{at}" for at, name in enumerate(GOOD["columns"])}
WRONG = {"null": None, "text": "x", "a list": [1], "a mapping": {"a": 1}, "true": True}
KEYS = {
    **dict.fromkeys(("count", "columns", "parts", "trials", "trials.0", "parts.setting")),
    **dict.fromkeys(f"parts.{part}" for part in baseline.PARTS),
    **dict.fromkeys(f"parts.{part}.0" for part in baseline.PARTS),
    **dict.fromkeys(f"parts.setting.0.{key}" for key in GOOD["parts"]["setting"][0]),
    **dict.fromkeys(f"parts.optimizer.0.{key}" for key in ("name", "target", "arguments")),
    **dict.fromkeys(f"parts.setting.0.task.target_metric.{key}" for key in ("metric", "direction")),
    **dict.fromkeys(f"parts.draw.0.{key}" for key in ("space", "sampler", "seed", "points")),
    **dict.fromkeys(ROW.values()),
}
FITS = {  # a wrong value that is right in this place, or makes another baseline that is whole
    ("reason", "text"), ("step", "null"), ("index", "null"),
}  # fmt: skip
BROKEN = {
    key: {
        **{kind: one for kind, value in WRONG.items() if (one := set_at(GOOD, key, value)) != GOOD},
        **({} if key in ROW.values() else {"not there": set_at(GOOD, key, DELETED)}),
    }
    for key in KEYS
}

TEXT = json.dumps(GOOD)
FILES = {
    "empty": b"",
    "nothing but a bracket": b"[",
    "cut": TEXT[: len(TEXT) // 2].encode(),
    "a list": b"[1, 2]",
    "a number": b"3",
    "not UTF-8": TEXT.encode("utf-16"),
    "bytes": bytes(range(256)),
    "a pickle": b"cos\nsystem\n(S'touch canary'\ntR.",
    "YAML": b"!!python/object/apply:os.system ['touch canary']",
    "trials: null": set_at(GOOD, "trials", None),
    "deep lists": b"[" * 200_000 + b"]" * 200_000,
    "deep mappings": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "deep in a config": TEXT.replace('"width": 64', '"width": ' + "[" * 500 + "]" * 500),
    "rather deep in a config": TEXT.replace('"width": 64', '"width": ' + "[" * 50 + "]" * 50),
    "NaN": TEXT.replace("0.001", "NaN", 1),
    "Infinity": TEXT.replace("0.001", "-Infinity", 1),
    "a number without end": TEXT.replace("0.001", "1e999", 1),
    "a huge number": TEXT.replace('"batch_size": 32', f'"batch_size": {10**30}'),
    "a number of 100 000 digits": TEXT.replace('"batch_size": 32', '"batch_size": ' + "9" * 10**5),
    "a key twice": TEXT.replace('"batch_size": 32', '"batch_size": 32, "batch_size": 32'),
    "trials twice": TEXT[:-1] + ', "trials": []}',
    "a later format": set_at(GOOD, "format", 2),
    "a format in text": set_at(GOOD, "format", "1"),
    "no format": set_at(GOOD, "format", DELETED),
    "a format that equals 1": set_at(GOOD, "format", True),
    "a negative place": set_at(GOOD, ROW["setting"], -1),
    "a place beyond": set_at(GOOD, ROW["setting"], 10**6),
    "a column twice": set_at(GOOD, "columns.1", "config_hash"),
    "a status that is none": set_at(GOOD, ROW["status"], "won"),
    "a status of a running trial": set_at(GOOD, ROW["status"], "running"),
    "a phase that is none": set_at(GOOD, ROW["phase"], "party"),
    "a negative seed": set_at(GOOD, ROW["seed"], -1),
    "no steps": set_at(GOOD, "parts.setting.0.budget.steps", 0),
    "a direction that is none": set_at(
        GOOD, "parts.setting.0.task.target_metric.direction", "sideways"
    ),
    "a space that is none": set_at(GOOD, "parts.draw.0.space", {"lr": {"log": [1, -1]}}),
    "a huge part": set_at(GOOD, "parts.point.0", {"a": "x" * 10**5}),
    "an escape sequence": set_at(GOOD, ROW["status"], "\x1b[2J\x00"),
    "half a character": TEXT.replace('"status"', '"\\ud800"'),
    "a count of more": set_at(GOOD, "count", 11),
    "a changed value": set_at(GOOD, ROW["last.val/accuracy"], 0.99),
    "a changed hash": set_at(GOOD, ROW["config_hash"], "0" * 16),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_broken_file_is_refused_in_one_line(canary, capsys, tmp_path, kind):
    refused(capsys, save(tmp_path / "a.json", FILES[kind]), "costs=true")


@pytest.mark.parametrize("key", BROKEN)
def test_a_value_of_another_kind_is_refused_in_one_line(canary, capsys, tmp_path, key):
    for kind, plain in BROKEN[key].items():
        line = refused(capsys, save(tmp_path / "a.json", plain), "costs=true")
        if (key, kind) in {(ROW[name], word) for name, word in FITS}:
            assert "values were changed" in line


def test_there_are_many():
    broken = sum(map(len, BROKEN.values()))
    assert len(FILES) + broken + len(NESTED) * 2 + len(EVIL_FIELDS) > 300


@pytest.mark.parametrize("kind", ["empty", "cut", "trials: null", "deep lists", "NaN"])
def test_packed_likewise(canary, capsys, tmp_path, kind):
    refused(capsys, save(tmp_path / "a.json.gz", FILES[kind]))


def test_a_damaged_package_is_refused(canary, capsys, tmp_path):
    whole = gzip.compress(TEXT.encode())
    middle = len(whole) // 2
    for damaged in (whole[:middle], whole[:-4], whole[:middle] + b"\xff\xff" + whole[middle + 2 :],
                    b"\x1f\x8b" + b"\0" * 50, whole + b"more", b"PK\x03\x04"):  # fmt: skip
        (tmp_path / "a.json.gz").write_bytes(damaged)
        refused(capsys, tmp_path / "a.json.gz")


BOMB = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
from reports.__main__ import main
main(["compare=bomb.json.gz"])
"""


def test_a_bomb_is_refused_by_a_limit_while_it_is_read(canary, tmp_path):
    member = gzip.compress(b" " * 2**20)
    (tmp_path / "bomb.json.gz").write_bytes(member * 6 * 1024)  # 6 GiB of spaces are 6 MB
    ended = subprocess.run(
        [sys.executable, "-c", BOMB], cwd=tmp_path, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "it is larger than 64 MiB unpacked" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_so_is_a_plain_file(capsys, tmp_path, canary, monkeypatch):
    monkeypatch.setattr(strict_json, "LARGEST", 1000)
    assert "larger than" in refused(capsys, save(tmp_path / "a.json", TEXT))
