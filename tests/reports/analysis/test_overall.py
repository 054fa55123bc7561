"""Over all tasks: pairs of entrants, scores against the reference, who is complete and ranked."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.spec import Phase, Tuning
from reports.analysis.overall import COLUMNS
from reports.analysis.study import Study
from reports.stats import anchored
from reports.text.leaderboards import format_groups
from tests.helpers.records import make_record
from tests.helpers.simulated import tuned
from tests.helpers.studies import reports, tunings

NOISE = np.array([0.001, -0.002, 0.003, -0.001, 0.002, -0.003, 0.001, 0.000, -0.001, 0.002])
OTHER = np.roll(NOISE, 3)
SEEDS, TWO = range(6), ("adam", "sgd")
MADE: dict[str, float] = {"adam": 0.90, "lion": 0.93, "sgd": 0.85}


def made(tasks=("one", "two", "three", "four"), entrants=("adam", "lion", "sgd"), **broken):
    """Defaults on ten seeds; ``broken`` names entrants with seeds that diverged on task one."""
    records = []
    for place, task in enumerate(tasks):
        for name in entrants:
            values = MADE[name] + np.roll(OTHER if name == "lion" else NOISE, place + len(name))
            lost = broken.get(name, ()) if task == "one" else ()
            own = [None if i in lost else float(v) for i, v in enumerate(values)]
            records += reports(name, own, task=task, steps_to_target=400 if name == "sgd" else 200)
    return records


@pytest.fixture(scope="module")
def study():
    return Study.of(made())


def pair(study, ours, theirs):
    table = study.pairs
    return table[(table["ours"] == ours) & (table["theirs"] == theirs)].iloc[0]


def row(study, entrant):
    return study.overall.set_index("entrant").loc[entrant]


def test_a_pair_is_one_exact_test_over_its_tasks(study):
    """Lion is ahead in every result of four tasks: 1 of C(20, 10) deals on each, two-sided."""
    found = pair(study, "lion", "adam")
    assert found["p"] == pytest.approx(2 / math.comb(20, 10) ** 4)
    assert (found["improvement"], found["claim"]) == (1.0, "better")
    assert 0.5 < found["low"] < found["high"] <= 1
    assert found[["win", "tie", "loss", "no_verdict"]].tolist() == [4, 0, 0, 0]
    assert found["tasks"] == 4


def test_the_overall_verdict_is_that_of_the_pair_with_the_reference(study):
    found, lion = pair(study, "lion", "adam"), row(study, "lion")
    same = ["p", "p_holm", "claim", "improvement"]
    assert lion[same].tolist() == found[same].tolist()
    assert lion[["improvement_low", "tested_tasks"]].tolist() == [found["low"], 4]
    assert row(study, "adam")["claim"] == "reference"
    assert row(study, "sgd")["claim"] == "worse"


def test_pairs_know_nothing_of_a_third_entrant(study):
    alone = Study.of(made(entrants=("adam", "lion")))
    mine = ["tasks", "improvement", "win", "tie", "loss", "p"]
    assert pair(alone, "lion", "adam")[mine].tolist() == pair(study, "lion", "adam")[mine].tolist()
    scores = ["value", "value_low", "value_high", "speed", "improvement"]
    assert row(alone, "lion")[scores].tolist() == row(study, "lion")[scores].tolist()


def test_one_task_is_one_hypothesis_for_the_table_and_the_pair():
    study = Study.of(made(tasks=("one",), entrants=("adam", "lion")))
    board = study.leaderboards[0].table.set_index("entrant")
    found = pair(study, "lion", "adam")
    assert board.loc["lion", "p"] == found["p"]
    once = found["p"] * 0.05 / 0.04  # one test; a first look is judged at 4 %
    assert board.loc["lion", "p_holm"] == found["p_holm"] == pytest.approx(once)


def test_a_trial_that_diverged_has_the_worst_rank_in_a_pair_too():
    """Eight of ten diverged on one task, which is lost there and won on the other three."""
    found = pair(Study.of(made(lion=range(8))), "lion", "adam")
    assert found[["win", "tie", "loss"]].tolist() == [3, 0, 1]
    assert found["improvement"] == pytest.approx((0.2 + 3) / 4)


def test_a_pair_without_a_verdict_on_one_task_claims_nothing():
    few = [r for r in made() if r.config["task"]["name"] != "one" or r.config["seed"] < 4]
    found = pair(Study.of(few), "lion", "adam")
    assert (found["claim"], found["no_verdict"]) == ("no verdict", 1)
    assert found["reason"] == "on one: 4 seeds of lion; at least 5 are needed"
    assert math.isnan(found["p_holm"])


def test_a_task_to_which_one_does_not_apply_is_not_in_its_pair():
    records = [r for r in made() if not (of_task(r, "one") and of_optimizer(r, "lion"))]
    skipped = make_record(
        task="one", optimizer="lion", status="skipped", reason="no matrices", evaluations=1
    )
    skipped = replace(skipped, phase=Phase.REPORT, tuning=Tuning({}, "sobol", 0, 0, draw=2))
    found = pair(Study.of([*records, skipped]), "lion", "adam")
    assert (found["tasks"], found["claim"]) == (3, "better")
    board = next(b for b in Study.of([*records, skipped]).leaderboards if b.comparison == "one")
    (lion,) = (r for r in board.rows if r.arm.entrant == "lion")
    assert str(lion.verdict) == "no verdict: lion was skipped: no matrices"


def of_task(record, name):
    return record.config["task"]["name"] == name


def of_optimizer(record, name):
    return record.config["optimizer"]["name"] == name


def test_beside_a_baseline_a_study_asks_about_its_own_optimizers():
    """Four tasks, mine against two of a baseline: rows, overall and pairs of mine alone."""
    mine = [replace(r, source="") for r in made(entrants=("lion",))]
    shipped = [replace(r, source="league") for r in made(entrants=("adam", "sgd"))]
    study = Study.of(mine + shipped)
    assert study.leaderboards[0].tests == 4 + 2  # rows against adam; pairs with adam and with sgd
    assert row(study, "lion")["claim"] == "better"
    assert row(study, "sgd")["claim"] == "not asked"
    assert row(study, "sgd")["not_asked"] == 4
    assert math.isnan(pair(study, "sgd", "adam")["p_holm"])
    everything = Study.of(made())
    assert everything.leaderboards[0].tests == 2 * 4 + 3


def test_beside_a_baseline_an_own_reference_is_not_asked_about():
    own = [replace(r, source="") for r in made(entrants=("adam", "lion"))]
    shipped = [replace(r, source="league") for r in made(entrants=("sgd",))]
    study = Study.of(own + shipped)
    assert row(study, "sgd")["claim"] == "not asked"
    assert study.leaderboards[0].tests == 4 + 2


def test_one_row_an_entrant_the_reference_first_then_by_rank(study):
    table = study.overall
    assert table["entrant"].tolist() == ["adam", "lion", "sgd"]
    assert table["rank"].tolist() == [2, 1, 3]
    assert table["better"].tolist() == [0, 4, 0]
    assert table["worse"].tolist() == [0, 0, 4]
    assert table["reference"].tolist() == [4, 0, 0]
    assert row(study, "adam")[["value", "speed"]].tolist() == [0, 0]
    assert math.isnan(row(study, "adam")["value_low"])
    lion, sgd = row(study, "lion"), row(study, "sgd")
    assert lion["value_low"] < lion["value"] < lion["value_high"]
    assert (lion["improvement"], sgd["improvement"]) == (1.0, 0.0)
    assert (lion["speed"], sgd["speed"]) == (0.0, pytest.approx(-1.0))  # twice the steps
    assert (lion["profile_area"], lion["rank_low"], lion["rank_high"]) == (1.0, 1, 1)


def test_who_misses_a_task_is_shown_and_not_ranked():
    records = [
        r
        for r in made()
        if (r.config["task"]["name"], r.config["optimizer"]["name"]) != ("two", "lion")
    ]
    study = Study.of(records)
    assert study.overall["entrant"].tolist() == ["adam", "sgd", "lion"]
    lion = row(study, "lion")
    assert (lion["tasks"], lion["of"], lion["complete"]) == (3, 4, False)
    assert lion[["rank", "value", "profile_area"]].isna().all()
    assert (lion["claim"], lion["tested_tasks"]) == ("better", 3)
    assert set(study.profile["entrant"]) == {"adam", "sgd"}


def test_breaking_off_more_often_is_infinitely_worse_on_that_task():
    study = Study.of(made(tasks=("one", "two"), lion=(0,)))
    assert row(study, "lion")["value"] == -math.inf
    assert row(study, "lion")[["finished", "trials"]].tolist() == [19, 20]


def test_a_report_without_the_reference_ranks_nobody():
    study = Study.of(made(entrants=("lion", "sgd")))
    assert study.overall["rank"].isna().all()
    assert study.overall["no_verdict"].tolist() == [4, 4]
    assert study.pairs["claim"].tolist() == ["worse"]


@pytest.mark.parametrize(
    ("ours", "theirs", "score"),
    [
        ([0.1, 0.3], [0.2, 0.6], 1.0),
        ([np.inf, 0.1], [0.2, 0.2], -np.inf),
        ([0.1, 0.1], [np.inf, 0.2], np.inf),
        ([np.inf, 0.1], [0.2, np.inf], 1.0),
        ([np.inf, 0.1], [np.inf, 0.4], 2.0),
        ([0.0, 0.0], [0.1, 0.1], np.inf),
        ([0.1], [0.3, 0.1], 1.0),
        ([np.inf, 0.1], [np.inf, np.inf, 0.1, 0.1], 0.0),
    ],
)
def test_the_value_score_by_hand(ours, theirs, score):
    assert anchored.value(ours, theirs) == pytest.approx(score)


def test_the_value_score_without_values_is_unknown():
    assert np.isnan(anchored.value([], [0.1]))


@pytest.mark.parametrize(
    ("ours", "theirs", "score"),
    [
        ([100, 200, 900], [400, 400, 400], 1.0),
        ([100, np.inf, np.inf], [100, 100, np.inf], -np.inf),
        ([100], [np.inf], np.inf),
        ([np.inf], [np.inf], 0.0),
        ([100, np.inf], [100, 100], -np.inf),
    ],
)
def test_the_speed_score_by_hand(ours, theirs, score):
    assert anchored.speed(ours, theirs) == pytest.approx(score)


def test_what_remains_has_no_scale_beyond_one_or_below_zero():
    assert anchored.remaining_loss([0.9, 0.8], "maximize") == pytest.approx([0.1, 0.2])
    assert anchored.remaining_loss([3.0, 1e12], "minimize").tolist() == [3.0, 1e12]
    assert np.isnan(anchored.remaining_loss([0.9, 27.3], "maximize")).all()
    assert np.isnan(anchored.remaining_loss([-1.0, 2.0], "minimize")).all()


def test_the_leaderboard_knows_groups_the_tick_and_what_the_test_split_leaves_open():
    finals = [28.39, 29.20, 52.97, 29.32, 52.92, 28.67, 28.33, 28.87, 52.93, 52.96]  # DeepOBS
    options = {"metric": "loss", "direction": "minimize", "target": None}
    rows = Study.of(reports("adam", finals, **options)).leaderboards[0].table
    assert rows["seed_groups"].map(format_groups).tolist() == [
        "6 seeds 28.3–29.3, 4 seeds 52.9–53.0"
    ]
    assert rows[["test_error", "steps_tick"]].isna().all(axis=None)

    tested = Study.of(reports("adam", [0.9] * 10, summary={"test_examples": 360.0}))
    found = tested.leaderboards[0].table.iloc[0]
    assert found["test_error"] == pytest.approx(math.sqrt(0.9 * 0.1 / 360))
    assert (found["steps_low"], found["steps_high"], found["steps_tick"]) == (0, 200, 300)
    assert found["seed_groups"] == ()


def test_the_tunings_that_would_decide_stand_where_nothing_is_clear():
    numbers = np.random.default_rng(0)
    adam = [float(v) for v in 0.9 + 0.01 * numbers.standard_normal(10)]
    lion = [float(v) for v in 0.905 + 0.01 * numbers.standard_normal(5)]
    study = Study.of(tunings("adam", adam) + tunings("lion", lion))
    rows = study.leaderboards[0].table.set_index("entrant")
    assert str(rows.loc["lion", "verdict"]) == "no clear difference"
    assert 5 < rows.loc["lion", "tunings_needed"] < 1000
    assert math.isnan(rows.loc["adam", "tunings_needed"])


ODD = {
    "still being tuned": [
        r for r in tuned("adam", np.random.default_rng(0)) if r.phase == "select"
    ],
    "one trial": [make_record()],
    "all failed": [make_record(seed=i, optimizer=o, status="failed") for i in SEEDS for o in TWO],
    "all skipped": [make_record(seed=i, optimizer=o, status="skipped") for i in SEEDS for o in TWO],
    "NaN": [make_record(seed=i, optimizer=o, test=math.nan) for i in SEEDS for o in TWO],
    "no error left": [make_record(seed=i, optimizer=o, test=1.0) for i in SEEDS for o in TWO],
    "no common scale": [
        make_record(seed=i, optimizer=o, metric="bleu", test=20.0 + i * len(o) % 5, target=None)
        for i in SEEDS
        for o in TWO
    ],
    "1e12": [
        make_record(seed=i, optimizer=o, metric="loss", direction="minimize", test=1e12**i)
        for i in SEEDS
        for o in TWO
    ],
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_study_has_its_tables(what):
    study = Study.of(ODD[what])
    assert list(study.overall.columns) == COLUMNS
    assert len(study.overall) == len(study.entrants)
    pairs = 0 if what == "all skipped" else math.comb(len(study.entrants), 2)
    assert len(study.pairs) == pairs
    assert not {"better", "worse"} & set(study.pairs["claim"])
    if what == "no common scale":
        assert study.overall["value_tasks"].tolist() == [0, 0]


def test_tunings_with_a_trial_that_diverged():
    records = tunings("adam", [0.9] * 4 + [0.91] * 4) + tunings("lion", [0.9, None, 0.91, 0.9])
    lion = row(Study.of(records), "lion")
    assert lion[["finished", "trials", "complete"]].tolist() == [3, 4, True]
    assert lion["value"] == -math.inf


def test_the_regret_of_tuning_less_is_what_all_points_gain():
    table = Study.of(tuned("adam", np.random.default_rng(0))).best_of_k
    gained = table["expected"].iloc[-1] - table["expected"]
    assert table["regret"].tolist() == pytest.approx(gained.tolist())
    assert (table["regret"].diff().dropna() < 0).all()
    assert table["regret"].iloc[-1] == 0
