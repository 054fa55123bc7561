import math

import pytest

from bench import schedules
from bench.spec import RefusedInput


def test_constant_never_moves():
    factor = schedules.constant(10)
    assert [factor(step) for step in range(10)] == [1.0] * 10


@pytest.mark.parametrize(
    "make",
    [
        schedules.constant,
        schedules.linear,
        schedules.cosine,
        schedules.step,
        schedules.inverse_sqrt,
    ],
)
def test_warmup_rises_linearly_to_one(make):
    factor = make(100, warmup=0.1)
    assert [factor(step) for step in range(10)] == pytest.approx([k / 10 for k in range(1, 11)])


def test_linear_ends_with_the_budget():
    factor = schedules.linear(100, warmup=0.2, final=0.1)
    assert factor(20) == 1.0
    assert factor(60) == pytest.approx(1 - 0.9 * 0.5)
    assert factor(100) == pytest.approx(0.1)


def test_cosine_is_half_a_period():
    factor = schedules.cosine(80, final=0.5)
    assert factor(0) == 1.0
    assert factor(20) == pytest.approx(0.5 + 0.25 * (1 + math.sqrt(0.5)))
    assert factor(40) == pytest.approx(0.75)
    assert factor(80) == pytest.approx(0.5)


def test_step_drops_at_each_milestone():
    factor = schedules.step(100, milestones=[0.5, 0.9], gamma=0.1)
    assert [factor(k) for k in (0, 49, 50, 89, 90)] == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_inverse_sqrt_halves_after_four_warmups():
    factor = schedules.inverse_sqrt(1000, warmup=0.1)
    assert factor(99) == 1.0
    assert factor(399) == pytest.approx(0.5)
    assert schedules.inverse_sqrt(10)(3) == pytest.approx(0.5)  # without warm-up: 1/sqrt(step)


@pytest.mark.parametrize("warmup", [-0.1, 1.0, 5])
def test_refuses_a_warmup_that_is_no_share(warmup):
    with pytest.raises(RefusedInput, match=rf"schedule.warmup: {warmup}"):
        schedules.cosine(10, warmup=warmup)
