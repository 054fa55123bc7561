"""Ids name the same thing in every report; labels need not."""

import pytest

from reports.analysis.study import Study
from reports.data.ids import IDS
from tests.helpers.records import make_record
from tests.helpers.studies import reports

GOOD = [0.90, 0.91, 0.92, 0.905, 0.915]


def cosine(steps):
    return {"name": "cosine", "target": "bench.schedules.cosine", "arguments": {"warmup": steps}}


def version(record, name):
    record.config["optimizer"]["version"] = name
    return record


ONE = make_record(run_id="one", point={"lr": 0.1}, schedule=cosine(1))
OTHERS = {
    "comparison": make_record(batch_size=64, schedule=cosine(1)),
    "entrant": make_record(seed=1, schedule=cosine(2)),
    "point": version(make_record(seed=1, point={"lr": 0.1}, schedule=cosine(1)), "2.16.0"),
}


@pytest.mark.parametrize("label", OTHERS)
def test_two_reports_give_one_id_where_their_labels_differ(label):
    alone, beside = (
        study.trials.set_index("run_id").loc["one"]
        for study in (Study.of([ONE]), Study.of([ONE, OTHERS[label]]))
    )
    assert alone[label] != beside[label]
    assert alone[IDS].tolist() == beside[IDS].tolist()


@pytest.mark.parametrize("label", OTHERS)
def test_what_a_label_tells_apart_has_another_id(label):
    trials = Study.of([ONE, OTHERS[label]]).trials
    name = {"comparison": "setting_id", "entrant": "entrant_id", "point": "point_id"}[label]
    assert trials[label].nunique() == trials[name].nunique() == 2


def test_every_table_has_the_ids_of_what_it_lists():
    study = Study.of(reports("adam", GOOD) + reports("lion", GOOD))
    (board,) = study.leaderboards
    for table in (study.trials, study.curves, study.points, board.table, study.costs):
        assert set(IDS) <= set(table.columns)
    assert {"setting_id", "entrant_id"} <= set(study.best_of_k.columns)
    assert "entrant_id" in study.overall and "entrant_id" in study.profile
    assert {"ours_id", "theirs_id"} <= set(study.pairs.columns)
    assert {"left_out_id", "entrant_id"} <= set(study.stability.columns)
    entrants = set(study.trials["entrant_id"])
    assert set(study.overall["entrant_id"]) == set(board.table["entrant_id"]) == entrants
