"""Whatever a user's code raises is a failed trial, and never the end of a training or sweep."""

import os
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.build import components
from bench.runtime.guard import watch_interrupts
from bench.runtime.lightning import pl
from bench.spec import Component, CurvePoint, RefusedInput, Status
from bench.spec.errors import StoreLost, Terminated, UserCodeError
from bench.trial.prefetch import prefetch_batches
from bench.trial.run import run_trial
from bench.trial.state import TrialState
from tasks.data.dataset import Split
from tasks.stored import Stored
from tests.helpers import raising
from tests.helpers.raising import SIGNALS
from tests.helpers.specs import trial_spec

CALL = 3
HERE = "tests.helpers.raising"


def make_spec(place, steps=6, eval_every=3):
    """A trial of a linear classifier that can raise at any place."""
    spec = trial_spec(target=f"{HERE}.Step", steps=steps, eval_every=eval_every)
    if place == "closure":
        optimizer = replace(spec.optimizer, target=f"{HERE}.WithClosure", needs=("closure",))
        spec = replace(spec, optimizer=optimizer)
    if place == "schedule":
        spec = replace(spec, schedule=Component("mine", f"{HERE}.make_factor"))
    task = replace(spec.task, target=f"{HERE}.Task")
    return replace(spec, task=task, model=Component("mine", f"{HERE}.Model"))


def run_raising(monkeypatch, place, path, call=CALL):
    if place == "schedule":  # it is called as it is built, too
        call = 5
    monkeypatch.setenv(raising.PLAN, f"{place} {call} {path}")
    raising.CALLS.clear()
    return run_trial(make_spec(place))


def assert_failed(result, path):
    assert result.status is Status.FAILED
    name = path.rpartition(".")[2]
    kind = type(raising.make_exception(raising.find_class(path))).__name__  # of a group: its own
    assert result.reason.split(":")[0] in (name, kind), result.reason
    assert "raising.py" in result.traceback


def test_the_trial_itself_finishes():
    for place in raising.PLACES:
        assert run_trial(make_spec(place)).status is Status.FINISHED


@pytest.mark.parametrize("place", raising.PLACES)
def test_what_frameworks_take_for_a_signal_fails_the_trial(place, monkeypatch):
    for path in SIGNALS:
        assert_failed(run_raising(monkeypatch, place, path), path)


def test_every_exception_class_fails_the_trial_somewhere(monkeypatch):
    paths = raising.find_exception_classes()
    assert len(paths) > 100
    assert {path.split(".")[0] for path in paths} >= {"builtins", *raising.PACKAGES}
    for at, path in enumerate(paths):
        place = raising.PLACES[at % len(raising.PLACES)]
        assert_failed(run_raising(monkeypatch, place, path), path)


@pytest.mark.slow
@pytest.mark.parametrize("place", raising.PLACES)
def test_every_exception_class_fails_the_trial_everywhere(place, monkeypatch):
    for path in raising.find_exception_classes():
        assert_failed(run_raising(monkeypatch, place, path), path)


@pytest.mark.parametrize("path", SIGNALS[:6])
def test_an_evaluation_that_raises_fails_the_trial(path, monkeypatch):
    """The seventh forward pass is the first one of the first evaluation, after three steps."""
    assert_failed(run_raising(monkeypatch, "forward", path, call=4), path)


class Hidden(raising.Step):
    """Raises outside of all steps: its parameter groups are read when the training starts."""

    @property
    def state(self):
        raising.maybe_raise("state")
        return self.__dict__["_state"]

    @state.setter
    def state(self, value):
        self.__dict__["_state"] = value


@pytest.mark.parametrize("path", SIGNALS)
def test_what_a_framework_calls_itself_fails_the_trial(path, monkeypatch):
    monkeypatch.setenv(raising.PLAN, f"state 1 {path}")
    spec = trial_spec(target=f"{__name__}.Hidden", steps=6)
    result = run_trial(spec)
    assert result.status is Status.FAILED


def test_a_training_that_ends_early_is_no_finish(monkeypatch):
    """Whoever ends the loop: here somebody asks Lightning to stop."""

    class Stops(raising.Step):
        def step(self, closure=None):
            super().step()
            if self.steps == 4:
                trainers[0].should_stop = True

    trainers = []
    make = pl.Trainer

    def record(*args, **kwargs):
        trainers.append(make(*args, **kwargs))
        return trainers[-1]

    monkeypatch.setattr(pl, "Trainer", record)
    monkeypatch.setattr(raising, "Step", Stops)
    from bench.build import imports

    imports.import_target.cache_clear()
    result = run_trial(make_spec("step", steps=8, eval_every=8))
    imports.import_target.cache_clear()
    assert result.status is Status.FAILED
    assert result.reason.startswith("TrainingEndedEarly: training ended at step 4 of 8")


def test_a_state_finishes_after_its_last_evaluation_only():
    state = TrialState(trial_spec(steps=60), {})
    state.curve.append(CurvePoint(40, {"val/accuracy": 0.5}))
    state.finish({}, {})
    assert state.result.status is Status.FAILED
    assert "training ended at step 40 of 60" in state.result.reason
    without = TrialState(trial_spec(steps=60), {})
    without.finish({}, {})
    assert "training ended at step 0 of 60" in without.result.reason


class Swallows(raising.Step):
    """Catches all that its step meets."""

    def step(self, closure=None):
        super().step()
        if self.steps == 2:
            try:
                os.kill(os.getpid(), SIGNAL)
                time.sleep(0.2)
            except BaseException as error:
                if CATCHES == "swallow":
                    return
                raise ValueError("instead") from error


SIGNAL, CATCHES = signal.SIGINT, "swallow"


@pytest.mark.parametrize("catches", ["swallow", "replace"])
@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_a_real_signal_ends_the_trial_whatever_the_code_catches(number, kind, catches, monkeypatch):
    from bench.runtime.processes import end_on_sigterm

    monkeypatch.setattr(f"{__name__}.SIGNAL", number)
    monkeypatch.setattr(f"{__name__}.CATCHES", catches)
    handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        end_on_sigterm()
        with pytest.raises(kind):
            run_trial(trial_spec(target=f"{__name__}.Swallows", steps=6))
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
    assert run_trial(make_spec("step")).status is Status.FINISHED  # nothing is left of it


def test_a_limit_ends_the_trial_whatever_the_code_catches(monkeypatch):
    spec = trial_spec(target=f"{__name__}.Stuck", steps=6)
    hardware = replace(spec.context.hardware, max_seconds=0.5)
    result = run_trial(replace(spec, context=replace(spec.context, hardware=hardware)))
    assert result.status is Status.FAILED
    assert "trainer.max_seconds=0.5" in result.reason


class Stuck(raising.Step):
    """Never ends its second step, and catches what ends it, once."""

    def step(self, closure=None):
        super().step()
        try:
            while self.steps == 2:
                pass
        except BaseException:
            return


def test_a_lost_store_ends_the_trial_as_itself():
    def lose(point):
        raise StoreLost("gone")

    with pytest.raises(StoreLost, match="gone"):
        run_trial(make_spec("step"), on_evaluation=lose)


def test_what_cannot_be_built_is_refused_as_before():
    spec = trial_spec(target="tests.helpers.faulty.NotThere")
    with pytest.raises(RefusedInput, match="NotThere"):
        run_trial(spec)


@pytest.mark.parametrize("path", SIGNALS)
def test_a_constructor_that_raises_is_refused(path, monkeypatch):
    monkeypatch.setenv(raising.PLAN, f"made 1 {path}")
    with pytest.raises(RefusedInput):
        run_trial(trial_spec(target=f"{__name__}.Made", steps=6))


class Made(raising.Step):
    """Raises as it is made."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        raising.maybe_raise("made")


@pytest.mark.parametrize("path", SIGNALS[:6])
@pytest.mark.parametrize("call", [1, 2])
def test_a_schedule_that_raises_as_it_is_built_is_refused(call, path, monkeypatch):
    components._build_factor.cache_clear()
    monkeypatch.setenv(raising.PLAN, f"schedule {call} {path}")
    with pytest.raises(RefusedInput, match=path.rpartition(".")[2]):
        run_trial(make_spec("schedule"))
    components._build_factor.cache_clear()


def read_or_raise(examples):
    raise raising.make_exception(raising.find_class(os.environ["TEST_KIND"]))


@pytest.mark.parametrize("path", SIGNALS[:5])
def test_a_process_that_reads_ahead_hands_on_what_it_meets(path, monkeypatch):
    monkeypatch.setenv("TEST_KIND", path)
    split = Split(np.zeros((4, 2)), np.zeros(4))
    stored = Stored(split, read_or_raise, torch.device("cpu"))
    with watch_interrupts(), pytest.raises(UserCodeError, match=path.rpartition(".")[2]):
        next(prefetch_batches(stored, stored, [torch.arange(2)], workers=1))


def test_outside_the_main_thread_a_trial_runs_as_well():
    results = []
    thread = threading.Thread(target=lambda: results.append(run_trial(make_spec("step"))))
    thread.start()
    thread.join()
    assert results[0].status is Status.FINISHED
