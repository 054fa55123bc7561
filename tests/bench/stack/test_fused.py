"""Stacked optimizers against their originals, slice by slice."""

import itertools

import pytest
import pytorch_optimizer as library
import torch

from bench.stack.fusion import FUSIONS, compute_fusion_key, find_fusion, merge_values

BETAS, LRS = [(0.9, 0.99), (0.8, 0.999)], [0.01, 0.03]
DECAYS = [0.0, 0.1]
OTHERS = {
    torch.optim.SGD: [{"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}, {"momentum": 0.0}],
    torch.optim.RMSprop: [
        {"alpha": 0.9},
        {"alpha": 0.95, "momentum": 0.9, "eps": 1e-6},
        {"alpha": 0.9, "centered": True},
    ],
    torch.optim.Adagrad: [
        {"lr_decay": 0.0},
        {"lr_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-6},
    ],
    torch.optim.Adadelta: [{"rho": 0.9}, {"rho": 0.5, "eps": 1e-4}],
    torch.optim.Adamax: [{"betas": betas} for betas in BETAS],
    torch.optim.NAdam: [
        *({"betas": betas, "momentum_decay": 1e-2} for betas in BETAS),
        {"decoupled_weight_decay": True},
    ],
    torch.optim.Adam: [{"betas": betas} for betas in BETAS],
    torch.optim.AdamW: [{"betas": betas, "eps": 1e-6} for betas in BETAS],
    library.Lion: [{"betas": betas} for betas in BETAS],
    library.SignSGD: [{"momentum": 0.9}, {"momentum": 0.5}],
    library.AdEMAMix: [
        {"betas": (0.9, 0.99, 0.999), "alpha": 5.0},
        {"betas": (0.8, 0.999, 0.99), "alpha": 2.0},
        {"weight_decouple": True},
    ],
    library.ScheduleFreeAdamW: [{"betas": betas, "r": 0.5} for betas in BETAS],
}
SWITCHES = ("nesterov", "centered", "decoupled_weight_decay", "weight_decouple")


def points(cls):
    """Hyperparameters in every combination, those of equal switches together."""
    every = [
        {"lr": lr, "weight_decay": decay, **other}
        for other, lr, decay in itertools.product(OTHERS[cls], LRS, DECAYS)
    ]
    by_switch = {}
    for point in every:
        by_switch.setdefault(str([point.get(name) for name in SWITCHES]), []).append(point)
    return list(by_switch.values())


def test_every_fusible_optimizer_is_held_to_its_original():
    ours = {name for name in FUSIONS if name.startswith("bench.")}  # tests/bench/optimizers/adam
    named = {f"{cls.__module__}.{cls.__qualname__}" for cls in OTHERS}
    assert named | ours == set(FUSIONS)


@pytest.mark.parametrize(
    ("cls", "alike"),
    [pytest.param(cls, alike, id=cls.__name__) for cls in OTHERS for alike in points(cls)],
)
def test_it_does_to_each_slice_what_the_original_does(cls, alike):
    torch.manual_seed(0)
    shapes = [(3, 2), (4,)]
    starts = [torch.randn(len(alike), *shape, dtype=torch.float64) for shape in shapes]
    apart = [
        [torch.nn.Parameter(start[at].clone()) for start in starts] for at in range(len(alike))
    ]
    originals = [cls(params, **point) for params, point in zip(apart, alike, strict=True)]
    kind = find_fusion(originals[0])
    groups = [one.param_groups[0] for one in originals]
    stacks = [torch.nn.Parameter(start.clone()) for start in starts]
    switches = {name: groups[0][name] for name in kind.switches if name in groups[0]}
    sliced = {
        name: merge_values([group[name] for group in groups]) for name in kind.hyperparameters
    }
    ours = kind.build([{"params": stacks, **sliced, **switches}])
    for _ in range(6):
        gradients = [torch.randn_like(start) for start in starts]
        for stack, gradient in zip(stacks, gradients, strict=True):
            stack.grad = gradient.clone()
        ours.step()
        for at, (params, original) in enumerate(zip(apart, originals, strict=True)):
            for p, gradient in zip(params, gradients, strict=True):
                p.grad = gradient[at].clone()
            original.step()
    for index, stack in enumerate(stacks):
        expected = torch.stack([params[index].detach() for params in apart])
        torch.testing.assert_close(stack.detach(), expected, rtol=1e-6, atol=1e-12)


def test_a_gradient_that_comes_and_goes_is_no_stack():
    p = torch.nn.Parameter(torch.ones(2, 3))
    original = torch.optim.Adagrad([torch.nn.Parameter(torch.ones(3))])
    group = {k: v for k, v in original.param_groups[0].items() if k != "params"}
    ours = find_fusion(original).build([{"params": [p], **group}])
    ours.step()
    p.grad = torch.ones_like(p)
    with pytest.raises(RuntimeError, match="in some steps only"):
        ours.step()


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (torch.optim.SGD, {"dampening": 0.1, "momentum": 0.9}),
        (torch.optim.SGD, {"maximize": True}),
        (torch.optim.RMSprop, {"capturable": True}),
        (torch.optim.Adam, {"lr": torch.tensor(0.1)}),
        (library.Lion, {"maximize": True}),
        (library.Lion, {"use_gc": True}),
        (library.AdEMAMix, {"t_alpha_beta3": 10}),
        (library.ScheduleFreeAdamW, {"warmup_steps": 3}),
        (torch.optim.Rprop, {}),
    ],
)
def test_options_that_the_stacked_one_lacks_keep_it_apart(cls, options):
    model = torch.nn.Linear(2, 2)
    assert compute_fusion_key(cls(model.parameters(), **options), model, ()) is None


def test_needs_are_met_or_keep_it_apart():
    model = torch.nn.Linear(2, 2)
    free = library.ScheduleFreeAdamW(model.parameters())
    assert compute_fusion_key(free, model, ("eval_mode",)) is not None
    assert compute_fusion_key(torch.optim.SGD(model.parameters()), model, ("closure",)) is None
