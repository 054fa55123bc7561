"""What the harness costs: a trial against a bare PyTorch loop, side by side in one run.

    python -m bench.speed.harness

Same data, model, optimizer, batch order and thread count; the two take turns, and the median of the
ratios counts. Training steps only: the trial's evaluations are outside its clock, as always.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F

from bench.build import components
from bench.spec import Budget, Component, OptimizerSpec, RunContext, TaskSpec, TrialSpec
from bench.trial.batches import Batches
from bench.trial.run import run_trial
from tasks.data.dataset import Dataset, Split

DIGITS = Component("", "tasks.data.digits.load")
RANDOM_IMAGES = Component("", "bench.speed.harness.random_images")


def random_images(*, data_dir: str, download: bool) -> Dataset:
    """Noise in the shape of CIFAR-10: speed does not depend on what the pixels show."""
    del data_dir, download
    numbers = np.random.default_rng(0)

    def split(n: int) -> Split:
        images = numbers.standard_normal((n, 3, 32, 32), dtype=np.float32)
        return Split(images, numbers.integers(0, 10, n))

    classes = tuple(str(k) for k in range(10))
    return Dataset(split(512), split(64), split(64), classes, "random")


def make_spec(data: Component, model: Component, batch_size: int, steps: int) -> TrialSpec:
    """A trial of torch's fused Adam without evaluations before its end."""
    return TrialSpec(
        task=TaskSpec("benchmark", "tasks.image.ImageClassification", data=data),
        model=model,
        optimizer=OptimizerSpec("torch_adam", "torch.optim.Adam", {"lr": 1e-3, "fused": True}),
        schedule=Component("constant", "bench.schedules.constant"),
        batch_size=batch_size,
        budget=Budget(steps, steps),
        seed=0,
        precision="32-true",
        stop_at_target=False,
        data_fingerprint="",
        context=RunContext("benchmark"),
    )


def bare_loop(trial: TrialSpec) -> float:
    """Seconds a step of the loop that anybody would write."""
    task = components.load_task(trial)
    inputs, targets = task.tensors("train", torch.device("cpu"))
    torch.manual_seed(0)
    model = components.build_model(trial.model, task)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    batches = Batches(inputs, targets, trial.batch_size, trial.budget.steps, seed=0)
    began = time.perf_counter()
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return (time.perf_counter() - began) / trial.budget.steps


def compare(name: str, trial: TrialSpec, repeats: int) -> None:
    """Print the medians and the median ratio of ``repeats`` pairs, after one of each to warm up."""
    bare, harness = [], []
    for _ in range(repeats + 1):
        bare.append(1e6 * bare_loop(trial))
        result = run_trial(trial)
        harness.append(1e3 * result.summary["step_time_ms"])
    pairs = [h / b for h, b in zip(harness[1:], bare[1:], strict=True)]
    print(
        f"{name:<22} bare {statistics.median(bare[1:]):>9.0f} µs   trial "
        f"{statistics.median(harness[1:]):>9.0f} µs   ratio {statistics.median(pairs):.3f} "
        f"({min(pairs):.3f} to {max(pairs):.3f}, {repeats} pairs)"
    )


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    mlp = Component("mlp", "tasks.models.image.MLP", {"hidden": [64]})
    compare("digits, MLP", make_spec(DIGITS, mlp, batch_size=32, steps=1500), repeats=9)
    resnet = Component("resnet18", "tasks.models.image.resnet18")
    compare("32x32, ResNet-18", make_spec(RANDOM_IMAGES, resnet, batch_size=32, steps=4), repeats=5)


if __name__ == "__main__":
    main()
