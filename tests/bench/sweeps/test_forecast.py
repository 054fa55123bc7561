"""How long a study would take: steps and evaluations each at their own price."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.spec import Status, TrialResult, TrialSpec
from bench.sweeps import forecast
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
    return forecast.Count(trial_spec(steps=1000, eval_every=300), 0, 0, trials, 0)


def test_evaluations_count_as_often_as_there_are_any(trials_of) -> None:
    ran = trials_of(0.001, 0.5)
    assert forecast.estimate_seconds([of(6)], workers=2, stacks=False) == pytest.approx(
        3 * (1 + 4 * 0.5)
    )
    assert ran == [5, 50]


def test_a_slow_step_is_not_made_often(trials_of) -> None:
    ran = trials_of(1.0, 0.0)
    assert forecast.estimate_seconds([of(1)], workers=1, stacks=False) == pytest.approx(1000)
    assert ran == [5]


def test_what_is_recorded_takes_no_time(trials_of) -> None:
    ran = trials_of(1.0, 0.0)
    assert forecast.estimate_seconds([of(0)], workers=1, stacks=False) == 0
    assert ran == []


def test_each_budget_has_its_own_price(trials_of) -> None:
    ran = trials_of(0.001, 0.5)
    long = forecast.Count(trial_spec(steps=4000, eval_every=2000), 0, 0, 1, 0)
    expected = (1 + 4 * 0.5) + (4 + 2 * 0.5)
    assert forecast.estimate_seconds([of(1), long], workers=1, stacks=False) == pytest.approx(
        expected
    )
    assert ran == [5, 50]
