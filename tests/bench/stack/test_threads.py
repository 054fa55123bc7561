"""What a stack does with its threads when steps are short or long."""

import pytest
import torch

from bench.stack.threads import AGAIN, IN_A_ROW, STEPS, WARM_UP, Threads


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def run(threads, steps, seconds):
    """So many steps, each as long as ``seconds`` says of the number of threads; that number."""
    for _ in range(steps):
        threads.step(seconds[torch.get_num_threads()])
    return torch.get_num_threads()


PERIOD = WARM_UP + STEPS


def test_more_threads_stay_where_they_help():
    threads = Threads(2)
    assert torch.get_num_threads() == 1
    assert run(threads, PERIOD, {1: 1.0}) == 2
    assert run(threads, 10 * PERIOD, {2: 0.6}) == 2


def test_they_go_where_they_do_not_help_and_are_tried_again_later():
    threads = Threads(2)
    run(threads, PERIOD, {1: 1.0})
    assert run(threads, PERIOD, {2: 0.95}) == 1
    assert run(threads, AGAIN, {1: 1.0}) == 1
    assert run(threads, PERIOD, {1: 1.0}) == 2


def test_they_go_where_another_process_comes():
    threads = Threads(2)
    run(threads, PERIOD, {1: 1.0})
    run(threads, 3 * PERIOD, {2: 0.6})
    assert run(threads, 2 * PERIOD, {1: 1.0, 2: 1.5}) == 1


def test_they_go_at_once_where_they_stand_still():
    threads = Threads(2)
    run(threads, PERIOD, {1: 1.0})
    assert run(threads, IN_A_ROW, {2: 70.0}) == 1


def test_one_long_step_is_no_busy_machine():
    threads = Threads(2)
    run(threads, PERIOD, {1: 1.0})
    run(threads, PERIOD, {2: 0.6})
    threads.step(40.0)
    assert run(threads, PERIOD, {2: 0.6}) == 2


def test_with_one_nothing_is_changed():
    torch.set_num_threads(2)
    threads = Threads(1)
    assert run(threads, 10 * PERIOD, {2: 1.0}) == 2
