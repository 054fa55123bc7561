"""Costs of entrants alone: exact memory, a time for each, and one line for what cannot be."""

import dataclasses

import pytest
import torch

from bench.optimizers.combined import Combined
from bench.spec import OptimizerSpec
from bench.trial import cost
from bench.trial.state_size import count_state_bytes
from tests.helpers.specs import trial_spec

PARAMETERS = 64 * 16 + 16 + 16 * 10 + 10  # of the digits MLP in ``trial_spec``
FLOAT = 4  # bytes


def config(name, target, **options):
    optimizer = OptimizerSpec(name, target, options.pop("arguments", {"lr": 1e-3}), **options)
    return dataclasses.replace(trial_spec(steps=300), optimizer=optimizer).config()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(cost, "ROUND_SECONDS", 0.01)
    monkeypatch.setattr(cost, "ROUNDS", 3)


def test_memory_is_exact_and_every_entrant_has_a_time(quick):
    threads = torch.get_num_threads()
    found = cost.measure_costs(
        {
            "adam": config("adam", "torch.optim.Adam"),
            "sgd": config("sgd", "torch.optim.SGD"),
            "momentum": config("momentum", "torch.optim.SGD", arguments={"lr": 0.1, "momentum": 1}),
        },
        "data",
    )
    steps = 4  # tensors: a count of steps for each parameter, one number
    assert found["adam"]["state_mib"] * 2**20 == 2 * PARAMETERS * FLOAT + steps * FLOAT
    assert found["momentum"]["state_mib"] * 2**20 == PARAMETERS * FLOAT
    assert found["sgd"]["state_mib"] == 0
    for one in found.values():
        assert one["step_time_ms"] > 0
        assert one["steps_measured"] >= 3 * cost.MIN_STEPS
        assert one["reason"] == ""
        assert one["device"] == one["environment"]["device"]
        assert one["environment"]["threads"] == "1"
    assert torch.get_num_threads() == threads


def test_what_cannot_be_measured_is_one_line_and_the_others_go_on(quick, tmp_path):
    said = []
    other = {**config("other", "torch.optim.SGD"), "data_fingerprint": "beef"}
    absent = config("absent", "torch.optim.SGD")
    absent["task"] = {
        **absent["task"],
        "name": "mnist",
        "data": {"name": "", "target": "tasks.data.mnist.load", "arguments": {"name": "mnist"}},
    }
    configs = {
        "good": config("good", "torch.optim.SGD"),
        "nowhere": config("nowhere", "my_module.Mine"),
        "raises": config("raises", "tests.helpers.faulty.Raises", arguments={"lr": 0.1, "at": 7}),
        "other": other,
        "absent": absent,
        "new": {**config("new", "torch.optim.SGD"), "distill": "adam"},
    }
    found = cost.measure_costs(configs, str(tmp_path), on_failure=said.append)
    assert list(found) == list(configs)
    assert found["good"]["step_time_ms"] > 0
    reasons = {name: one["reason"] for name, one in found.items() if one["reason"]}
    assert set(reasons) == {"nowhere", "raises", "other", "absent", "new"}
    assert "my_module" in reasons["nowhere"]
    assert reasons["raises"] == "ArithmeticError: step 7 went wrong"
    assert "holds other data than the trials trained on" in reasons["other"]
    assert "cannot be read by this version" in reasons["new"]
    assert "data_dir" in reasons["absent"]
    assert [found[name]["step_time_ms"] for name in reasons] == [None] * 5
    assert len(said) == 5
    assert all("\n" not in line for line in said)
    assert any(line.startswith("digits · nowhere: not measured: ") for line in said)


def test_entrants_take_turns(quick, monkeypatch):
    order = []
    trained = cost._Entrant.train_round

    def noted(self):
        order.append(self.spec.optimizer.name)
        return trained(self)

    monkeypatch.setattr(cost._Entrant, "train_round", noted)
    cost.measure_costs({name: config(name, "torch.optim.SGD") for name in "ab"}, "data")
    assert len(order) == 2 * (1 + cost.ROUNDS)
    assert [sorted(order[at : at + 2]) for at in range(0, len(order), 2)] == [["a", "b"]] * 4
    assert order[2:6] == ["a", "b", "b", "a"]


def test_state_of_parts_and_of_shared_storage_counts_once():
    first, second = (torch.nn.Parameter(torch.ones(10)) for _ in range(2))
    parts = [torch.optim.SGD([p], lr=0.1, momentum=0.9) for p in (first, second)]
    combined = Combined(parts)
    for p in (first, second):
        p.grad = torch.ones(10)
    combined.step()
    assert count_state_bytes(combined, [first, second]) == 2 * 10 * FLOAT
    parts[0].state[first]["twice"] = parts[0].state[first]["momentum_buffer"].view(2, 5)
    assert count_state_bytes(combined, [first, second]) == 2 * 10 * FLOAT
