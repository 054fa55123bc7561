"""What a report claims where trials break off, seeds are few or tuning unequal: its sentences."""

import numpy as np
import pytest

from reports import Study
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
        "digits: lion 0.8945 [0.8923, 0.8967] (10 seeds, 300 steps, target 0.850); "
        "no clear difference to adam; finished 10 of 10 trials, adam 3 of 10."
    )
    assert write_headline(study.leaderboards[0]) == sentence
    assert verdicts(study)["lion"] == "no clear difference"
    assert sentence in render(study, tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize("gain", [-0.05, 0.0, 0.05, 0.5])
def test_a_challenger_that_diverged_8_of_10_is_never_better(gain):
    study = Study.of([*side("adam", ADAM), *side("lion", [v + gain for v in ADAM], range(8))])
    assert verdicts(study)["lion"] in ("worse", "no clear difference")
    assert write_headline(study.leaderboards[0]) == (
        "digits: adam 0.9045 [0.9023, 0.9067] (10 seeds, 300 steps, target 0.850); "
        "better than adam on test: none shown."
    )


def test_a_challenger_that_diverged_8_of_10_is_worse_with_its_finishing_rate(tmp_path):
    study = Study.of([*side("adam", ADAM), *side("lion", [v + 0.05 for v in ADAM], range(8))])
    assert verdicts(study)["lion"] == "worse"
    assert "2 finished, 8 diverged" in render(study, tmp_path).read_text(encoding="utf-8")


def test_two_that_diverge_alike_tie():
    study = Study.of([*side("adam", ADAM, range(10)), *side("lion", ADAM, range(10))])
    assert verdicts(study)["lion"] == "no clear difference"
    assert write_headline(study.leaderboards[0]) == "digits: no reported trial finished."


def test_a_failed_trial_is_no_result():
    failed = [make_record(optimizer="lion", seed=i, status="failed") for i in range(10)]
    assert verdicts(Study.of([*side("adam", ADAM), *failed]))["lion"].startswith(
        "no verdict: 10 of 10 report trials of lion failed"
    )


@pytest.mark.parametrize(
    ("seeds", "verdict"),
    [(4, "no verdict: 4 seeds of lion; at least 5 are needed"), (5, "better")],
)
def test_no_verdict_below_five_seeds(seeds, verdict):
    better = [v + 0.05 + 0.0001 * i for i, v in enumerate(ADAM)]
    study = Study.of([*side("adam", ADAM[:seeds]), *side("lion", better[:seeds])])
    assert verdicts(study)["lion"] == verdict


def test_a_sweep_that_tried_points_gives_no_verdict():
    better = [v + 0.05 + 0.0001 * i for i, v in enumerate(ADAM)]
    tried = [make_record(optimizer="lion", seed=i, point={"lr": 0.5}, val=0.1) for i in range(10)]
    study = Study.of([*side("adam", ADAM), *side("lion", better), *tried])
    assert write_headline(study.leaderboards[0]) == (
        "digits: lion 0.9549 [0.9526, 0.9573] (10 seeds, 2 settings tried, 300 steps, target "
        "0.850); no verdict: the setting of lion was chosen on seeds that are reported."
    )


def test_a_tuned_winner_with_its_price():
    records = [
        *simulated.tuned("adam", np.random.default_rng(0), repeats=10),
        *simulated.tuned("lion", np.random.default_rng(1), shift=0.03),
    ]
    sentence = write_headline(Study.of(records).leaderboards[0])
    assert sentence.startswith("digits: lion tuned 0.9")
    assert sentence.endswith(
        "(5 tunings of 8 settings, 300 steps, target 0.850); better than adam."
    )


def test_what_holm_corrects_for_is_the_whole_report():
    """One comparison alone is significant, among twenty of other tasks that show nothing not."""
    gain = [a + 0.0045 for a in ADAM]  # p = .0068, and twenty others
    records = [*side("adam", ADAM), *side("lion", gain)]
    assert verdicts(Study.of(records))["lion"] == "better"
    for task in range(20):
        for name in ("adam", "lion"):
            for i, value in enumerate(ADAM):
                records.append(
                    make_record(task=f"t{task}", optimizer=name, seed=i, val=value, test=value)
                )
    board = Study.of(records).leaderboards[0]
    assert board.comparison == "digits"
    assert {str(v) for v in board.table["verdict"]} == {"reference", "no clear difference"}
