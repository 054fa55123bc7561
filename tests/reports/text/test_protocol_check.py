"""The protocol check: a study that keeps every rule, and one breach a rule."""

import dataclasses

import numpy as np
import pytest

from bench.spec import Tuning
from reports.analysis.study import Study
from reports.text.protocol_check import RULES, State, check_rules
from tests.helpers.records import make_record
from tests.helpers.studies import SPACE, Landscape, reports, study


def fair(**options):
    """A study by the book of three optimizers."""
    numbers = np.random.default_rng(3)
    names = ("adam", "lion", "sgd")
    return [r for name in names for r in study(name, Landscape(), numbers, **options)]


def found(records):
    """What the check says, by the first words of the rule."""
    checked = check_rules(Study.of(records))
    assert len(checked) == 15
    return {rule.text.split(" ")[0].rstrip(";"): rule.finding for rule in checked}


def states(records):
    return [rule.finding.state for rule in check_rules(Study.of(records))]


def test_a_fair_study_breaks_nothing():
    checked = check_rules(Study.of(fair()))
    assert State.BROKEN not in {rule.finding.state for rule in checked}
    said = {rule.text: rule.finding.found for rule in checked}
    assert said["Every tuning tries equally many settings; those that break count"] == (
        "8 settings a tuning"
    )
    assert said["Settings are scrambled quasi-random, on log scales"] == "scrambled Sobol points"
    assert said["Settings are chosen on validation only"].startswith("none of 120 tuning trials")
    assert said["Tunings are independent of each other"] == (
        "5 tunings a row, each on settings and seeds of its own"
    )


def with_tuning(record, **changes):
    return dataclasses.replace(record, tuning=dataclasses.replace(record.tuning, **changes))


BREACHES = {
    "Everything": (
        lambda: fair() + reports("adam", [0.9] * 5, batch_size=64),
        State.MARKED,
        "digits ran under several settings",
    ),
    "Search": (
        lambda: (
            fair()
            + [
                with_tuning(record, space={"lr": {"log": [1e-5, 1e-1]}})
                for record in study("lion", Landscape(), np.random.default_rng(0), draw=5, seeds=0)
                if record.tuning.index is not None
            ]
        ),
        State.BROKEN,
        "lion: not the same space",
    ),
    "Every": (
        lambda: fair() + study("late", Landscape(), np.random.default_rng(1), tried=4),
        State.BROKEN,
        "4 to 8 settings on digits",
    ),
    "Seeds": (
        lambda: [r for r in fair() if r.config["seed"] >= 10**6 or r.config["seed"] < 3],
        State.BROKEN,
        "too few results: adam on digits",
    ),
    "The default": (
        lambda: [r for r in fair() if r.phase != "report" or r.tuning.index is not None],
        State.MARKED,
        "no default row: adam on digits",
    ),
    "Tunings": (
        lambda: [with_tuning(r, draw=1) for r in fair(repeats=1)],
        State.BROKEN,
        "tuned once, by an older version: adam on digits",
    ),
    "Nobody": (
        lambda: fair() + study("low", Landscape(best=1e-4, depth=0.2), np.random.default_rng(2)),
        State.MARKED,
        "low on digits (low lr)",
    ),
    "The final": (
        lambda: reports("adam", [0.9] * 5, stop_at_target=True),
        State.BROKEN,
        "trials stop at the target",
    ),
    "Targets": (
        lambda: reports("adam", [0.9] * 5, target=None),
        State.MARKED,
        "no target: digits",
    ),
    "No claim": (
        lambda: reports("adam", [0.9, 0.91]) + reports("sgd", [0.8, 0.81]),
        State.MARKED,
        "1 row without a verdict: 2 seeds of sgd; at least 5 are needed",
    ),
    "One version": (
        lambda: reports("adam", [0.9] * 5) + reports("sgd", [0.9] * 5, protocol_version=2),
        State.MARKED,
        "digits: protocol version 1, 2",
    ),
}


@pytest.mark.parametrize("rule", BREACHES)
def test_each_breach_is_found(rule):
    make, state, said = BREACHES[rule]
    (finding,) = [r.finding for r in check_rules(Study.of(make())) if r.text.startswith(f"{rule} ")]
    assert finding.state is state
    assert said in finding.found
    assert finding.remedy


def test_an_adaptive_sampler_is_marked():
    records = [
        with_tuning(record, sampler="tpe") if record.tuning.space else record for record in fair()
    ]
    (finding,) = [r.finding for r in check_rules(Study.of(records)) if "quasi-random" in r.text]
    assert (finding.state, finding.found) == (State.MARKED, "drawn by tpe (learns from results)")


def test_a_tuning_trial_that_saw_test_is_a_breach():
    tuning = Tuning(SPACE, "sobol", 0, 1, index=0, draw=2)
    peeking = make_record(optimizer="lion", phase="select", tuning=tuning, seed=10**6, test=0.9)
    (finding,) = [
        r.finding
        for r in check_rules(Study.of([*fair(), peeking]))
        if r.text.startswith("Settings are ch")
    ]
    assert finding.state is State.BROKEN


def test_a_sweep_is_told_what_a_study_would_add():
    records = [make_record(seed=seed, point={"lr": lr}) for seed in range(2) for lr in (1e-3, 1e-2)]
    checked = {rule.text: rule.finding for rule in check_rules(Study.of(records))}
    marked = [f for f in checked.values() if f.state is not State.KEPT and f.remedy]
    assert any("hydra/sweeper=study" in finding.remedy for finding in marked)
    assert len(RULES) == len(checked)
