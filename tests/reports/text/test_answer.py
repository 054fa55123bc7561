"""The answer in words: never more than the rows say, with interval, n and price."""

import numpy as np

from reports.analysis.study import Study
from reports.text.answer import count_claims, write_answer, write_sentences
from tests.helpers.studies import Landscape, reports, study

GOOD = [0.90, 0.91, 0.92, 0.905, 0.915, 0.91, 0.90, 0.92, 0.905, 0.915]
NOISE = [0.001, -0.001] * 5


def shifted(by, values=GOOD, noise=NOISE):
    return [v + by + e for v, e in zip(values, noise, strict=True)]


def test_a_better_one_is_named_with_interval_n_and_price():
    records = reports("adam", GOOD) + reports("lion", shifted(0.02))
    records += reports("adam", GOOD, task="langid") + reports("lion", GOOD, task="langid")
    made = Study.of(records)
    assert write_answer(made) == "Shown to be better than adam: lion on digits (of 2 comparisons)."
    (said,) = write_sentences(made)
    assert said.text.startswith(
        "lion: beats adam on digits: +0.02000 [+0.01925, +0.02075], n = 10, at their defaults; "
        "no difference to adam shown on langid"
    )
    assert count_claims(made) == {
        "better": 1,
        "worse": 0,
        "no difference shown": 1,
        "withheld": 0,
        "trials broken off": 0,
    }


def test_nothing_better_is_said_so():
    records = reports("adam", GOOD) + reports("lion", shifted(-0.02))
    made = Study.of(records)
    assert write_answer(made) == "No optimizer here is shown to be better than adam (1 comparison)."
    assert write_sentences(made)[0].text.startswith("lion: loses to adam on digits: −0.02000")


def test_those_of_whom_the_same_is_said_share_a_sentence():
    few = reports("adam", GOOD[:3])
    for name in ("lion", "sgd", "yogi"):
        few += reports(name, GOOD[:3])
    made = Study.of(few)
    (said,) = write_sentences(made)
    assert said.text == (
        "lion, sgd and yogi: verdict withheld on digits (3 pairs of seeds, 5 are needed)."
    )
    assert write_answer(made).startswith("No verdict")


def test_survivors_are_not_quoted_as_a_difference():
    records = reports("adam", [0.95, 0.96, 0.955] + [None] * 7) + reports("lion", GOOD)
    made = Study.of(records)
    (said,) = write_sentences(made)
    assert said.text == (
        "lion: beats adam on digits by rank (n = 10, at their defaults; "
        "finished 10 of 10 trials, adam 3 of 10)."
    )
    assert count_claims(made)["trials broken off"] == 7


def test_a_tuned_claim_rests_on_the_interval_with_the_luck_of_selection():
    numbers = np.random.default_rng(0)
    better = Landscape()
    better.quality = lambda lr, usual=better.quality: usual(lr) + 0.05
    made = Study.of(study("adam", Landscape(), numbers) + study("lion", better, numbers))
    (board,) = made.leaderboards
    row = board.table[(board.table["entrant"] == "lion") & (board.table["row"] == "tuned")].iloc[0]
    (said,) = write_sentences(made)
    assert "8 points each" in said.text
    assert f"{row['diff_selection_low']:+.2f}"[:4] in said.text


def test_alone_or_without_a_reference():
    assert write_answer(Study.of(reports("adam", GOOD))) == (
        "Nothing was compared with adam: it ran alone."
    )
    assert write_answer(Study.of(reports("lion", GOOD))) == (
        "adam did not run here, so nothing is compared with it."
    )
