"""K models as one: how their parameters lie in memory."""

import torch

from bench.build import components
from bench.stack.model import StackedModel
from tests.helpers.stack_cases import MODELS, case


def stack(model, seeds=(0, 1, 2)):
    task = components.load_task(case(model))
    made = []
    for seed in seeds:
        torch.manual_seed(seed)
        made.append(components.build_model(MODELS[model], task))
    inputs, targets = task.tensors("train", torch.device("cpu"))
    rows = torch.arange(4 * len(seeds)).view(len(seeds), 4)
    return StackedModel(made, task), made, (inputs[rows], targets[rows])


def test_matrices_lie_as_their_gradients_do_and_hold_the_same_numbers():
    laid, models, batch = stack("mlp")
    plain, _, _ = stack("mlp")
    laid.lay_out(*batch)
    expected = plain.compute_gradients(plain.compute_losses(*batch))
    found = torch.autograd.grad(laid.compute_losses(*batch).sum(), list(laid.trained.values()))
    for (name, p), gradient in zip(laid.trained.items(), found, strict=True):
        assert torch.equal(p, plain.trained[name])
        assert gradient.stride() == p.stride(), name
        torch.testing.assert_close(gradient, expected[name])
        for slot, model in enumerate(models):
            own = model.get_parameter(name)
            assert own.data_ptr() == laid.get_slices(name)[slot].data_ptr()
    assert any(not p.is_contiguous() for p in laid.trained.values())


def test_laying_out_leaves_statistics_and_random_numbers_alone():
    for model in ("normalised", "dropout"):
        laid, _, batch = stack(model)
        before = {name: tensor.clone() for name, tensor in laid.fixed.items()}
        torch.manual_seed(7)
        laid.lay_out(*batch)
        after = torch.rand(3)
        torch.manual_seed(7)
        assert torch.equal(after, torch.rand(3))
        assert all(torch.equal(laid.fixed[name], before[name]) for name in before)
