"""What the probe measures; its gain depends on the machine, its form does not."""

from dataclasses import replace

import torch

from bench.stack import heuristics
from bench.stack import probe as stack_probe
from bench.stack.probe import Gain, count_fitting, probe
from tests.helpers.stack_cases import case


def test_it_measures_a_gain_and_leaves_the_threads_alone():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    gain = probe([case(seed=seed, steps=1000) for seed in range(6)])
    assert gain.size == 6
    assert gain.factor > 0
    assert gain.threads >= 1
    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)


def test_a_few_trials_stand_for_many_that_are_slow(monkeypatch):
    monkeypatch.setattr(heuristics, "PROBE_S", 0.0)
    assert probe([case(seed=seed) for seed in range(9)]).size == 4


def test_of_many_optimizers_there_are_some_trials_each(monkeypatch):
    monkeypatch.setattr(heuristics, "PROBE_S", 100.0)
    monkeypatch.setattr(heuristics, "PROBE_TRIALS", 2)
    spec = case()
    specs = [
        replace(spec, seed=seed, optimizer=replace(spec.optimizer, name=name))
        for name in "abc"
        for seed in range(6)
    ]
    assert probe(specs).size == 12
    assert probe(specs[:6]).size == 4


def test_a_long_step_says_enough(monkeypatch):
    monkeypatch.setattr(heuristics, "LONG_STEP_S", 0.0)
    gain = probe([case(seed=seed) for seed in range(3)])
    assert (gain.size, gain.pays()) == (1, False)
    assert "nearly all of it arithmetic" in str(gain)


def test_a_gain_within_the_noise_does_not_pay():
    assert not Gain(8, 1.05, 1).pays()
    assert Gain(8, 1.5, 1).pays()


def test_memory_bounds_the_stack(monkeypatch):
    spec = case()
    weights = 4 * (64 * 16 + 16 + 16 * 10 + 10)
    monkeypatch.setattr(stack_probe, "_free_bytes", lambda device: 2 * 10 * 7 * weights)
    assert 1 <= count_fitting(spec) < 10  # activations take their part
    monkeypatch.setattr(stack_probe, "_free_bytes", lambda device: 0)
    assert count_fitting(spec) == 1
    monkeypatch.setattr(stack_probe, "_free_bytes", lambda device: 2**60)
    assert count_fitting(spec) == heuristics.MAX_STACK


def test_free_memory_is_known():
    assert stack_probe._free_bytes(torch.device("cpu")) > 2**20
