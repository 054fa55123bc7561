"""A study that is enlarged: what its looks showed, and at what rate they were judged."""

import itertools
from dataclasses import replace

import pytest

from reports.analysis.study import Study
from tests.helpers.studies import reports, tunings

HIGH = [0.95 + 0.001 * at for at in range(20)]
LOW = [0.90 + 0.001 * at for at in range(40)]


def enlarge(optimizer, results, sizes):
    """Tunings of several commands, each of which declares and ends so many."""
    records, begin = [], 0
    for generation, size in enumerate(sizes, start=1):
        for record in tunings(optimizer, results[:size], planned=size):
            if record.tuning.repeat >= begin:
                result = replace(record.result, generation=generation)
                records.append(replace(record, result=result))
        begin = size
    return records


def row_of(records, optimizer="lion"):
    (board,) = Study.of(records).leaderboards
    (row,) = (one for one in board.rows if one.arm.optimizer == optimizer)
    return row, board


def exact_p(ours, theirs):
    """Two-sided p of the rank sum by enumeration; no ties."""
    values = sorted([*ours, *theirs])
    ranks = {value: at for at, value in enumerate(values, start=1)}
    observed = sum(ranks[value] for value in ours)
    centre = len(ours) * (len(values) + 1) / 2
    sums = [sum(one) for one in itertools.combinations(range(1, len(values) + 1), len(ours))]
    return sum(abs(s - centre) >= abs(observed - centre) for s in sums) / len(sums)


def test_the_first_look_is_judged_at_four_percent():
    ours, theirs = [0.91, 0.92, 0.93, 0.87], [0.89, 0.88, 0.86, 0.85]
    row, _ = row_of(tunings("adam", theirs) + tunings("lion", ours))
    assert row.p == pytest.approx(exact_p(ours, theirs)) == pytest.approx(8 / 70)
    assert row.p_holm == pytest.approx(8 / 70 * 0.05 / 0.04)
    assert (row.look, row.looks) == (1, 1)
    assert 1 - row.level == pytest.approx(0.04)  # of one test, Holm's level is the look's


def test_what_an_earlier_look_showed_stands():
    # clearly apart after 5 and 10, and mixed later
    ours = HIGH[:5] + LOW[20:25]
    records = enlarge("adam", LOW[:20], [10, 20]) + enlarge("lion", ours, [5, 10])
    row, board = row_of(records)
    assert str(row.verdict) == "better"
    assert (row.look, row.looks) == (1, 2)
    assert row.p == pytest.approx(2 / 3003)  # 5 of 15 on top, of the first look
    assert row.p_holm == pytest.approx(2 / 3003 * 0.05 / 0.04)
    assert row.improvement.estimate == 1.0 and row.shift.low > 0
    assert len(row.arm.results) == 10  # the row's values are of all
    (note,) = (one for one in board.notes if one.startswith("The study was enlarged"))
    assert note == (
        "The study was enlarged: its 2 looks spend 4 %, 0.5 % of the error rate of 5 %. Shown at "
        "an earlier look, which stands with its p and intervals: lion (tuned)."
    )


def test_a_later_look_has_to_show_more():
    # enough at 4 %, not at 0.5 %
    theirs = [0.9 + 0.001 * rank for rank in (9, 10, 7, 6, 1, 3, 4, 5)]
    ours = [0.9 + 0.001 * rank for rank in (2, 8, 11, 12, 13, 14, 15, 16)]
    p = exact_p(ours, theirs)
    assert 0.005 < p < 0.04
    once, _ = row_of(tunings("adam", theirs) + tunings("lion", ours))
    assert str(once.verdict) == "better" and once.p_holm == pytest.approx(p / 0.8)
    early = exact_p(ours[:4], theirs[:4])
    assert early > 0.04
    twice, _ = row_of(enlarge("adam", theirs, [4, 8]) + enlarge("lion", ours, [4, 8]))
    assert str(twice.verdict) == "no clear difference"
    assert (twice.look, twice.looks) == (2, 2)
    assert twice.p == pytest.approx(p) and twice.p_holm == pytest.approx(p * 10)
    assert twice.shift.low < 0 < twice.shift.high
    assert twice.improvement.low <= 0.5 <= twice.improvement.high


def test_a_baseline_without_commands_goes_by_its_plans():
    records = enlarge("adam", LOW[:20], [10, 20]) + enlarge("lion", HIGH[:10], [5, 10])
    exported = [replace(one, result=replace(one.result, generation=0)) for one in records]
    row, _ = row_of(exported)
    assert (row.look, row.looks) == (1, 2)


def test_overall_verdicts_and_pairs_have_looks_too():
    records = []
    for task in ("a", "b"):
        for name, results, sizes in (
            ("adam", LOW[:20], [10, 20]),
            ("lion", HIGH[:5] + LOW[20:25], [5, 10]),
        ):
            records += [
                replace(one, config={**one.config, "task": {**one.config["task"], "name": task}})
                for one in enlarge(name, results, sizes)
            ]
    study = Study.of(records)
    (pair,) = study.pairs.to_dict("records")
    assert pair["claim"] == "better" and pair["improvement"] == 1.0
    assert pair["p"] == pytest.approx(2 / 3003**2)


def test_nothing_is_judged_before_everything_has_ended():
    records = tunings("adam", LOW[:10]) + tunings("lion", HIGH[:5])
    records += reports("adam", LOW[:10]) + reports("lion", HIGH[:10])
    reason = "so far 25 of 30 declared results are there; a verdict waits for all of them."
    study = replace(Study.of(records), pending=reason)
    (board,) = study.leaderboards
    assert {str(row.verdict) for row in board.rows if row.arm.optimizer == "lion"} == {
        f"no verdict: {reason}"
    }
    assert set(study.pairs["claim"]) == {"no verdict"}
    assert board.tests == 0


def test_an_edge_of_later_tunings_does_not_take_a_claim_back():
    low = 1e-4  # all later tunings end at the low edge
    first = tunings("lion", LOW[:5], planned=5)
    later = tunings("lion", LOW[:10], planned=10, choose=lambda repeat: low)
    records = [
        replace(one, result=replace(one.result, generation=1 + (one.tuning.repeat >= 5)))
        for one in first + [two for two in later if two.tuning.repeat >= 5]
    ]
    row, _ = row_of(enlarge("adam", [value + 0.1 for value in LOW[:20]], [10, 20]) + records)
    assert (str(row.verdict), row.look) == ("worse", 1)
