"""What ``torch.compile`` would bring a stack, and after how many steps it would have been repaid.

    python -m bench.speed.compiled --sizes 64 256

Losses and gradients of K digits MLPs, batch 32, as the stack computes them and compiled; each in a
process of its own with one thread, first with an empty cache on disk and then with what the first
has left there. Needs a C++ compiler. The harness compiles nothing: a sweep of the shipped tasks is
over before it would be repaid (docs/stacked.md).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

STEPS, WARM_UP = 200, 20


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.speed.compiled", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--measure", choices=("eager", "compiled"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        from bench.runtime.isolation import isolate  # loads torch, which only a measurement needs

        with isolate(threads=1):
            print(json.dumps(measure(given.sizes[0], compiled=given.measure == "compiled")))
        return
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as cache:
            _, eager = _measure_apart(size, "eager", cache)
            first, _ = _measure_apart(size, "compiled", cache)
            again, step = _measure_apart(size, "compiled", cache)
        repaid = f"repaid after {again / (eager - step):.0f} steps" if eager > step else "no gain"
        print(
            f"{size} trials: {1e3 * eager:.2f} ms a step, {1e3 * step:.2f} ms compiled "
            f"({eager / step:.1f}x); {first:.1f} s to compile, {again:.1f} s from the cache: "
            f"{repaid}"
        )


def _measure_apart(size: int, what: str, cache: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "bench.speed.compiled", "--sizes", str(size)]
    kept = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache}
    ended = subprocess.run(
        [*command, "--measure", what], env=kept, capture_output=True, text=True, check=True
    )
    begun, step = json.loads(ended.stdout)
    return begun, step


def measure(size: int, *, compiled: bool) -> tuple[float, float]:
    """Seconds of the first step, and the least of a later one."""
    # the parent process, which only starts others, needs no torch
    import torch
    from torch.func import grad_and_value, vmap

    from bench.stack.model import StackedModel
    from tasks.data import digits
    from tasks.image import ImageClassification
    from tasks.models.image import MLP

    data = digits.load(data_dir="", download=False)
    task = ImageClassification(data)
    torch.manual_seed(0)
    stack = StackedModel([MLP((1, 8, 8), 10, [64]) for _ in range(size)], task)
    x, y = task.tensors("train", torch.device("cpu"))
    rows = torch.randint(len(y), (size, 32))
    inputs, targets = x[rows], y[rows]
    stack.lay_out(inputs, targets)
    function: Callable[[], object]
    if compiled:
        both = torch.compile(vmap(grad_and_value(stack._loss)))
        trained = {name: p.detach() for name, p in stack.trained.items()}

        def function() -> object:
            return both(trained, stack.fixed, inputs, targets)
    else:

        def function() -> object:
            return stack.compute_gradients(stack.compute_losses(inputs, targets))

    began = time.perf_counter()
    function()
    first, times = time.perf_counter() - began, []
    for _ in range(WARM_UP + STEPS):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return first, min(times[WARM_UP:])


if __name__ == "__main__":
    main()
