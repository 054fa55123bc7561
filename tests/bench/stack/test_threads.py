"""What a stack does with its threads when steps are short or long."""

import pytest
import torch

from bench.stack.threads import RETRY_STEPS, STALLED_STEPS, TIMED_STEPS, WARM_UP_STEPS, ThreadTuner


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def run(threads, steps, seconds):
    """So many steps, each as long as ``seconds`` says of the number of threads; that number."""
    for _ in range(steps):
        threads.record_step(seconds[torch.get_num_threads()])
    return torch.get_num_threads()


PERIOD = WARM_UP_STEPS + TIMED_STEPS


def test_more_threads_stay_where_they_help():
    threads = ThreadTuner(2)
    assert torch.get_num_threads() == 1
    assert run(threads, PERIOD, {1: 1.0}) == 2
    assert run(threads, 10 * PERIOD, {2: 0.6}) == 2


def test_they_go_where_they_do_not_help_and_are_tried_again_later():
    threads = ThreadTuner(2)
    run(threads, PERIOD, {1: 1.0})
    assert run(threads, PERIOD, {2: 0.95}) == 1
    assert run(threads, RETRY_STEPS, {1: 1.0}) == 1
    assert run(threads, PERIOD, {1: 1.0}) == 2


def test_they_go_where_another_process_comes():
    threads = ThreadTuner(2)
    run(threads, PERIOD, {1: 1.0})
    run(threads, 3 * PERIOD, {2: 0.6})
    assert run(threads, 2 * PERIOD, {1: 1.0, 2: 1.5}) == 1


def test_they_go_at_once_where_they_stand_still():
    threads = ThreadTuner(2)
    run(threads, PERIOD, {1: 1.0})
    assert run(threads, STALLED_STEPS, {2: 70.0}) == 1


def test_one_long_step_is_no_busy_machine():
    threads = ThreadTuner(2)
    run(threads, PERIOD, {1: 1.0})
    run(threads, PERIOD, {2: 0.6})
    threads.record_step(40.0)
    assert run(threads, PERIOD, {2: 0.6}) == 2


def test_with_one_nothing_is_changed():
    torch.set_num_threads(2)
    threads = ThreadTuner(1)
    assert run(threads, 10 * PERIOD, {2: 1.0}) == 2
