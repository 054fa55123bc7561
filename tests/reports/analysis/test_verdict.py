"""What a report may claim: survivors, unequal tuning, edges, luck, and nothing under the null."""

import dataclasses
import math

import numpy as np
import pytest

from bench.spec import Phase, Tuning
from reports.analysis.study import Study
from reports.stats import seeds as seed_statistics
from reports.text.headline import describe_verdict, write_headline
from reports.text.leaderboards import display
from tests.helpers.records import make_record
from tests.helpers.studies import SPACE, Landscape, reports, study

GOOD = [0.90, 0.91, 0.92, 0.905, 0.915, 0.91, 0.90, 0.92, 0.905, 0.915]
BETTER = [v + 0.02 + e for v, e in zip(GOOD, [0.001, -0.001] * 5, strict=True)]


def row_of(records, optimizer, kind="default"):
    (board,) = Study.of(records).leaderboards
    rows = board.table
    found = rows[(rows["optimizer"] == optimizer) & (rows["row"] == kind)]
    return found.iloc[0].to_dict(), board


def verdict_row(board, optimizer):
    (row,) = (row for row in board.rows if row.arm.optimizer == optimizer)
    return row


def test_who_survives_where_adam_diverges_is_not_worse():
    survivors = [0.95, 0.96, 0.955]  # above the challenger: survivors must not be compared alone
    records = reports("adam", survivors + [None] * 7) + reports("lion", GOOD)
    row, board = row_of(records, "lion")
    assert str(row["verdict"]) == "better"
    assert describe_verdict(verdict_row(board, "lion"), board) == (
        "better than adam (10 pairs); finished 10 of 10 trials, adam 3 of 10"
    )
    assert write_headline(board) == (
        "digits: lion at its default 0.9100 [0.9047, 0.9153] (n=10, 0 points tried, 300 steps, "
        "target 0.850); better than adam (10 pairs); finished 10 of 10 trials, adam 3 of 10."
    )


def test_a_challenger_that_diverges_is_never_better():
    records = reports("adam", GOOD) + reports("lion", [0.99, 0.98] + [None] * 8)
    row, board = row_of(records, "lion")
    assert str(row["verdict"]) == "worse"
    assert describe_verdict(verdict_row(board, "lion"), board) == (
        "worse than adam on test (10 pairs); finished 2 of 10 trials, adam 10 of 10"
    )
    assert board.table.iloc[0]["optimizer"] == "adam"


@pytest.mark.parametrize("diverged", range(11))
def test_a_share_that_diverges_never_helps(diverged):
    """The same survivors, ever fewer: the sign of the test can only fall."""
    kept = BETTER[: 10 - diverged] + [None] * diverged
    row, _ = row_of(reports("adam", GOOD) + reports("lion", kept), "lion")
    if diverged >= 5:
        assert str(row["verdict"]) != "better"
    if diverged == 0:
        assert str(row["verdict"]) == "better"


def test_two_that_diverge_on_the_same_seeds_tie():
    broken = [None] * 3 + GOOD[3:]
    row, _ = row_of(reports("adam", broken) + reports("lion", broken), "lion")
    assert str(row["verdict"]) == "no difference shown"
    assert row["p"] == 1.0


def tuned(optimizer, values, points, edge=False):
    """A tuned row that was chosen from so many points, in the middle of its range or at its end."""
    lr = 1e-4 if edge else 3e-3
    records = []
    for index in range(points):
        tuning = Tuning(SPACE, "sobol", 0, points, index=index)
        point = {"lr": lr if index == 0 else 5e-3 + index * 1e-4}
        value = 0.9 if index == 0 else 0.9 - 0.001 * index
        records.append(
            make_record(
                optimizer=optimizer,
                seed=10**6,
                point=point,
                val=value,
                test=None,
                phase=Phase.SELECT,
                evaluations=1,
                tuning=tuning,
            )
        )
    tuning = Tuning(SPACE, "sobol", 0, points, index=0)
    return records + reports(optimizer, values, tuning=tuning, point={"lr": lr})


def shifted(by):
    return [v + by + e for v, e in zip(GOOD, [0.001, -0.001] * 5, strict=True)]


def test_unequal_tuning_is_withheld():
    records = tuned("adam", GOOD, 4) + tuned("lion", shifted(0.05), 8)
    row, board = row_of(records, "lion", "tuned")
    assert str(row["verdict"]) == (
        "withheld: not comparable: lion tuned with 8 points, adam with 4"
    )
    assert "withheld: not comparable: lion tuned with 8 points, adam with 4" in write_headline(
        board
    )


def test_a_loser_at_the_edge_of_its_range_may_have_won_with_a_wider_one():
    records = tuned("adam", GOOD, 4, edge=True) + tuned("lion", shifted(0.05), 4)
    row, _ = row_of(records, "lion", "tuned")
    assert str(row["verdict"]) == "withheld: adam stands at the edge of its range of lr"
    winner = tuned("adam", GOOD, 4) + tuned("lion", shifted(0.05), 4, edge=True)
    row, _ = row_of(winner, "lion", "tuned")
    assert str(row["verdict"]) == "better"
    assert "edge" in [str(mark) for mark in row["marks"]]


def test_a_tuned_entrant_against_a_default_is_withheld():
    records = tuned("lion", shifted(0.05), 8) + reports("adam", GOOD)
    row, _ = row_of(records, "lion", "tuned")
    assert str(row["verdict"]) == (
        "withheld: not comparable: lion tuned with 8 points, adam at its default"
    )


def test_the_luck_of_selection_widens_the_interval():
    numbers = np.random.default_rng(0)
    records = study("adam", Landscape(), numbers) + study("lion", Landscape(), numbers)
    row, _ = row_of(records, "lion", "tuned")
    assert row["test_selection_low"] < row["test_low"]
    assert row["test_selection_high"] > row["test_high"]
    assert row["diff_selection_low"] < row["diff_low"]


def test_repeated_tuning_is_in_the_interval_and_both_are_shown():
    numbers = np.random.default_rng(0)
    options = {"tried": 4, "repeats": 3}
    records = study("adam", Landscape(), numbers, **options)
    records += study("lion", Landscape(), numbers, **options)
    row, board = row_of(records, "lion", "tuned")
    assert (row["repeats"], row["points_tried"], row["seeds"]) == (3, 4, 30)
    means = [
        np.mean([value_on_test(record) for record in records if is_tuned(record, repeat)])
        for repeat in range(3)
    ]
    assert row["test_mean"] == pytest.approx(np.mean(means))
    spread = row["test_selection_high"] - row["test_selection_low"]
    assert spread > row["test_high"] - row["test_low"]
    cells = display(board)
    assert {"test/accuracy [95 %]", "test with selection"} <= set(cells)
    assert "3 × 4" in cells["points tried"].tolist()


def value_on_test(record):
    return record.result.final["test/accuracy"]


def is_tuned(record, repeat):
    tuning = record.tuning
    return (
        record.phase == "report"
        and tuning.index is not None
        and tuning.repeat == repeat
        and record.config["optimizer"]["name"] == "lion"
    )


def test_nobody_is_compared_with_a_weakened_adam():
    cosine = {"schedule": {"name": "cosine", "target": "", "arguments": {}}}
    records = reports("adam", GOOD) + reports("adam", shifted(0.02), **cosine)
    noise = np.random.default_rng(0).normal(scale=0.001, size=10)
    records += reports("free", [v + e for v, e in zip(shifted(0.01), noise, strict=True)])
    (board,) = Study.of(records).leaderboards
    rows = board.table.set_index("entrant")
    assert rows.loc["free", "reference"] == "adam+cosine"
    assert str(rows.loc["free", "verdict"]) == "worse"
    assert any("nobody is compared with a weaker one" in note for note in board.notes)


def test_trials_that_stop_at_the_target_have_steps_and_no_verdict():
    records = reports("adam", GOOD, stop_at_target=True)
    records += reports("lion", shifted(0.05), stop_at_target=True)
    row, _ = row_of(records, "lion")
    assert str(row["verdict"]) == "withheld: trials stop at the target; compare their steps"
    assert row["steps_to_target"] == 200


def test_an_ablation_is_compared_with_the_optimizer_as_it_is():
    def own(name, values):
        return [dataclasses.replace(r, reference="mine") for r in reports(name, values)]

    records = own("mine", GOOD) + own("mine nesterov=False", shifted(-0.02))
    row, board = row_of(records, "mine nesterov=False")
    assert board.reference == "mine"
    assert str(row["verdict"]) == "worse"


def test_bad_seeds_are_groups_and_not_averaged_away():
    """DeepOBS, mnist_vae with SGD: two groups of outcomes, never 38.5 ± 11.8 alone."""
    finals = [28.39, 29.20, 52.97, 29.32, 52.92, 28.67, 28.33, 28.87, 52.93, 52.96]
    assert seed_statistics.bad(finals, "minimize").sum() == 4
    options = {"metric": "loss", "direction": "minimize", "target": None}
    row, _ = row_of(reports("adam", finals, **options), "adam")
    assert row["bad_share"] == 0.4
    assert "bad seeds" in [str(mark) for mark in row["marks"]]
    normal = np.random.default_rng(0).normal(size=(2000, 10))
    flagged = np.mean([seed_statistics.bad(x, "minimize").any() for x in normal])
    assert flagged < 0.05


def claims(count, make):
    """Share of studies with any better or worse, and with withheld, over ``count`` of them."""
    shown = withheld = 0
    for at in range(count):
        records = make(np.random.default_rng(at))
        (board,) = Study.of(records).leaderboards
        rows = board.table[(board.table["optimizer"] == "twin")]
        said = [str(verdict.claim) for verdict in rows["verdict"]]
        shown += bool({"better", "worse"} & set(said))
        withheld += "withheld" in said
    return shown / count, withheld / count


def twins(numbers):
    """One optimizer under two names, tuned on points of their own: chance alone differs."""
    first = study("adam", Landscape(), numbers, draw=int(numbers.integers(2**31)))
    return first + study("twin", Landscape(), numbers, draw=int(numbers.integers(2**31)))


def untuned_twin(numbers):
    """The same, but the second has its default only: never comparable."""
    tuned_adam = study("adam", Landscape(), numbers, draw=int(numbers.integers(2**31)))
    return tuned_adam + study("twin", Landscape(), numbers, tried=0)


def test_the_null_is_rarely_rejected_in_a_few_studies():
    shown, _ = claims(60, twins)
    assert shown <= 0.1


def test_unequal_tuning_is_withheld_in_a_few_studies():
    shown, withheld = claims(20, untuned_twin)
    assert (shown, withheld) == (0.0, 1.0)


@pytest.mark.slow
def test_the_null_is_rejected_in_at_most_a_twentieth_of_400_studies():
    shown, _ = claims(400, twins)
    assert shown <= 0.05


@pytest.mark.slow
def test_unequal_tuning_is_withheld_in_all_of_400_studies():
    shown, withheld = claims(400, untuned_twin)
    assert (shown, withheld) == (0.0, 1.0)


def test_a_real_difference_is_still_found():
    """Power: an optimizer that is two percent better is seen in most studies."""

    def make(numbers):
        better = Landscape()
        better.quality = lambda lr, usual=better.quality: usual(lr) + 0.02
        return study("adam", Landscape(), numbers) + study("twin", better, numbers)

    shown, _ = claims(20, make)
    assert shown >= 0.8
    assert not math.isnan(shown)
