"""What a report may claim: survivors, unequal tuning, edges, failures, levels of intervals."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from bench.spec import Phase, Tuning
from reports.analysis.study import Study
from reports.stats import seeds as seed_statistics
from reports.text.headline import describe_verdict, write_headline
from tests.helpers.records import make_record
from tests.helpers.studies import SPACE, Landscape, reports, study, tunings

GOOD = [0.90, 0.91, 0.92, 0.905, 0.915, 0.91, 0.90, 0.92, 0.905, 0.915]
APART = [0.901, 0.902, 0.903, 0.904, 0.905, 0.906, 0.907, 0.908, 0.909, 0.910]


def shifted(by, values=APART):
    return [value + by for value in values]


def row_of(records, optimizer, kind="default"):
    (board,) = Study.of(records).leaderboards
    (row,) = (r for r in board.rows if (r.arm.optimizer, str(r.arm.kind)) == (optimizer, kind))
    return row, board


def enumerate_p(ours, theirs):
    """Two-sided p of the rank sum over every way to deal the values; −∞ for a broken trial."""
    values = np.array([-np.inf if v is None else v for v in (*ours, *theirs)])
    ranks = np.array([(values < v).sum() + ((values == v).sum() + 1) / 2 for v in values])
    sums = np.array([sum(c) for c in itertools.combinations(ranks, len(ours))])
    center = len(ours) * (len(values) + 1) / 2
    off = abs(ranks[: len(ours)].sum() - center)
    return float(np.mean(np.abs(sums - center) >= off - 1e-9))


def test_the_test_is_the_exact_rank_sum_of_all_results():
    ours, theirs = [0.95, 0.91, None, 0.93, 0.94], [0.90, None, 0.91, 0.89, 0.92, 0.88]
    row, _ = row_of(reports("adam", theirs) + reports("lion", ours), "lion")
    assert row.p == pytest.approx(enumerate_p(ours, theirs))
    won = 6 + 4.5 + 0.5 + 6 + 6  # of ours in turn; a tie is half
    assert row.improvement.estimate == pytest.approx(won / 30)


def test_who_survives_where_adam_diverges_is_not_worse():
    survivors = [0.95, 0.96, 0.955]  # above the challenger: survivors must not be compared alone
    records = reports("adam", survivors + [None] * 7) + reports("lion", GOOD)
    row, board = row_of(records, "lion")
    assert str(row.verdict) == "no clear difference"
    assert row.improvement.estimate == 0.7
    assert describe_verdict(row, board) == (
        "no clear difference to adam; finished 10 of 10 trials, adam 3 of 10"
    )


def test_who_survives_where_adam_mostly_diverges_is_better():
    survivors = [0.95, 0.90, 0.91]
    records = reports("adam", survivors + [None] * 7) + reports("lion", GOOD)
    row, board = row_of(records, "lion")
    assert row.p == pytest.approx(enumerate_p(GOOD, survivors + [None] * 7))
    assert str(row.verdict) == "better"
    assert write_headline(board) == (
        "digits: lion at its default 0.9100 [0.9047, 0.9153] (10 seeds, 300 steps, target 0.850); "
        "better than adam; finished 10 of 10 trials, adam 3 of 10."
    )


def test_a_challenger_that_diverges_is_never_better():
    records = reports("adam", GOOD) + reports("lion", [0.99, 0.98] + [None] * 8)
    row, board = row_of(records, "lion")
    assert str(row.verdict) == "worse"
    assert describe_verdict(row, board) == (
        "worse than adam on test; finished 2 of 10 trials, adam 10 of 10"
    )
    assert board.table.iloc[0]["optimizer"] == "adam"


@pytest.mark.parametrize("diverged", range(11))
def test_a_share_that_diverges_never_helps(diverged):
    """The same survivors, ever fewer: the claim can only fall."""
    kept = shifted(0.02)[: 10 - diverged] + [None] * diverged
    row, _ = row_of(reports("adam", APART) + reports("lion", kept), "lion")
    expected = {0: "better", 10: "worse"}
    assert diverged not in expected or str(row.verdict) == expected[diverged]
    if diverged >= 5:
        assert str(row.verdict) != "better"


def test_two_that_diverge_alike_tie():
    broken = [None] * 3 + GOOD[3:]
    row, _ = row_of(reports("adam", broken) + reports("lion", broken), "lion")
    assert str(row.verdict) == "no clear difference"
    assert row.p == 1.0
    assert row.improvement.estimate == 0.5


def test_a_claim_of_tunings_has_its_smallest_p_and_a_shift():
    """Four against eight, all apart: 2 of C(12, 4) = 495 deals are as extreme."""
    records = tunings("adam", APART[:8]) + tunings("lion", shifted(0.02)[:4])
    row, _ = row_of(records, "lion", "tuned")
    assert row.p == pytest.approx(2 / 495)
    assert str(row.verdict) == "better"
    assert row.improvement.estimate == 1.0
    differences = [a - b for a in shifted(0.02)[:4] for b in APART[:8]]
    assert row.shift.estimate == pytest.approx(np.median(differences))
    assert row.shift.low > 0
    assert (row.arm.tunings, row.arm.tried, row.arm.standing.results) == (4, 4, 4)


def test_fewer_than_four_tunings_have_no_verdict():
    records = tunings("adam", APART[:8]) + tunings("lion", shifted(0.02)[:3])
    row, _ = row_of(records, "lion", "tuned")
    assert str(row.verdict) == "no verdict: 3 tunings of lion; at least 4 are needed"
    assert math.isnan(row.p_holm)


def test_tunings_that_are_not_done_have_no_verdict():
    records = tunings("adam", APART[:8]) + tunings("lion", shifted(0.02)[:5], planned=10)
    row, _ = row_of(records, "lion", "tuned")
    assert str(row.verdict) == "no verdict: 5 of 10 tunings of lion are done"


def test_unequal_tuning_has_no_verdict():
    records = tunings("adam", APART[:8]) + tunings("lion", shifted(0.05)[:5], tried=8)
    row, board = row_of(records, "lion", "tuned")
    reason = "lion was tuned with 8 settings, adam with 4: only equal tuning can be compared"
    assert str(row.verdict) == f"no verdict: {reason}"
    assert reason in write_headline(board)


def test_a_tuned_entrant_against_a_default_has_no_verdict():
    row, _ = row_of(tunings("lion", shifted(0.05)[:5]) + reports("adam", APART), "lion", "tuned")
    assert str(row.verdict) == (
        "no verdict: lion was tuned with 4 settings, adam not at all: only equal tuning can be "
        "compared"
    )


def at_the_edge(share):
    """A choice at the low edge in every tuning up to this share of eight, then in the middle."""
    return lambda repeat: 1.1e-4 if repeat < share else 3e-3


@pytest.mark.parametrize(
    ("at_edge", "claim"), [(3, "better"), (4, "no verdict"), (8, "no verdict")]
)
def test_a_loser_half_of_whose_tunings_end_at_one_edge_may_have_won(at_edge, claim):
    adam = tunings("adam", APART[:8], choose=at_the_edge(at_edge))
    row, _ = row_of(adam + tunings("lion", shifted(0.05)[:5]), "lion", "tuned")
    assert str(row.verdict.claim) == claim
    if claim == "no verdict":
        assert row.verdict.reason == (
            "at least half of the tunings of adam end at the low edge of lr: widen its range"
        )


def test_opposite_edges_are_no_common_edge():
    adam = tunings("adam", APART[:8], choose=lambda repeat: (1.1e-4, 0.09, 3e-3)[repeat % 3])
    row, _ = row_of(adam + tunings("lion", shifted(0.05)[:5]), "lion", "tuned")
    assert str(row.verdict) == "better"


def test_a_winner_at_the_edge_has_won():
    lion = tunings("lion", shifted(0.05)[:5], choose=lambda repeat: 1.1e-4)
    row, _ = row_of(tunings("adam", APART[:8]) + lion, "lion", "tuned")
    assert str(row.verdict) == "better"
    assert "edge" in [str(mark) for mark in row.caveats]


def test_the_default_is_never_at_an_edge():
    """Index 0 of a draw is the default, also where the range does not hold it."""
    records = [
        dataclasses.replace(r, tuning=dataclasses.replace(r.tuning, index=0))
        if r.phase == Phase.REPORT
        else r
        for r in tunings("adam", APART[:8], choose=lambda repeat: 1.1e-4)
    ]
    row, _ = row_of(records + tunings("lion", shifted(0.05)[:5]), "lion", "tuned")
    assert row.reference.standing.edges == ((),) * 8


def test_a_report_trial_that_failed_is_no_result():
    lion = tunings("lion", shifted(0.05)[:5], statuses={2: "failed"})
    row, _ = row_of(tunings("adam", APART[:8]) + lion, "lion", "tuned")
    assert str(row.verdict) == (
        "no verdict: 1 of 5 report trials of lion failed (RuntimeError: mine): an exception is no "
        "result. Mend it, run again"
    )


def test_failed_seeds_of_a_default_are_no_result():
    failed = [
        make_record(
            optimizer="lion", seed=seed, status="failed", evaluations=1, reason="ValueError: x",
            phase=Phase.REPORT, tuning=Tuning({}, "sobol", 0, 0, draw=2),
        )
        for seed in range(10)
    ]  # fmt: skip
    row, _ = row_of(reports("adam", GOOD) + failed, "lion")
    assert str(row.verdict.claim) == "no verdict"
    assert row.verdict.reason.startswith("10 of 10 report trials of lion failed (ValueError: x)")


def test_an_old_tuning_has_no_verdict_and_says_what_to_run():
    """Draw 1: one tuning whose choice was reported on ten seeds."""
    old = {"space": SPACE, "sampler": "sobol", "seed": 0, "points": 4}
    records = tunings("lion", shifted(0.05)[:5])
    for index in range(4):
        records.append(
            make_record(
                optimizer="adam", seed=10**6, point={"lr": 1e-3 * (2 + index)},
                val=0.9 - index / 100,
                test=None, phase=Phase.SELECT, tuning=Tuning(**old, index=index), evaluations=1,
            )
        )  # fmt: skip
    records += reports("adam", GOOD, point={"lr": 2e-3}, tuning=Tuning(**old, index=0))
    row, _ = row_of(records, "lion", "tuned")
    assert str(row.verdict) == (
        "no verdict: adam was tuned once; a verdict needs 4 tunings or more. Run it too, in a new "
        "study with hydra/sweeper=study optimizer=…,adam"
    )
    adam, _ = row_of(records, "adam", "tuned")
    assert adam.arm.finished == 10


def test_two_designs_of_one_optimizer_never_pool():
    """The newest design stands; its tunings are not joined by those of the old one."""
    old = {"space": SPACE, "sampler": "sobol", "seed": 0, "points": 4}
    records = tunings("adam", APART[:8]) + tunings("lion", shifted(0.05)[:5])
    records += reports("adam", [0.99] * 10, point={"lr": 2e-3}, tuning=Tuning(**old, index=0))
    adam, _ = row_of(records, "adam", "tuned")
    assert sorted(adam.arm.test) == pytest.approx(sorted(APART[:8]))
    lion, _ = row_of(records, "lion", "tuned")
    assert str(lion.verdict) == "better"


def test_nobody_is_compared_with_a_weakened_adam():
    cosine = {"schedule": {"name": "cosine", "target": "", "arguments": {}}}
    records = reports("adam", GOOD) + reports("adam", shifted(0.02), **cosine)
    records += reports("free", shifted(0.005))
    (board,) = Study.of(records).leaderboards
    rows = board.table.set_index("entrant")
    assert rows.loc["free", "reference"] == "adam+cosine"
    assert str(rows.loc["free", "verdict"]) == "worse"
    assert any("nobody is compared with a weaker one" in note for note in board.notes)


def test_trials_that_stop_at_the_target_have_steps_and_no_verdict():
    records = reports("adam", GOOD, stop_at_target=True)
    records += reports("lion", shifted(0.05), stop_at_target=True)
    row, _ = row_of(records, "lion")
    assert str(row.verdict) == "no verdict: trials stop at the target; compare their steps"
    assert row.steps_to_target.estimate == 200


def test_an_ablation_is_compared_with_the_optimizer_as_it_is():
    def own(name, values):
        return [dataclasses.replace(r, reference="mine") for r in reports(name, values)]

    records = own("mine", GOOD) + own("mine nesterov=False", shifted(-0.02))
    row, board = row_of(records, "mine nesterov=False")
    assert board.reference == "mine"
    assert str(row.verdict) == "worse"


def test_a_default_that_beats_the_tuned_setting_is_said():
    records = tunings("lion", APART[:5]) + tunings("adam", APART[:8])
    records += reports("lion", shifted(0.1), tuning=Tuning(SPACE, "sobol", 0, 4, draw=2))
    (board,) = Study.of(records).leaderboards
    (note,) = (note for note in board.notes if note.startswith("The default of lion"))
    assert note == (
        "The default of lion is better than its tuned setting here: +0.103 test/accuracy "
        "(95 % interval +0.0990 to +0.106, without Holm's correction)."
    ) or note.startswith("The default of lion is better than its tuned setting here: +0.1")
    worse = tunings("lion", APART[:5]) + tunings("adam", APART[:8])
    worse += reports("lion", shifted(-0.1), tuning=Tuning(SPACE, "sobol", 0, 4, draw=2))
    (board,) = Study.of(worse).leaderboards
    assert not any(note.startswith("The default") for note in board.notes)


def test_bad_seeds_are_groups_and_not_averaged_away():
    """DeepOBS, mnist_vae with SGD: two groups of outcomes, never 38.5 ± 11.8 alone."""
    finals = [28.39, 29.20, 52.97, 29.32, 52.92, 28.67, 28.33, 28.87, 52.93, 52.96]
    assert seed_statistics.bad(finals, "minimize").sum() == 4
    options = {"metric": "loss", "direction": "minimize", "target": None}
    row, _ = row_of(reports("adam", finals, **options), "adam")
    assert row.bad_share == 0.4
    assert "bad seeds" in [str(mark) for mark in row.caveats]
    normal = np.random.default_rng(0).normal(size=(2000, 10))
    flagged = np.mean([seed_statistics.bad(x, "minimize").any() for x in normal])
    assert flagged < 0.05


def test_no_interval_contradicts_its_verdict():
    """At the level of its row an interval holds no difference exactly where none is claimed."""
    numbers = np.random.default_rng(1)
    seen = set()
    for _ in range(12):
        gap, spread = numbers.uniform(-0.02, 0.02), numbers.uniform(0.001, 0.02)
        records = tunings("adam", list(0.8 + 0.01 * numbers.standard_normal(8).round(1)))
        for name in ("lion", "sgd", "soap"):
            values = 0.8 + gap + spread * numbers.standard_normal(5).round(1)
            records += tunings(name, [None if v < 0.785 else float(v) for v in values])
        (board,) = Study.of(records).leaderboards
        for row in board.rows:
            if row.reference is row.arm:
                continue
            claimed = str(row.verdict.claim) in ("better", "worse")
            seen.add(str(row.verdict.claim))
            inside = row.shift.low < 0 < row.shift.high
            assert not (claimed and inside)
            assert not (claimed and row.improvement.low < 0.5 < row.improvement.high)
            if not claimed:
                assert row.shift.low <= 0 <= row.shift.high
                assert row.improvement.low <= 0.5 <= row.improvement.high
    assert {"better", "no clear difference"} <= seen or {"worse", "no clear difference"} <= seen


def test_a_real_difference_is_found_by_tunings():
    """An optimizer that is two percent better, five tunings against ten."""
    shown = 0
    for seed in range(10):
        numbers = np.random.default_rng(seed)
        better = Landscape()
        better.quality = lambda lr, usual=better.quality: usual(lr) + 0.02
        records = study("adam", Landscape(), numbers, repeats=10)
        row, _ = row_of(records + study("twin", better, numbers), "twin", "tuned")
        shown += str(row.verdict) == "better"
    assert shown >= 8
