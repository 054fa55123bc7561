"""Baselines: the same trials back from a small file, and what is not taken for one."""

import gzip
import json
import math
import random
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from bench.spec import Phase, RefusedInput, Tuning
from reports.analysis.study import Study
from reports.data import baseline
from tests.helpers import simulated
from tests.helpers.records import make_record

MADE_BY = {"command": "optbench-report study=hand_made"}


@pytest.fixture(scope="module")
def fair():
    """A study of two entrants with phases, one trial of which diverged."""
    numbers = np.random.default_rng
    return [
        *simulated.tuned("adam", numbers(0), broken=(3,)),
        *simulated.tuned("lion", numbers(1), shift=0.01),
    ]


@pytest.fixture(params=["base.json", "base.json.gz"])
def path(request, tmp_path):
    return tmp_path / request.param


def as_known(record, source="base"):
    """What of a record a baseline holds."""
    result = asdict(replace(record.result, curve=record.result.curve[-1:], traceback=""))
    result["summary"] = {name: float(value) for name, value in record.result.summary.items()}
    tuning = record.tuning and asdict(record.tuning)
    kept = (record.config, dict(record.point), result, record.phase, tuning, record.reference)
    named = (record.config_hash, record.study, source, *kept)
    return json.dumps(named, sort_keys=True)  # NaN equals NaN here


def test_the_same_trials_come_back(fair, study, path):
    records = [*fair, *study]
    baseline.write(records, path, MADE_BY)
    back = baseline.read(path)
    assert sorted(as_known(r, r.source) for r in back) == sorted(as_known(r) for r in records)
    assert {r.run_id for r in back} == {r.config_hash for r in records}


def test_tunings_of_both_designs_come_back(path):
    space = {"lr": {"log": [1e-4, 1e-1]}}
    older = Tuning(space, "sobol", 0, 8, repeat=0, index=3)
    newer = replace(older, draw=2, repeats=10, repeat=7)
    records = [
        make_record(seed=seed, point={"lr": 0.01}, phase=Phase.REPORT, tuning=tuning)
        for seed, tuning in ((0, older), (1007, newer))
    ]
    baseline.write(records, path, MADE_BY)
    assert [record.tuning for record in baseline.read(path)] == [older, newer]


def test_draw_one_is_recorded_as_it_ever_was():
    older = Tuning({"lr": {"log": [1e-4, 1e-1]}}, "sobol", 0, 8, index=3)
    keys = {"space", "sampler", "seed", "points", "repeat", "index", "rank"}
    assert older.to_record().keys() == keys
    newer = replace(older, draw=2)
    assert newer.to_record().keys() == keys | {"draw", "repeats"}
    assert Tuning(**newer.to_record()) == newer


def test_every_number_of_the_leaderboards_is_the_same(fair, study, path):
    for records in (fair, study):
        baseline.write(records, path, MADE_BY)
        before, after = Study.of(records), Study.of(baseline.read(path))
        assert len(before.leaderboards) == len(after.leaderboards)
        for one, two in zip(before.leaderboards, after.leaderboards, strict=True):
            pd.testing.assert_frame_equal(one.table, two.table, check_exact=True)
            assert one.notes == two.notes
        pd.testing.assert_frame_equal(before.best_of_k, after.best_of_k, check_exact=True)


def test_the_same_trials_give_the_same_bytes(fair, path, tmp_path):
    other = tmp_path / "other" / path.name
    baseline.write(fair, path, MADE_BY)
    baseline.write(random.Random(0).sample(fair, len(fair)), other, MADE_BY)
    assert path.read_bytes() == other.read_bytes()


def test_it_is_small_and_strict_json(fair, tmp_path):
    for name in ("a.json", "a.json.gz"):
        baseline.write(fair, tmp_path / name, MADE_BY)
    text = (tmp_path / "a.json").read_text()
    assert len(text) < 500 * len(fair)
    assert (tmp_path / "a.json.gz").stat().st_size < 150 * len(fair)

    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads(text, parse_constant=refuse)
    assert content["made_by"]["command"] == MADE_BY["command"]
    table = pd.DataFrame(content["trials"], columns=content["columns"])
    assert "nan" in table["last.train/loss"].tolist()  # of the trial that diverged


def test_numbers_that_are_not_finite_come_back(record, path):
    made = record(status="diverged", summary={"steps_to_target": math.inf, "low": -math.inf})
    baseline.write([made], path, MADE_BY)
    (back,) = baseline.read(path)
    assert back.result.summary["steps_to_target"] == math.inf
    assert back.result.summary["low"] == -math.inf
    assert math.isnan(back.result.curve[-1].values["train/loss"])


def test_a_failed_trial_that_was_run_again_counts_once(record, path):
    failed = record(status="failed", reason="RuntimeError: x\nmore", traceback="Traceback: secret")
    assert baseline.write([failed, record()], path, MADE_BY) == 1
    assert [r.result.status for r in baseline.read(path)] == ["finished"]
    baseline.write([failed], path, MADE_BY)
    (back,) = baseline.read(path)
    assert (back.result.reason, back.result.traceback) == ("RuntimeError: x", "")


def refused(path, said):
    with pytest.raises(RefusedInput, match=said):
        baseline.read(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"seed":0', '"seed":0', ""),
        (
            '"batch_size":32',
            '"batch_size":64',
            r"trial 1 of 3 \(digits · adam · default · seed 0\)",
        ),
        ('"lr":0.001', '"lr":0.002', "does not give its config_hash"),
        ("0.987", "0.997", r"trial 2 .*seed 1\): its values were changed"),
        ('"threads":"1"', '"threads":"8"', "values were changed"),
        ('"format":1', '"format":2', "format 2, this version reads 1"),
        ('"count":3', '"count":4', "3 trials of 4: the file was cut"),
        ('"parts"', '"party"', "no baseline; optbench-report study=NAME export=FILE"),
        ('"status"', '"state"', r"columns\.status: is missing; fetch or export it anew"),
    ],
)
def test_a_changed_file_is_refused(record, tmp_path, old, new, said):
    path = tmp_path / "a.json"
    made = [record(seed=seed, test=test) for seed, test in enumerate((0.5, 0.987, 0.6))]
    baseline.write(made, path, MADE_BY)
    text = path.read_text()
    assert old in text or not said
    path.write_text(text.replace(old, new))
    if said:
        refused(path, said)
    else:
        assert len(baseline.read(path)) == 3


def test_a_cut_or_foreign_file_is_refused(fair, path):
    baseline.write(fair, path, MADE_BY)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "no baseline, or a cut one")
    other = b"[1, 2]"
    path.write_bytes(gzip.compress(other) if path.suffix == ".gz" else other)
    refused(path, "no baseline; optbench-report study=NAME export=FILE makes one")


def test_where_it_is_written_to(record, tmp_path):
    def refusal(path, said):
        with pytest.raises(RefusedInput, match=said):
            baseline.write([record()], path, MADE_BY)

    refusal(tmp_path / "base.csv", r"ends in \.json or \.json\.gz")
    (tmp_path / "folder.json").mkdir()
    refusal(tmp_path / "folder.json", "is a folder")
    (tmp_path / "package.json").write_text("{}")
    refusal(tmp_path / "package.json", "is no baseline, it is not overwritten")
    for seeds in (3, 2):
        made = [record(seed=seed) for seed in range(seeds)]
        baseline.write(made, tmp_path / "new" / "base.json", MADE_BY)
        assert len(baseline.read(tmp_path / "new" / "base.json")) == seeds


def test_names_of_shipped_ones(record, tmp_path, monkeypatch):
    monkeypatch.setattr(baseline, "SHIPPED", tmp_path)
    with pytest.raises(RefusedInput, match="compare=league: no such baseline; none is shipped yet"):
        baseline.find("league")
    baseline.write([record()], tmp_path / "league.json.gz", MADE_BY)
    assert baseline.find("league") == tmp_path / "league.json.gz"
    with pytest.raises(RefusedInput, match="did you mean 'league'"):
        baseline.find("leage")
    with pytest.raises(RefusedInput, match=r"compare=x\.json: there is no such file"):
        baseline.find("x.json")
