"""``torch.compile(optimizer.step)`` gives what the step gives, whichever kernel it would take."""

import shutil

import pytest
import torch

from bench.optimizers.adam import Adam

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a C++ compiler"),
    pytest.mark.filterwarnings("ignore"),  # the compiler's own
]


def parameters_after(compiled, **options):
    torch.manual_seed(0)
    torch._dynamo.reset()
    parameters = [torch.nn.Parameter(torch.randn(shape)) for shape in ((4, 3), (3,))]
    optimizer = Adam(parameters, lr=0.01, **options)
    step = torch.compile(optimizer.step) if compiled else optimizer.step
    for _ in range(6):
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape)
        step()
    return [parameter.detach().clone() for parameter in parameters]


@pytest.mark.parametrize(
    "options",
    [{}, {"fused": True}, {"foreach": True}, {"implementation": "reference"}, {"amsgrad": True}],
)
def test_a_compiled_step_equals_the_eager_one(options):
    pairs = zip(parameters_after(True, **options), parameters_after(False, **options), strict=True)
    for compiled, eager in pairs:
        torch.testing.assert_close(compiled, eager, rtol=1e-5, atol=1e-6)
