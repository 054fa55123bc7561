"""Assumptions about torch beyond its documented interface, one test each."""

import functools
import importlib
import inspect
import warnings

import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset

from bench.optimizers.adam import kernels, slices
from bench.stack.fusion import FUSIONS, compute_fusion_key

BETAS, EPS = (0.9, 0.99), 1e-8


def adam(p, g, step=0.0, lr=0.1, kernel=torch._fused_adam_, moments=None, **options):
    """Make one fused step; return the moments and t."""
    m, v = moments or (torch.zeros_like(p), torch.zeros_like(p))
    t = torch.tensor(step)
    given = {"weight_decay": 0.0, "amsgrad": False, "maximize": False} | options
    given |= {"grad_scale": options.get("grad_scale"), "found_inf": options.get("found_inf")}
    kernel([p], [g], [m], [v], [], [t], lr=lr, beta1=BETAS[0], beta2=BETAS[1], eps=EPS, **given)
    return m, v, t


@pytest.mark.parametrize("name", ["_fused_adam_", "_fused_adamw_"])
def test_the_fused_kernels_take_these_arguments(name):
    schema = getattr(torch.ops.aten, name).default._schema
    names = [argument.name for argument in schema.arguments]
    assert names == [
        *("self", "grads", "exp_avgs", "exp_avg_sqs", "max_exp_avg_sqs", "state_steps"),
        *("lr", "beta1", "beta2", "weight_decay", "eps", "amsgrad", "maximize"),
        *("grad_scale", "found_inf"),
    ]


def test_the_fused_kernel_reads_t_and_leaves_it():
    *_, t = adam(torch.ones(3), torch.ones(3), step=5.0)
    assert t == 5.0


def test_an_infinite_t_turns_the_bias_correction_of_the_fused_kernel_off():
    p, g = torch.zeros(3), torch.tensor([1.0, -2.0, 3.0])
    m, v, _ = adam(p, g, step=float("inf"))
    torch.testing.assert_close(p, -0.1 * m / (v.sqrt() + EPS))


def test_the_fused_kernel_leaves_the_update_where_the_parameter_was_zero():
    update, g = torch.zeros(3), torch.tensor([1.0, -2.0, 3.0])
    m, v, _ = adam(update, g, step=1.0, lr=1.0)
    torch.testing.assert_close(update, -(m / 0.1) / ((v / 0.01).sqrt() + EPS))


def test_the_fused_kernel_of_adamw_decays_the_parameter_and_not_the_gradient():
    p, g = torch.ones(3), torch.zeros(3)
    m, *_ = adam(p, g, step=1.0, kernel=torch._fused_adamw_, weight_decay=0.5)
    torch.testing.assert_close(p, torch.full((3,), 1 - 0.1 * 0.5))
    assert not m.any()


def test_the_fused_kernel_walks_memory_and_ignores_strides():
    """So gradients are brought into the order of their parameters."""
    g = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    transposed = g.t().contiguous().t()
    assert torch.equal(transposed, g)
    m, *_ = adam(torch.zeros(2, 2), transposed, step=1.0)
    torch.testing.assert_close(m, 0.1 * g.t())


def test_the_fused_kernel_unscales_gradients_and_skips_infinite_ones():
    p, g = torch.zeros(3), torch.full((3,), 8.0)
    scale = torch.tensor(4.0)
    m, *_ = adam(p, g.clone(), step=1.0, grad_scale=scale, found_inf=torch.tensor(0.0))
    torch.testing.assert_close(m, torch.full((3,), 0.2))
    p = torch.zeros(3)
    m, *_ = adam(p, g.clone(), step=1.0, grad_scale=scale, found_inf=torch.tensor(1.0))
    assert not p.any()
    assert not m.any()


def test_a_gradscaler_leaves_its_division_to_an_optimizer_that_says_so():
    """``_step_supports_amp_scaling``, ``grad_scale`` and ``found_inf`` are torch's names."""
    seen = []

    class Scaling(torch.optim.SGD):
        _step_supports_amp_scaling = True

        def step(self, closure=None):
            seen.append((float(self.grad_scale), float(self.found_inf)))

    p = nn.Parameter(torch.ones(2))
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    optimizer = Scaling([p], lr=0.1)
    scaler.scale(p.sum()).backward()
    scaler.step(optimizer)
    assert seen == [(8.0, 0.0)]
    assert torch.equal(p.grad, torch.full((2,), 8.0))


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("add", ([1.0, 2.0],), [5.0, 11.0]),
        ("sub", ([1.0, 2.0],), [3.0, 7.0]),
        ("mul", ([2.0, 3.0],), [8.0, 27.0]),
        ("div", ([2.0, 3.0],), [2.0, 3.0]),
    ],
)
def test_a_foreach_operation_takes_a_number_for_each_tensor(name, arguments, expected):
    tensors = [torch.tensor(4.0), torch.tensor(9.0)]
    getattr(torch, f"_foreach_{name}_")(tensors, *arguments)
    assert [float(x) for x in tensors] == expected


def test_foreach_operations_compute_as_their_names_say():
    def make():
        return [torch.tensor(4.0), torch.tensor(9.0)]

    one, two = [torch.tensor(1.0)] * 2, [torch.tensor(2.0)] * 2
    x = make()
    torch._foreach_lerp_(x, one, 0.5)
    assert [float(v) for v in x] == [2.5, 5.0]
    x = make()
    torch._foreach_addcmul_(x, two, two, 0.5)
    assert [float(v) for v in x] == [6.0, 11.0]
    x = make()
    torch._foreach_addcdiv_(x, two, [torch.tensor(4.0)] * 2, [-2.0, -4.0])
    assert [float(v) for v in x] == [3.0, 7.0]
    x = make()
    torch._foreach_addcdiv_(x, two, [torch.tensor(4.0)] * 2)
    assert [float(v) for v in x] == [4.5, 9.5]
    x = make()
    torch._foreach_maximum_(x, [torch.tensor(5.0)] * 2)
    assert [float(v) for v in x] == [5.0, 9.0]
    assert [float(v) for v in torch._foreach_sqrt(make())] == [2.0, 3.0]
    assert [float(v) for v in torch._foreach_neg(make())] == [-4.0, -9.0]
    assert [float(v) for v in torch._foreach_add(make(), two, alpha=3.0)] == [10.0, 15.0]


def test_a_foreach_sum_takes_a_tensor_and_its_factor():
    steps = [torch.tensor(1.0), torch.tensor(4.0)]
    torch._foreach_add_(steps, kernels.ONE, alpha=1)
    assert [float(t) for t in steps] == [2.0, 5.0]


def test_operations_of_a_tensor_class_without_torch_function_give_plain_tensors():
    value = torch.arange(3.0).as_subclass(slices.PerSlice)
    assert type(value) is slices.PerSlice
    assert type(value * 2) is torch.Tensor
    assert type(value.clone()) is torch.Tensor


def test_empty_like_keeps_the_strides_of_dense_tensors_only():
    dense, holes = torch.empty(2, 3, 4).permute(2, 0, 1), torch.empty(4, 6)[:, ::2]
    assert torch.empty_like(dense).stride() == dense.stride()
    assert torch.empty_like(holes).stride() != holes.stride()


def test_vmap_warns_of_an_operation_that_it_runs_one_by_one():
    """``bench.stack.stackable`` knows it by these words."""
    with pytest.warns(UserWarning, match="batching rule"):
        vmap(torch.histc)(torch.rand(2, 3))


def test_vmap_refuses_what_depends_on_a_value():
    with pytest.raises(RuntimeError, match="vmap"):
        vmap(lambda x: x.sum() if x.sum() > 0 else x.mean())(torch.ones(2, 3))


def test_vmap_draws_other_dropout_for_each_slice():
    dropout = vmap(lambda x: nn.functional.dropout(x, 0.5), randomness="different")
    first, second = dropout(torch.ones(2, 64))
    assert not torch.equal(first, second)


def test_the_gradient_of_a_stacked_weight_comes_transposed():
    """``StackedModel.lay_out`` orders the memory of the weights by it."""
    layer, inputs = nn.Linear(3, 5), torch.rand(2, 4, 3)
    weights = torch.rand(2, 5, 3, requires_grad=True)
    bias = torch.zeros(2, 5)

    def loss(weight, b, x):
        return functional_call(layer, {"weight": weight, "bias": b}, (x,)).square().sum()

    (gradient,) = torch.autograd.grad(vmap(loss)(weights, bias, inputs).sum(), [weights])
    assert gradient.stride() == (15, 1, 5)


def test_a_functional_call_writes_buffers_into_what_it_is_given():
    layer = nn.BatchNorm1d(3)
    buffers = {name: value.clone() for name, value in layer.named_buffers()}
    functional_call(layer, (dict(layer.named_parameters()), buffers), (torch.rand(8, 3),))
    assert buffers["running_mean"].any()
    assert not layer.running_mean.any()


def test_a_layer_that_does_not_track_leaves_its_running_statistics():
    layer = nn.BatchNorm1d(3)
    layer.track_running_stats = False
    layer(torch.rand(8, 3))
    assert not layer.running_mean.any()
    assert layer.num_batches_tracked == 0


def test_a_second_order_graph_is_warned_of_by_these_words():
    """``bench.trial.trainer`` silences it by them."""
    p = torch.ones(2, requires_grad=True)
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # else it warns once a process
    try:
        with pytest.warns(UserWarning, match=r"create_graph=True"):
            (p**2).sum().backward(create_graph=True)
    finally:
        torch.set_warn_always(before)
        p.grad = None


def test_a_schedule_knows_a_step_that_was_wrapped():
    """``functools.wraps`` carries torch's mark on, so that nothing is warned of."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=1.0)
    schedule = LambdaLR(optimizer, lambda step: 1.0)
    step = optimizer.step
    optimizer.step = functools.wraps(step)(lambda closure=None: step())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step()
        schedule.step()


def test_a_schedule_multiplies_the_initial_rate_by_its_factor():
    """``bench.stack.optimizers`` tabulates the rates of a stack by it."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.3)
    schedule = LambdaLR(optimizer, lambda step: 1 / (1 + step))
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    (factor,) = schedule.lr_lambdas
    initial = optimizer.param_groups[0]["initial_lr"]
    assert rates == [initial * factor(step) for step in range(4)]


@pytest.mark.parametrize("path", [path for path in FUSIONS if path.startswith("torch.")])
def test_an_optimizer_has_no_option_that_its_fusion_does_not_know(path):
    """A new one would silently train the trials of a stack one by one."""
    module, _, name = path.rpartition(".")
    model = nn.Linear(2, 1)
    kind = getattr(importlib.import_module(module), name)
    assert issubclass(kind, Optimizer)
    assert compute_fusion_key(kind(model.parameters(), lr=0.1), model, ()) is not None


def test_a_loader_asks_a_data_set_for_a_whole_batch():
    """``__getitems__`` is looked for by torch's fetcher."""

    class Whole(Dataset):
        def __getitems__(self, rows):
            return torch.tensor(rows)

    batches = DataLoader(Whole(), batch_sampler=iter([[0, 2], [1]]), collate_fn=lambda x: x)
    assert [batch.tolist() for batch in batches] == [[0, 2], [1]]


def test_saved_tensors_are_seen_by_a_hook():
    """``bench.stack.probe`` adds their sizes up."""
    seen = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: seen.append(x) or x, lambda x: x):
        (torch.ones(5, requires_grad=True) ** 2).sum()
    assert sum(x.nbytes for x in seen) == 20


def test_running_statistics_are_recomputed_from_a_list_of_inputs():
    assert list(inspect.signature(torch.optim.swa_utils.update_bn).parameters)[:2] == [
        "loader",
        "model",
    ]
    layer, batches = nn.BatchNorm1d(3), [torch.rand(8, 3), torch.rand(8, 3)]
    torch.optim.swa_utils.update_bn(batches, layer)
    torch.testing.assert_close(layer.running_mean, torch.stack(batches).mean(dim=(0, 1)))
    assert layer.momentum == 0.1
