"""Over all tasks: pairs of entrants, scores against the reference, who is complete and ranked."""

import math

import numpy as np
import pytest
from scipy import stats

from reports.analysis.arrays import arrange_values, pair_values
from reports.analysis.overall import COLUMNS
from reports.analysis.study import Study
from reports.stats import anchored
from reports.text.leaderboards import format_groups
from tests.helpers.records import make_record
from tests.helpers.simulated import tuned
from tests.helpers.studies import reports

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


def test_an_overlay_pairs_by_repeat_and_seed_and_not_by_position():
    ours = arrange_values(
        np.zeros(3), np.array([2, 0, 1]), np.array([0.93, 0.91, 0.92]), np.zeros(3, bool)
    )
    theirs = arrange_values(
        np.zeros(4),
        np.array([0, 1, 2, 9]),
        np.array([0.9, math.nan, 0.925, 0.5]),
        np.array([False, True, False, False]),
    )
    both = pair_values(ours, theirs)
    assert both.ours.tolist() == [[0.91, 0.92, 0.93]]
    assert (both.pairs, both.has_failures) == (3, True)
    assert [x.tolist() for x in both.finished] == [[[0.91, 0.93]], [[0.9, 0.925]]]


def test_the_effect_of_a_pair_is_the_mean_log_ratio_with_its_interval(study):
    """By hand: means of what remains, their log ratios, delta method, Welch-Satterthwaite."""
    found, effects, variances = pair(study, "lion", "adam"), [], []
    for place in range(4):
        a, b = (1 - 0.93 - np.roll(OTHER, place + 4)), (1 - 0.90 - np.roll(NOISE, place + 4))
        effects.append(math.log2(b.mean() / a.mean()))
        each = (b / b.mean() - a / a.mean()) / math.log(2)
        variances.append(each.var(ddof=1) / 10 / 16)
    total = sum(variances)
    df = total**2 / sum(v**2 / 9 for v in variances)
    half = stats.t.ppf(0.975, df) * math.sqrt(total)
    assert found["effect"] == pytest.approx(np.mean(effects))
    assert (found["high"] - found["low"]) / 2 == pytest.approx(half)
    assert found["p"] == pytest.approx(2 * stats.t.sf(np.mean(effects) / math.sqrt(total), df))
    assert found[["win", "tie", "loss", "withheld"]].tolist() == [4, 0, 0, 0]
    assert (found["tasks"], found["measured"], found["claim"]) == (4, 4, "better")


def test_pairs_know_nothing_of_a_third_entrant(study):
    alone = Study.of(made(entrants=("adam", "lion")))
    mine = ["tasks", "effect", "low", "high", "win", "tie", "loss", "p"]
    assert pair(alone, "lion", "adam")[mine].tolist() == pair(study, "lion", "adam")[mine].tolist()
    scores = ["value", "value_low", "value_high", "speed", "improvement"]
    assert row(alone, "lion")[scores].tolist() == row(study, "lion")[scores].tolist()


def test_one_task_is_one_hypothesis_for_the_table_and_the_pair():
    study = Study.of(made(tasks=("one",), entrants=("adam", "lion")))
    board = study.leaderboards[0].table.set_index("entrant")
    found = pair(study, "lion", "adam")
    assert board.loc["lion", "p_holm"] == found["p_holm"] == found["p"] == board.loc["lion", "p"]


def test_a_pair_with_a_trial_that_broke_off_combines_the_tasks_own_tests():
    study = Study.of(made(lion=range(8)))
    p, gains = [], []
    for board in study.leaderboards:
        lion = board.table.set_index("entrant").loc["lion"]
        p.append(lion["p"])
        gains.append(-1 if board.comparison == "one" else 1)
    z = [s * stats.norm.isf(v / 2) for s, v in zip(gains, p, strict=True)]
    found = pair(study, "lion", "adam")
    assert found["p"] == pytest.approx(2 * stats.norm.sf(abs(sum(z)) / 2))
    assert found[["win", "tie", "loss"]].tolist() == [3, 0, 1]


def test_a_pair_that_is_withheld_on_one_task_claims_nothing():
    few = [r for r in made() if r.config["task"]["name"] != "one" or r.config["seed"] < 4]
    found = pair(Study.of(few), "lion", "adam")
    assert (found["claim"], found["withheld"]) == ("withheld", 1)
    assert found["reason"] == "on one: 4 pairs of seeds, 5 are needed"
    assert math.isnan(found["p_holm"])


def test_one_row_an_entrant_the_reference_first_then_by_rank(study):
    table = study.overall
    assert table["entrant"].tolist() == ["adam", "lion", "sgd"]
    assert table["rank"].tolist() == [2, 1, 3]
    assert table["better"].tolist() == [0, 4, 0]
    assert table["worse"].tolist() == [0, 0, 4]
    assert table["reference"].tolist() == [4, 0, 0]
    assert row(study, "adam")[["value", "speed", "improvement"]].tolist() == [0, 0, 0.5]
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
    assert lion[["rank", "value", "improvement", "profile_area"]].isna().all()
    assert set(study.profile["entrant"]) == {"adam", "sgd"}


def test_breaking_off_more_often_is_infinitely_worse_on_that_task():
    study = Study.of(made(tasks=("one", "two"), lion=(0,)))
    assert row(study, "lion")["value"] == -math.inf
    assert row(study, "lion")[["finished", "trials"]].tolist() == [19, 20]


def test_a_report_without_the_reference_ranks_nobody():
    study = Study.of(made(entrants=("lion", "sgd")))
    assert study.overall["rank"].isna().all()
    assert study.overall["not_tested"].tolist() == [4, 4]


@pytest.mark.parametrize(
    ("ours", "theirs", "score"),
    [
        ([0.1, 0.3], [0.2, 0.6], 1.0),
        ([np.inf, 0.1], [0.2, 0.2], -np.inf),
        ([0.1, 0.1], [np.inf, 0.2], np.inf),
        ([np.inf, 0.1], [0.2, np.inf], 0.0),
        ([np.inf, 0.1], [np.inf, 0.4], 2.0),
        ([0.0, 0.0], [0.1, 0.1], np.inf),
        ([np.nan, 0.1], [0.3, 0.2], 1.0),
    ],
)
def test_the_value_score_by_hand(ours, theirs, score):
    assert anchored.value(ours, theirs) == pytest.approx(score)


def test_the_value_score_of_no_pair_is_unknown():
    assert np.isnan(anchored.value([np.nan], [0.1]))


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


def test_the_seeds_that_would_decide_stand_where_nothing_is_shown():
    close = reports("lion", list(0.9005 + OTHER))
    rows = Study.of(reports("adam", list(0.90 + NOISE)) + close).leaderboards[0].table
    rows = rows.set_index("entrant")
    assert str(rows.loc["lion", "verdict"]) == "no difference shown"
    assert 10 < rows.loc["lion", "n_needed"] < 1000
    assert math.isnan(rows.loc["adam", "n_needed"])


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
    assert len(study.pairs) == math.comb(len(study.entrants), 2)
    assert not {"better", "worse"} & set(study.pairs["claim"])
    if what == "no common scale":
        assert study.overall["value_tasks"].tolist() == [0, 0]
        assert study.pairs["measured"].tolist() == [0]


def test_repeated_tunings_with_a_trial_that_broke_off():
    records = [
        *tuned("adam", np.random.default_rng(0), repeats=3),
        *tuned("lion", np.random.default_rng(1), repeats=3, broken=(1,)),
    ]
    lion = row(Study.of(records), "lion")
    assert lion[["finished", "trials", "complete"]].tolist() == [27, 30, True]
    assert lion["value"] == -math.inf


def test_the_regret_of_tuning_less_is_what_all_points_gain():
    table = Study.of(tuned("adam", np.random.default_rng(0))).best_of_k
    gained = table["expected"].iloc[-1] - table["expected"]
    assert table["regret"].tolist() == pytest.approx(gained.tolist())
    assert (table["regret"].diff().dropna() < 0).all()
    assert table["regret"].iloc[-1] == 0
