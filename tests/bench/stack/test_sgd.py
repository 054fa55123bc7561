"""Stacked gradient descent against torch's, slice by slice."""

import itertools

import pytest
import torch

from bench.stack.sgd import StackedSGD

MOMENTA, DECAYS, LRS = (0.0, 0.9), (0.0, 0.01), (0.1, 0.5)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("maximize", [False, True])
def test_equals_torch_slice_by_slice(nesterov, maximize):
    torch.manual_seed(0)
    points = [p for p in itertools.product(LRS, MOMENTA, DECAYS) if p[1] or not nesterov]
    start = torch.randn(len(points), 3, 2, dtype=torch.float64)
    stacked = start.clone().requires_grad_()
    lr, momentum, decay = torch.tensor(points, dtype=torch.float64).unbind(dim=1)
    ours = StackedSGD([stacked], lr, momentum, decay, nesterov, maximize)
    alone = [row.clone().requires_grad_() for row in start]
    theirs = [
        torch.optim.SGD([p], lr, m, weight_decay=d, nesterov=nesterov, maximize=maximize)
        for p, (lr, m, d) in zip(alone, points, strict=True)
    ]
    for step in range(5):
        gradient = torch.randn_like(start)
        stacked.grad = gradient if step != 2 else None
        ours.step()
        for slot, (p, optimizer) in enumerate(zip(alone, theirs, strict=True)):
            p.grad = gradient[slot].clone() if step != 2 else None
            optimizer.step()
    torch.testing.assert_close(stacked.detach(), torch.stack(alone).detach(), rtol=1e-12, atol=0)


def test_one_number_for_all_slices():
    p, q = torch.ones(2, 3, requires_grad=True), torch.ones(2, 3, requires_grad=True)
    p.grad, q.grad = torch.full((2, 3), 2.0), torch.full((2, 3), 2.0)
    StackedSGD([p], lr=0.1, momentum=0.9).step()
    torch.optim.SGD([q], lr=0.1, momentum=0.9).step()
    assert torch.equal(p, q)
