"""Trials and stacks on a CUDA device: the numbers of the CPU, and no waiting for the host."""

import warnings
from dataclasses import replace

import pytest
import torch

from bench.build import components
from bench.spec import OptimizerSpec, Status
from bench.stack.cuda_graph import WARM_UP_CALLS, CudaGraphFunction
from bench.stack.module import StackBatches, StackModule
from bench.stack.optimizers import StackedTrial, sort_by_fusion
from bench.stack.probe import count_fitting, probe
from bench.stack.run import run_stack
from bench.stack.stackable import explain_unstackable
from bench.sweeps.launchers.executor import Executor
from bench.trial.run import build_parts, run_trial
from bench.trial.state import TrialState
from tests.helpers.stack_cases import case

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
ADAM, SGD = "bench.optimizers.adam.Adam", "torch.optim.SGD"
CUDA = torch.device("cuda", 0)
FREE = OptimizerSpec(
    "schedule_free",
    "pytorch_optimizer.ScheduleFreeAdamW",
    {"lr": 2.5e-3},
    needs=("eval_mode",),
)


def on_gpu(spec):
    return spec.within(hardware=replace(spec.context.hardware, accelerator="gpu", devices=1))


def untimed(point):
    return {name: value for name, value in point.values.items() if name != "train_time_s"}


def assert_curves_equal(results, others, rel):
    for result, other in zip(results, others, strict=True):
        assert result.status is other.status is Status.FINISHED
        assert [point.step for point in result.curve] == [point.step for point in other.curve]
        for point, expected in zip(result.curve, other.curve, strict=True):
            for name, value in untimed(point).items():
                # an accuracy may differ by two of digits' 360 examples
                least = 6e-3 if "accuracy" in name else 1e-6
                assert value == pytest.approx(expected.values[name], rel=rel, abs=least)


def module_of(specs):
    """A stack on the device, and its batches."""
    task = components.load_task(specs[0])
    states = [TrialState(spec, {}) for spec in specs]
    trials = sort_by_fusion(
        [StackedTrial(one, *build_parts(one.spec, task, CUDA)) for one in states]
    )
    return StackModule(task, trials), StackBatches(task, CUDA, trials)


@pytest.mark.parametrize("model", ["mlp", "cnn", "bag", "transformer", "gru"])
def test_a_trial_is_that_of_the_cpu(model):
    spec = case(model, ADAM, steps=40, lr=1e-3)
    result = run_trial(on_gpu(spec))
    assert_curves_equal([result], [run_trial(spec)], 1e-3)
    assert result.summary["peak_memory_mib"] > 0
    assert result.environment["device"] == torch.cuda.get_device_name(CUDA)


@pytest.mark.parametrize("model", ["mlp", "cnn", "bag", "transformer", "gru", "normalised"])
def test_a_stack_is_its_trials_alone(model):
    specs = [
        on_gpu(case(model, ADAM, seed=seed, steps=40, schedule=schedule, lr=lr))
        for seed, schedule, lr in ((0, "constant", 1e-3), (1, "cosine", 3e-3), (2, "cosine", 1e-3))
    ]
    if reason := explain_unstackable(specs[0]):
        pytest.skip(reason)
    assert_curves_equal(run_stack(specs), [run_trial(spec) for spec in specs], 1e-3)


def test_every_kind_of_optimizer_shares_a_stack_and_diverges_alone():
    targets = (ADAM, SGD, "torch.optim.RMSprop", "pytorch_optimizer.Lion", "torch.optim.Rprop")
    specs = [
        on_gpu(case("mlp", target, seed=seed, steps=40, lr=lr, **more))
        for target in targets
        for seed, lr in ((0, 1e-3), (1, 2e-3))
        for more in ({"momentum": 0.9} if target == SGD else {},)
    ]
    specs += [on_gpu(case(optimizer=FREE, seed=seed, steps=40)) for seed in (0, 1)]
    specs.append(on_gpu(case("mlp", SGD, steps=40, lr=1e30)))
    *mine, broken = run_stack(specs)
    assert_curves_equal(mine, [run_trial(spec) for spec in specs[:-1]], 1e-3)
    assert broken.status is Status.DIVERGED


def test_a_captured_step_is_the_step_as_written(monkeypatch):
    entrant = OptimizerSpec("adam", ADAM, {"lr": 3e-3}, clip_norm=0.1)
    specs = [
        on_gpu(case(optimizer=entrant, seed=seed, steps=40, schedule=schedule))
        for seed, schedule in ((0, "constant"), (1, "cosine"))
    ]
    captured = run_stack(specs)
    monkeypatch.setattr("bench.stack.module.CudaGraphFunction", lambda function: function)
    assert_curves_equal(captured, run_stack(specs), 1e-6)


@pytest.mark.parametrize("target", [ADAM, SGD, "torch.optim.NAdam", "torch.optim.Adagrad"])
def test_no_step_waits_for_the_host(target):
    module, batches = module_of(
        [
            on_gpu(case("mlp", target, seed=seed, schedule="cosine", lr=lr))
            for seed, lr in ((0, 1e-3), (1, 3e-3))
        ]
    )
    it = iter(batches)
    module.training_step(next(it), 0)
    torch.cuda.synchronize()
    try:
        with warnings.catch_warnings(action="ignore"):  # once a process, that this is a prototype
            torch.cuda.set_sync_debug_mode("error")
        for _ in range(2 * WARM_UP_CALLS):
            module.training_step(next(it), 0)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert module._advance.graph is not None


def test_what_reads_from_the_device_is_not_captured():
    def reads(x):
        return x * float(x.sum())

    step = CudaGraphFunction(reads)
    for at in range(2 * WARM_UP_CALLS):
        x = torch.full((2,), float(at), device=CUDA)
        assert torch.equal(step(x), reads(x))
    assert step.graph is None
    assert step.refusal


def test_memory_is_measured_before_a_stack_is_made():
    spec = on_gpu(case("cnn"))
    free = torch.cuda.mem_get_info()[0]
    assert 10 < count_fitting(spec) < free / 2**10
    assert probe([on_gpu(case(seed=seed)) for seed in range(8)]).factor > 1


def test_a_stack_that_does_not_fit_is_halved_on_the_device(monkeypatch, uri):
    """The device is left with too little memory for eight at once."""
    specs = [on_gpu(case("cnn", seed=seed, steps=10)) for seed in range(8)]
    sizes = []
    run = run_stack

    def counted(specs, *rest):
        sizes.append(len(specs))
        if len(specs) > 4:
            torch.empty(1 << 45, device=CUDA)  # 128 TiB
        return run(specs, *rest)

    monkeypatch.setattr("bench.stack.run.run_stack", counted)
    results = Executor(specs, uri, 8, lambda at, result: None).run()
    assert sizes == [8, 4, 4]
    assert [result.status for result in results] == ["finished"] * 8
