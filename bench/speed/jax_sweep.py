"""The same trials as a sweep written in JAX by hand: what a user could pick instead.

    pip install jax; python -m bench.speed.jax_sweep --sizes 64 256

K digits MLPs by Adam, eight learning rates and as many seeds as it takes, 300 steps of batch 32, 20
evaluations on validation and one on test: one compiled program, ``vmap`` over trials and ``scan``
over steps. Nothing is composed, checked or recorded. Side by side with the training loop of our
stack (building and composing left out of both; JAX's compilation is named apart). They take turns;
medians count. JAX is no dependency: without it only our loop is timed.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from bench.build import components
from bench.spec import TrialSpec
from bench.speed.stacked import RATES, Sweeps
from bench.stack import run as stack
from bench.trial.trainer import TrialTrainer
from tasks.base import Task

STEPS, EVERY, BATCH = 300, 15, 32


def build_jax_sweep(task: Task, rates: np.ndarray, seeds: np.ndarray) -> Callable[[], Any]:
    """The whole sweep as a function of nothing, compiled at its first call."""
    import jax  # an extra: left out of the comparison where it is missing
    import jax.numpy as jnp

    cpu = torch.device("cpu")
    data = {}
    for split in ("train", "val", "test"):
        x, y = (jnp.asarray(np.asarray(one)) for one in task.tensors(split, cpu))
        data[split] = x.reshape(len(x), -1), y

    def start(key: Any) -> dict[str, Any]:
        def layer(key: Any, fan_in: int, fan_out: int) -> tuple[Any, Any]:
            bound = fan_in**-0.5
            one, two = jax.random.split(key)
            weight = jax.random.uniform(one, (fan_in, fan_out), minval=-bound, maxval=bound)
            return weight, jax.random.uniform(two, (fan_out,), minval=-bound, maxval=bound)

        first, second = jax.random.split(key)
        return {"first": layer(first, 64, 64), "second": layer(second, 64, 10)}

    def logits(theta: Any, x: Any) -> Any:
        (w1, b1), (w2, b2) = theta["first"], theta["second"]
        return jax.nn.relu(x @ w1 + b1) @ w2 + b2

    def loss(theta: Any, x: Any, y: Any) -> Any:
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits(theta, x)), y[:, None], 1)
        return -picked.mean()

    def measure(theta: Any, split: str) -> Any:
        x, y = data[split]
        return loss(theta, x, y), (logits(theta, x).argmax(-1) == y).mean()

    def trial(rate: Any, seed: Any) -> Any:
        key = jax.random.PRNGKey(seed)
        theta, (x, y) = start(key), data["train"]
        per_epoch = len(y) // BATCH
        epochs = -(-STEPS // per_epoch)
        orders = [
            jax.random.permutation(jax.random.fold_in(key, at), len(y))[: per_epoch * BATCH]
            for at in range(epochs)
        ]
        rows = jnp.concatenate(orders).reshape(-1, BATCH)[:STEPS]
        zero = jax.tree.map(jnp.zeros_like, theta)

        def step(state: Any, row: Any) -> Any:
            theta, m, v, t = state
            value, g = jax.value_and_grad(loss)(theta, x[row], y[row])
            t = t + 1
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            c1, c2 = 1 - 0.9**t, 1 - 0.999**t
            theta = jax.tree.map(
                lambda p, m, v: p - rate * (m / c1) / (jnp.sqrt(v / c2) + 1e-8), theta, m, v
            )
            return (theta, m, v, t), value

        def between(state: Any, rows: Any) -> Any:
            state, losses = jax.lax.scan(step, state, rows)
            return state, (losses.mean(), *measure(state[0], "val"))

        state, curve = jax.lax.scan(
            between, (theta, zero, zero, 0), rows.reshape(STEPS // EVERY, EVERY, BATCH)
        )
        return curve, measure(state[0], "test")

    sweep = jax.jit(jax.vmap(trial))
    return lambda: jax.block_until_ready(sweep(rates, seeds))


def time_ours(specs: list[TrialSpec], threads: int) -> float:
    """Seconds of our training loop, evaluations included, building not."""
    taken: list[float] = []
    fit = TrialTrainer.fit

    def timed(*arguments: Any) -> None:
        began = time.perf_counter()
        fit(*arguments)
        taken.append(time.perf_counter() - began)

    with patch.object(TrialTrainer, "fit", timed):
        stack.run_stack(specs, threads=threads)
    return taken[0]


def compare(spec: TrialSpec, trials: int, repeats: int, threads: int) -> None:
    """Print one line for K trials."""
    budget = replace(spec.budget, steps=STEPS, eval_every=EVERY)
    specs = []
    for at in range(trials):
        arguments = {**spec.optimizer.arguments, "lr": RATES[at % len(RATES)]}
        optimizer = replace(spec.optimizer, arguments=arguments)
        specs.append(replace(spec, seed=at // len(RATES), optimizer=optimizer, budget=budget))
    time_ours(specs[:2], threads)  # warm
    line, theirs = f"  K = {trials}:", None
    if importlib.util.find_spec("jax"):
        rates = np.array([RATES[at % len(RATES)] for at in range(trials)], dtype=np.float32)
        seeds = np.arange(trials) // len(RATES)
        theirs = build_jax_sweep(components.load_task(spec), rates, seeds)
        began = time.perf_counter()
        (_, (_, accuracy)) = theirs()
        print(
            f"{line} JAX's first call {time.perf_counter() - began:.1f} s, test accuracy of its "
            f"best rate {float(np.asarray(accuracy).reshape(-1, len(RATES)).mean(0).max()):.3f}"
        )
    mine: list[float] = []
    other: list[float] = []
    for _ in range(repeats):
        mine.append(time_ours(specs, threads))
        if theirs is not None:
            began = time.perf_counter()
            theirs()
            other.append(time.perf_counter() - began)
    line += f" our loop {statistics.median(mine):.2f} s"
    if other:
        ratio = statistics.median(a / b for a, b in zip(mine, other, strict=True))
        line += f", JAX {statistics.median(other):.2f} s, ours / JAX {ratio:.2f}"
    print(line)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.speed.jax_sweep")
    parser.add_argument("--sizes", nargs="+", type=int, default=[64, 256])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data-dir", default="data")
    chosen = parser.parse_args()
    usual = argparse.Namespace(steps=2, data_dir=chosen.data_dir, accelerator="cpu", mixed=False)
    with tempfile.TemporaryDirectory() as folder:
        sweeps = Sweeps("digits", Path(folder), usual)
        sweeps.time_sweep(1, "hydra/launcher=basic")
    print(
        f"torch {torch.__version__}, at most {chosen.threads} threads; medians of {chosen.repeats}"
    )
    for size in chosen.sizes:
        compare(sweeps.spec, size, chosen.repeats, chosen.threads)


if __name__ == "__main__":
    main()
