"""What stacking gains: whole sweeps by the stacked launcher and by others, side by side.

    python -m bench.speed.stacked
    python -m bench.speed.stacked --tasks digits --sizes 64 --against basic --repeats 3
    python -m bench.speed.stacked --tasks digits fashion_mnist sotu --sizes 128 --accelerator gpu

A sweep of K trials of our Adam, eight learning rates and as many seeds as it takes, complete with
composition, evaluations (20 a trial on digits, one elsewhere) and MLflow records, in one process
that has imported everything and trained once; against the same sweep by the basic launcher, by two
joblib workers, and a bare PyTorch loop with torch's default Adam that records nothing. They take
turns; medians count. What runs one by one is measured with at most ``--at-most`` trials and scaled.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from hydra.core.global_hydra import GlobalHydra

from bench.__main__ import main as optbench
from bench.build import components
from bench.runtime import capture, processes
from bench.spec import TrialSpec
from bench.stack import model as stack_model
from bench.stack import module, optimizers, probe, run
from bench.sweeps.compose import Composer
from bench.tracking.sqlite import recorder as sqlite
from bench.trial.batches import Batches
from bench.trial.evaluation import evaluate

RATES = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2)
MIXED = "adam,adamw,sgd,momentum,rmsprop,adagrad,nadam,lion"
"""Optimizers of a mixed sweep, each of whose shares is as large as another sweep's."""
TASKS = {  # what stands on the command line, and training steps
    "digits": (("task=digits",), 300),
    "fashion_mnist": (("task=fashion_mnist", "budget.eval_every=1000"), 100),
    "langid": (("task=langid", "model=transformer", "budget.eval_every=1000"), 40),
    "sotu": (("task=sotu", "task.data.validation=131072", "budget.eval_every=1000"), 40),
}
PARTS = (  # name, and the function that it is the time of
    ("compose", Composer, "spec"),
    ("build", run, "build_parts"),
    ("probe", probe, "probe"),
    ("data", module.StackBatches, "gather"),
    ("forward", stack_model.StackedModel, "compute_losses"),
    ("backward", stack_model.StackedModel, "compute_gradients"),
    ("optimizer", optimizers.FusedTrials, "step"),
    ("evaluation", stack_model.StackedModel, "evaluate"),
    ("open records", sqlite.SQLiteRecorder, "__enter__"),
    ("write records", sqlite.SQLiteRecorder, "_write"),
)


class Sweeps:
    """Runs sweeps of one task into a store of its own.

    Attributes:
        spec: the last trial that was composed.
        said: what the last sweep said of stacking.
    """

    spec: TrialSpec

    def __init__(self, task: str, folder: Path, chosen: argparse.Namespace) -> None:
        words, usual = TASKS[task]
        self.words = [*words, f"budget.steps={chosen.steps or usual}"]
        self.words += [f"data_dir={chosen.data_dir}", f"trainer.accelerator={chosen.accelerator}"]
        self.words += [f"optimizer={MIXED if chosen.mixed else 'adam'}", "report=false"]
        self.words += [f"tracking.uri=sqlite:///{folder / 'store.db'}"]
        self.said = ""
        self._studies = 0

    def time_sweep(self, trials: int, *more: str) -> float:
        """Wall time of a sweep of so many trials."""
        self._studies += 1
        rates = ",".join(map(str, RATES[:trials]))
        grid = [f"optimizer.lr={rates}", f"seed=range(0,{math.ceil(trials / len(RATES))})"]
        words = ["-m", *self.words, *grid, f"study={self._studies}", *more]
        compose = Composer.spec

        def note(*arguments: Any) -> TrialSpec:
            self.spec = compose(*arguments)
            return self.spec

        GlobalHydra.instance().clear()
        began = time.perf_counter()
        with (
            patch.object(sys, "argv", ["optbench", *words]),
            patch.object(Composer, "spec", note),
            capture.capture_output() as lines,  # of worker processes too
        ):
            optbench()
        verdicts = (" at once; ", ", one by one instead")
        self.said = "; ".join(line for line in lines if any(v in line for v in verdicts))
        return time.perf_counter() - began


def bare_loop(spec: TrialSpec) -> float:
    """Seconds of the loop that anybody would write, evaluations included."""
    task = components.load_task(spec)
    device = torch.device("cuda" if spec.context.hardware.accelerator == "gpu" else "cpu")
    torch.set_num_threads(1)
    began = time.perf_counter()
    torch.manual_seed(spec.seed)
    model = components.build_model(spec.model, task).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=spec.optimizer.arguments["lr"])
    inputs, targets = task.tensors("train", device)
    batches = Batches(inputs, targets, spec.batch_size, spec.budget.steps, spec.seed)
    for step, (x, y) in enumerate(batches, start=1):
        optimizer.zero_grad()
        task.loss(model(x), y).backward()
        optimizer.step()
        if spec.budget.evaluates_at(step):
            evaluate(task, model, "val", device)
    evaluate(task, model, "test", device)
    return time.perf_counter() - began


@contextlib.contextmanager
def time_parts() -> Iterator[dict[str, float]]:
    """Inside, the seconds of each of ``PARTS`` add up."""
    spent: dict[str, float] = {}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                spent[name] = spent.get(name, 0.0) + time.perf_counter() - began

        return run

    with contextlib.ExitStack() as patches:
        for name, owner, attribute in PARTS:
            function = timed(name, getattr(owner, attribute))
            patches.enter_context(patch.object(owner, attribute, function))
        yield spent


def compare(sweeps: Sweeps, trials: int, chosen: argparse.Namespace) -> None:
    """Print one line for K trials, and where a stack's time goes."""
    few = min(trials, chosen.at_most)  # of each optimizer
    ways: dict[str, Callable[[], float]] = {
        "basic": lambda: sweeps.time_sweep(few, "hydra/launcher=basic") * trials / few,
        "joblib": lambda: (
            sweeps.time_sweep(few, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
            * trials
            / few
        ),
        "bare": lambda: (
            bare_loop(sweeps.spec) * trials * (len(MIXED.split(",")) if chosen.mixed else 1)
        ),
    }
    taken: dict[str, list[float]] = {"stacked": []} | {way: [] for way in chosen.against}
    high = read_memory()
    for _ in range(chosen.repeats):
        with time_parts() as spent:
            taken["stacked"].append(
                sweeps.time_sweep(trials, "hydra/launcher=stacked", *chosen.more)
            )
        grown = read_memory() - high
        said = sweeps.said
        for way in chosen.against:
            taken[way].append(ways[way]())
    own = statistics.median(taken["stacked"])
    print(f"  K = {trials}: stacked {own:.2f} s ({said or 'nothing to stack'})")
    for way in chosen.against:
        ratio = statistics.median(b / a for a, b in zip(taken["stacked"], taken[way], strict=True))
        print(f"    {way:<7} {statistics.median(taken[way]):>8.2f} s   {ratio:>6.1f}x")
    parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in spent.items())
    print(f"    of the stack's seconds: {parts}; memory grew {grown / trials:.2f} MiB a trial")


def read_memory() -> float:
    """The most that this process has held so far: memory that grows once is not counted again."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.speed.stacked")
    usual = ["digits", "fashion_mnist", "langid"]
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=usual)
    parser.add_argument("--mixed", action="store_true", help=f"K trials each of {MIXED}")
    parser.add_argument("--accelerator", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--sizes", nargs="+", type=int, default=[1, 8, 32, 128])
    ways = ["basic", "joblib", "bare"]
    parser.add_argument("--against", nargs="*", choices=ways, default=ways)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--at-most", type=int, default=16, help="trials one by one; then scaled")
    parser.add_argument("--steps", type=int, help="instead of 300, 100 and 40")
    parser.add_argument("--data-dir", default="data")
    parser.add_argument("--more", nargs="*", default=[], help="for the stacked sweep: stack.size=8")
    return parser.parse_args()


def main() -> None:
    chosen = parse_arguments()
    gpu = chosen.accelerator == "gpu"
    on = torch.cuda.get_device_name() if gpu else f"{processes.cores()} cores"
    print(f"torch {torch.__version__}, {on}; medians of {chosen.repeats} sweeps")
    for task in chosen.tasks:
        with tempfile.TemporaryDirectory() as folder:
            sweeps = Sweeps(task, Path(folder), chosen)
            print(" ".join(sweeps.words[:-1]))
            for launcher in ("stacked", *({"joblib"} & {*chosen.against})):
                sweeps.time_sweep(2, f"hydra/launcher={launcher}", "budget.steps=4")  # warm up
            for trials in chosen.sizes:
                compare(sweeps, trials, chosen)


if __name__ == "__main__":
    main()
