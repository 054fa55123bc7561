"""Adam on a CUDA device, beside torch's own and beside itself on the host."""

from copy import deepcopy

import pytest
import torch

from bench.optimizers.adam import Adam

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
K = 5
SPREAD = torch.linspace(0.5, 1.0, K, dtype=torch.float64)
SLICES = {
    "lr": {"lr": SPREAD * 1e-2},
    "lr, decay": {"lr": SPREAD * 1e-2, "weight_decay": SPREAD * 1e-1},
    "all": {
        "lr": SPREAD * 1e-2,
        "betas": (SPREAD * 0.9, SPREAD * 0.999),
        "eps": SPREAD * 1e-6,
        "weight_decay": SPREAD * 1e-1,
    },
}
SWITCHES = [
    {},
    {"amsgrad": True},
    {"decoupled_weight_decay": True},
    {"bias_correction": False},
    {"eps_inside_root": True},
    {"maximize": True},
]


def stacks(device):
    generator = torch.Generator().manual_seed(0)
    shapes = [(K, 3, 2), (K, 4)]
    return [torch.nn.Parameter(torch.randn(s, generator=generator).to(device)) for s in shapes]


def train(params, optimizer, steps=8):
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator).to(p.device)
        optimizer.step()


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
@pytest.mark.parametrize("sliced", SLICES)
def test_slices_on_the_device_are_those_of_the_host(sliced, switches):
    host, device = stacks("cpu"), stacks("cuda")
    for params in (host, device):
        train(params, Adam(params, **deepcopy(SLICES[sliced]), **switches))
    for p, q in zip(host, device, strict=True):
        torch.testing.assert_close(q.detach().cpu(), p.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("switches", [{}, {"amsgrad": True}, {"weight_decay": 0.1}], ids=str)
def test_fused_is_torchs_to_the_last_bit(switches):
    mine, theirs = stacks("cuda"), stacks("cuda")
    train(mine, Adam(mine, **switches))
    train(theirs, torch.optim.Adam(theirs, fused=True, **switches))
    for p, q in zip(mine, theirs, strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize("sliced", SLICES)
def test_a_captured_step_goes_on_counting(sliced):
    alone, captured = stacks("cuda"), stacks("cuda")
    plain = Adam(alone, **deepcopy(SLICES[sliced]), capturable=True)
    ours = Adam(captured, **deepcopy(SLICES[sliced]), capturable=True)
    for p in captured:
        p.grad = torch.ones_like(p)
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        ours.step()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        ours.step()
    for _ in range(5):
        graph.replay()
    for p in alone:
        p.grad = torch.ones_like(p)
    for _ in range(6):
        plain.step()
    for p, q in zip(alone, captured, strict=True):
        torch.testing.assert_close(p, q)
