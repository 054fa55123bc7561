"""What a report claims where trials break off, seeds are few or tuning unequal: its sentences."""

import numpy as np
import pytest

from reports import Study
from reports.analysis.caveats import Caveat
from reports.analysis.difference import compare
from reports.output.render import render
from reports.text.headline import write_headline
from tests.helpers import simulated
from tests.helpers.records import make_record

ADAM = [0.90 + 0.001 * i for i in range(10)]


def side(name, values, broken=()):
    return [
        make_record(
            optimizer=name,
            seed=i,
            val=value,
            test=value,
            status="diverged" if i in broken else "finished",
        )
        for i, value in enumerate(values)
    ]


def verdicts(study):
    (board,) = study.leaderboards
    return board.table.set_index("optimizer")["verdict"].map(str)


def test_adam_diverged_7_of_10_and_the_challenger_never(tmp_path):
    study = Study.of([*side("adam", ADAM, range(7)), *side("lion", [v - 0.01 for v in ADAM])])
    sentence = (
        "digits: lion 0.8945 [0.8923, 0.8967] (n=10, 1 point tried, 300 steps, target 0.850); "
        "better than adam (10 pairs); finished 10 of 10 trials, adam 3 of 10."
    )
    assert write_headline(study.leaderboards[0]) == sentence
    assert verdicts(study)["lion"] == "better"
    assert sentence in render(study, tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize("gain", [-0.05, 0.0, 0.05, 0.5])
def test_a_challenger_that_diverged_8_of_10_is_never_better(gain):
    study = Study.of([*side("adam", ADAM), *side("lion", [v + gain for v in ADAM], range(8))])
    assert verdicts(study)["lion"] in ("worse", "no difference shown")
    assert write_headline(study.leaderboards[0]) == (
        "digits: adam 0.9045 [0.9023, 0.9067] (n=10, 1 point tried, 300 steps, target 0.850); "
        "better than adam on test: none shown."
    )


def test_a_challenger_that_diverged_8_of_10_is_worse_with_its_finishing_rate(tmp_path):
    study = Study.of([*side("adam", ADAM), *side("lion", [v + 0.05 for v in ADAM], range(8))])
    assert verdicts(study)["lion"] == "worse"
    assert "2 finished, 8 diverged" in render(study, tmp_path).read_text(encoding="utf-8")


def test_the_rank_test_by_hand():
    """Adam breaks off in 7 of 10; lion is worse in the three others, by 1, 2 and 3 hundredths.

    Ranks 1, 2, 3 against, seven of rank 7 for it: 49 − 6 = 43 of 55. As far from 0 is every
    choice of signs that loses at most 6: the seven alike, and any of the three, two-sided.
    """
    lion = [*ADAM[:7], ADAM[7] - 0.01, ADAM[8] - 0.02, ADAM[9] - 0.03]
    study = Study.of([*side("adam", ADAM, range(7)), *side("lion", lion)])
    adam, ours = study.arms
    found = compare(ours, adam)
    assert (found.pairs, found.has_failures, found.gain) == (10, True, 43.0)
    assert found.p == pytest.approx(2 * 8 / 2**10)


def test_two_that_diverge_alike_tie():
    study = Study.of([*side("adam", ADAM, range(10)), *side("lion", ADAM, range(10))])
    assert verdicts(study)["lion"] == "no difference shown"
    assert write_headline(study.leaderboards[0]) == "digits: no trial finished at a selected point."


def test_a_failed_trial_counts_like_a_diverged_one():
    failed = [make_record(optimizer="lion", seed=i, status="failed") for i in range(10)]
    assert verdicts(Study.of([*side("adam", ADAM), *failed]))["lion"] == "worse"


@pytest.mark.parametrize(
    ("pairs", "verdict"),
    [(4, "withheld: 4 pairs of seeds, 5 are needed"), (5, "better")],
)
def test_no_verdict_below_five_pairs(pairs, verdict):
    better = [v + 0.05 + 0.0001 * i for i, v in enumerate(ADAM)]
    study = Study.of([*side("adam", ADAM[:pairs]), *side("lion", better[:pairs])])
    assert verdicts(study)["lion"] == verdict


def test_a_sweep_that_tried_points_gives_no_verdict():
    better = [v + 0.05 + 0.0001 * i for i, v in enumerate(ADAM)]
    tried = [make_record(optimizer="lion", seed=i, point={"lr": 0.5}, val=0.1) for i in range(10)]
    study = Study.of([*side("adam", ADAM), *side("lion", better), *tried])
    assert write_headline(study.leaderboards[0]) == (
        "digits: lion 0.9549 [0.9526, 0.9573] (n=10, 2 points tried, 300 steps, target 0.850); "
        "no verdict against adam, withheld: lion was chosen on seeds that are reported."
    )


def test_a_tuned_winner_with_its_price():
    records = [
        *simulated.tuned("adam", np.random.default_rng(0)),
        *simulated.tuned("lion", np.random.default_rng(1), shift=0.06),
    ]
    sentence = write_headline(Study.of(records).leaderboards[0])
    assert sentence.startswith("digits: lion tuned 0.9")
    assert sentence.endswith(
        "(n=10, 8 points tried, 300 steps, target 0.850); better than adam (10 pairs)."
    )


def test_a_loser_at_the_edge_of_its_declared_range_may_have_won_with_a_wider_one():
    def study(space):
        records = [
            *simulated.tuned("adam", np.random.default_rng(0)),
            *simulated.tuned("lion", np.random.default_rng(1), shift=0.06),
        ]
        for r in records:
            if r.config["optimizer"]["name"] == "adam":
                object.__setattr__(r.tuning, "space", space)
        return Study.of(records)

    narrow = {"lr": {"log": [1e-3 / 2, 1.0]}}  # the best rate lies in its lowest tenth
    (board,) = study(narrow).leaderboards
    tuned = board.table[board.table["row"] == "tuned"].set_index("optimizer")
    assert str(tuned.loc["lion", "verdict"]) == (
        "withheld: adam stands at the edge of its range of lr"
    )
    assert Caveat.EDGE in tuned.loc["adam", "marks"]
    (board,) = study(simulated.SPACE).leaderboards
    assert str(board.table["verdict"].iloc[0]) == "better"


def test_what_holm_corrects_for_is_the_whole_report():
    """One comparison alone is significant, among twenty of other tasks that show nothing not."""
    noise = [0.004, -0.004, 0.005, -0.005, 0.006, -0.006, 0.003, -0.003, 0.001, -0.001]
    gain = [a + 0.0045 + e for a, e in zip(ADAM, noise, strict=True)]
    records = [*side("adam", ADAM), *side("lion", gain)]
    assert verdicts(Study.of(records))["lion"] == "better"
    for task in range(20):
        for name, shift in (("adam", 0), ("lion", 1)):
            for i, (a, e) in enumerate(zip(ADAM, noise, strict=True)):
                value = a + shift * e
                records.append(
                    make_record(task=f"t{task}", optimizer=name, seed=i, val=value, test=value)
                )
    board = Study.of(records).leaderboards[0]
    assert board.comparison == "digits"
    assert {str(v) for v in board.table["verdict"]} == {"reference", "no difference shown"}
