"""The answer in words: never more than the rows say, with size, level and conditions."""

from dataclasses import replace

import numpy as np

from reports.analysis.study import Study
from reports.stats.intervals import Interval
from reports.text.answer import count_claims, write_answer, write_sentences
from reports.text.effects import describe_ruled_out, describe_shift, format_level
from tests.helpers.studies import Landscape, reports, study, tunings

GOOD = [0.90, 0.901, 0.902, 0.903, 0.904, 0.905, 0.906, 0.907, 0.908, 0.909]


def shifted(by, values=GOOD):
    return [value + by for value in values]


def test_a_better_one_is_named_with_size_level_and_conditions():
    records = reports("adam", GOOD) + reports("lion", shifted(0.02))
    records += reports("adam", GOOD, task="langid") + reports("lion", GOOD, task="langid")
    made = Study.of(records)
    assert write_answer(made) == (
        "Over 2 tasks no difference to adam is clear. Better than adam: lion on digits (untuned "
        "defaults, 10 seeds)."
    ) or write_answer(made).startswith("Over 2 tasks lion (ahead in 75 %")
    (said,) = write_sentences(made)
    assert said.text.startswith("lion: beats adam on digits by +2.0")
    assert "points accuracy (9" in said.text
    assert "no clear difference to adam on langid (differences outside" in said.text
    assert count_claims(made) == {
        "better": 1,
        "worse": 0,
        "no clear difference": 1,
        "no verdict": 0,
        "trials diverged or failed": 0,
    }


def test_nothing_better_is_said_so():
    made = Study.of(reports("adam", GOOD) + reports("lion", shifted(-0.02)))
    assert write_answer(made) == (
        "No optimizer is shown to beat adam on digits (untuned defaults, 10 seeds)."
    )
    assert write_sentences(made)[0].text.startswith("lion: loses to adam on digits by −2.0")


def test_those_of_whom_the_same_is_said_share_a_sentence():
    few = reports("adam", GOOD)
    for name in ("lion", "sgd", "yogi"):
        few += reports(name, GOOD)
    made = Study.of(few)
    (said,) = write_sentences(made)
    assert said.text.startswith("lion, sgd and yogi: no clear difference to adam on digits")


def test_no_verdict_gives_its_reason_first():
    made = Study.of(reports("adam", GOOD[:3]) + reports("lion", GOOD[:3]))
    assert write_answer(made) == "No verdict: 3 seeds of lion; at least 5 are needed."


def test_a_size_without_ends_is_not_quoted():
    records = reports("adam", [None] * 10) + reports("lion", GOOD)
    (said,) = write_sentences(Study.of(records))
    assert said.text == (
        "lion: beats adam on digits by size not determined, untuned defaults, 10 seeds; finished "
        "10 of 10 trials, adam 0 of 10."
    )


def test_a_tuned_claim_names_tunings_and_settings():
    numbers = np.random.default_rng(0)
    better = Landscape()
    better.quality = lambda lr, usual=better.quality: usual(lr) + 0.05
    adam = study("adam", Landscape(), numbers, repeats=10)
    made = Study.of(adam + study("lion", better, numbers))
    (said,) = write_sentences(made)
    assert "5 tunings of 8 settings" in said.text
    assert write_answer(made).startswith("Better than adam: lion on digits (5 tunings of 8 ")


def test_what_would_decide_and_what_is_ruled_out_is_said():
    numbers = np.random.default_rng(0)
    adam = [float(v) for v in 0.9 + 0.01 * numbers.standard_normal(10)]
    lion = [float(v) for v in 0.905 + 0.01 * numbers.standard_normal(5)]
    (said,) = write_sentences(Study.of(tunings("adam", adam) + tunings("lion", lion)))
    assert "points accuracy are ruled out; about " in said.text
    assert said.text.endswith("tunings would decide this size).")


def test_without_a_reference_pairs_are_the_verdicts():
    records = reports("lion", GOOD) + reports("sgd", shifted(-0.02))
    made = Study.of([replace(record, reference="") for record in records])
    assert write_answer(made) == (
        "There is no reference (reference=NAME chooses one). Of 1 pair: sgd loses to lion."
    )


def test_alone_or_without_the_reference():
    assert write_answer(Study.of(reports("adam", GOOD))) == (
        "Nothing was compared with adam: it ran alone."
    )
    assert write_answer(Study.of(reports("lion", GOOD))) == (
        "Nothing was compared: one optimizer ran alone."
    )


def test_effects_in_words():
    known = Interval(0.016, 0.01, 0.022, 10)
    assert describe_shift(known, "accuracy", 0.95) == (
        "+1.60 points accuracy (95 % interval +1.00 to +2.20)"
    )
    assert describe_shift(Interval(-0.47, -0.52, -0.43, 9), "loss", 0.998) == (
        "−0.470 loss (99.8 % interval −0.520 to −0.430)"
    )
    assert describe_ruled_out(Interval(0.001, -0.007, 0.009, 9), "accuracy") == (
        "differences outside −0.70 to +0.90 points accuracy are ruled out"
    )
    half = Interval(0.001, -np.inf, 0.009, 9)
    assert describe_ruled_out(half, "loss") == "differences above +0.0090 loss are ruled out"
    none = Interval(np.inf, -np.inf, np.inf, 9)
    assert describe_ruled_out(none, "loss") == "no size of a difference is ruled out"
    assert describe_shift(none, "loss", 0.95) == "size not determined"
    assert [format_level(x) for x in (0.95, 0.998, 0.99976, 1.0)] == [
        "95 %",
        "99.8 %",
        "99.98 %",
        "100 %",
    ]
