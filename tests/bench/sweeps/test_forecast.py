"""How long a study would take: steps and evaluations each at their own price."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.spec import Status, TrialOrigin, TrialResult, TrialSpec
from bench.sweeps import forecast
from bench.sweeps.plan import make_plan
from bench.trial import run
from tests.helpers.specs import trial_spec


@pytest.fixture
def trials_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], list[int]]:
    """Trials whose steps and evaluation take so many seconds each; the steps of those that ran."""

    def given(step: float, evaluation: float) -> list[int]:
        now, ran = [0.0], []

        def run_trial(spec: TrialSpec) -> TrialResult:
            assert spec.budget.eval_every == spec.budget.steps
            training = step * spec.budget.steps
            now[0] += training + evaluation
            ran.append(spec.budget.steps)
            return TrialResult(Status.FINISHED, summary={"train_time_s": training})

        monkeypatch.setattr(run, "run_trial", run_trial)
        monkeypatch.setattr(forecast.time, "perf_counter", lambda: now[0])
        return ran

    return given


def of(trials: int) -> forecast.Count:
    return forecast.Count(trial_spec(steps=1000, eval_every=300), forecast.Phases(0, trials, 0))


def test_evaluations_count_as_often_as_there_are_any(trials_of) -> None:
    ran = trials_of(0.001, 0.5)
    assert sum(forecast.estimate_seconds([of(6)], workers=2, stacks=False)) == pytest.approx(
        3 * (1 + 4 * 0.5)
    )
    assert ran == [5, 50]


def test_a_slow_step_is_not_made_often(trials_of) -> None:
    ran = trials_of(1.0, 0.0)
    assert sum(forecast.estimate_seconds([of(1)], workers=1, stacks=False)) == pytest.approx(1000)
    assert ran == [5]


def test_what_is_recorded_takes_no_time(trials_of) -> None:
    ran = trials_of(1.0, 0.0)
    assert sum(forecast.estimate_seconds([of(0)], workers=1, stacks=False)) == 0
    assert ran == []


def test_each_budget_has_its_own_price(trials_of) -> None:
    ran = trials_of(0.001, 0.5)
    long = forecast.Count(trial_spec(steps=4000, eval_every=2000), forecast.Phases(0, 1, 0))
    expected = (1 + 4 * 0.5) + (4 + 2 * 0.5)
    assert sum(forecast.estimate_seconds([of(1), long], workers=1, stacks=False)) == pytest.approx(
        expected
    )
    assert ran == [5, 50]


def test_each_phase_has_its_own_time(trials_of) -> None:
    trials_of(0.001, 0.5)
    count = forecast.Count(of(0).base, forecast.Phases(8, 2, 5), forecast.Phases(7, 0, 5))
    assert count.to_run == (1, 2, 0)
    each = 1 + 4 * 0.5
    seconds = forecast.estimate_seconds([count], workers=1, stacks=False)
    assert seconds == pytest.approx((each, 2 * each, 0))


def test_the_tunings_of_the_reference_count(trials_of) -> None:
    base = trial_spec()
    tuned = {"trials": 4, "seeds": 2, "repeats": 3, "reference_factor": 2, "seed": 0}
    space = {"lr": {"log": [1e-4, 1e-1]}}
    bases = [
        replace(
            base,
            optimizer=replace(
                base.optimizer, name=name, arguments={"lr": 1e-3}, search_space=space
            ),
            origin=TrialOrigin(reference="sgd"),
        )
        for name in ("adam", "sgd")
    ]
    plan = make_plan(bases, {**tuned, "sampler": "sobol", "rank": "final", "rerank": 0}, 10)
    counts = forecast.count_trials(plan, {})
    assert [one.trials for one in counts] == [(4 * 3 * 2, 3, 10), (4 * 6 * 2, 6, 10)]
    lines = forecast.format_plan(plan, counts, forecast.Phases(60, 30, 30), ["  It can show."])
    assert lines[0].startswith(
        "study test: 3 tunings of every optimizer (6 of sgd); 4 settings a tuning, by sobol, each "
        "on 2 seeds; defaults on 10 seeds"
    )
    assert lines[-3:] == [
        "  101 trials, 0 recorded, 101 to run, about 2 minutes",
        "  tuning 72 trials, about 60 seconds; reporting 9 trials, about 30 seconds; "
        "defaults 20 trials, about 30 seconds",
        "  It can show.",
    ]
