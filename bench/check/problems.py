"""What optimizers are tried on: one tiny model, with several losses over its parameters.

The model has every kind of parameter that a rule of ``bench.build.param_groups`` tells apart: an
embedding, hidden matrices, a kernel with 4 axes, vectors and an output layer, 142 numbers in all.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bench.spec import NotApplicable, OptimizerSpec
from tasks.landscapes import curvature, rosenbrock

EXAMPLES, BATCH, NOISY_STEPS = 32, 8, 64


class Problem(nn.Module):
    """Parameters and a loss.

    Attributes:
        step: how many updates were made; chooses the batch and the noise.
        muted: while true, ``spare`` and ``kernel`` take no part: their gradients are None.
    """

    goal: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.step = 0
        self.muted = False
        self.generator = torch.Generator().manual_seed(0)
        self.build()
        for parameter in self.parameters():
            draw = torch.randn(parameter.shape, generator=self.generator)
            parameter.data = 0.5 * draw + float(parameter.ndim < 2)
        size = sum(p.numel() for p in self.parameters())
        self.register_buffer("goal", torch.randn(size, generator=self.generator))
        self.prepare()
        del self.generator  # it can neither be copied nor pickled everywhere

    def build(self) -> None:
        """Make the layers. ``head`` comes last: rules take the last linear layer for the output."""
        self.embedding = nn.Embedding(6, 4)
        self.hidden = nn.Linear(4, 6)
        self.spare: nn.Module = nn.Linear(6, 6)
        self.kernel = nn.Conv2d(1, 2, 3, padding=1)
        self.norm = nn.LayerNorm(6)
        self.head = nn.Linear(6, 2)

    def prepare(self) -> None:
        """Start values and constants of a loss."""

    def weights(self) -> list[Tensor]:
        """What the loss depends on now: tensors of any shape."""
        named = self.named_parameters()
        out = ("spare.", "kernel.") if self.muted else ()
        return [parameter for name, parameter in named if not name.startswith(out)]

    def flat(self) -> Tensor:
        """All weights in one row, shape [n]."""
        return torch.cat([weight.flatten() for weight in self.weights()])

    def value(self) -> Tensor:
        """The loss that counts, a scalar; no noise."""
        raise NotImplementedError

    def loss(self) -> Tensor:
        """The loss whose gradient the optimizer sees at this step, a scalar."""
        return self.value()


class Parabola(Problem):
    """Half the squared distance to a random point."""

    def value(self) -> Tensor:
        flat = self.flat()
        return 0.5 * (flat - self.goal[: len(flat)]).square().sum()


class Scalar(Parabola):
    """A parabola with one more parameter, of no axes: a temperature, a gain."""

    def build(self) -> None:
        self.gain = nn.Parameter(torch.ones(()))
        super().build()


class Rosenbrock(Problem):
    """(1 − a)² + 100·(b − a²)² over pairs of neighbours, from its usual start (−1.2, 1).

    Over 100, so that learning rates of usual size are of use.
    """

    def prepare(self) -> None:
        for parameter in self.parameters():
            near = 0.05 * torch.randn(parameter.shape, generator=self.generator).flatten()
            start = torch.where(torch.arange(len(near)) % 2 == 0, -1.2, 1.0)
            parameter.data = (start + near).reshape(parameter.shape)

    def value(self) -> Tensor:
        flat = self.flat()
        a, b = flat[: len(flat) // 2 * 2].reshape(-1, 2).unbind(1)
        return rosenbrock(a, b).sum() / 100


class IllConditioned(Problem):
    """½·tr(Xᵀ A X) for each weight's distance X from a goal; A's eigenvalues are 1 … 10⁻³."""

    def prepare(self) -> None:
        self.curvatures = [curvature(len(weight), 1000) for weight in self.weights()]

    def value(self) -> Tensor:
        total = torch.zeros(())
        for weight, goal, a in zip(self.weights(), self.goals(), self.curvatures, strict=True):
            x = (weight - goal).reshape(len(weight), -1)
            total = total + 0.5 * (x * (a @ x)).sum()
        return total

    def goals(self) -> list[Tensor]:
        weights = self.weights()
        parts = self.goal.split([weight.numel() for weight in weights])
        return [part.reshape(w.shape) for part, w in zip(parts, weights, strict=True)]


class Network(Problem):
    """A network over four tokens, its squared error on batches, and noise that dies away.

    The noise is a linear term, so its gradient is the noise itself, the same at every point: an
    optimizer that evaluates twice in a step sees one and the same loss.
    """

    tokens: Tensor
    targets: Tensor
    noise: Tensor

    def prepare(self) -> None:
        tokens = torch.randint(6, (EXAMPLES, 4), generator=self.generator)
        noise = torch.randn(NOISY_STEPS, len(self.goal), generator=self.generator)
        noise *= 0.5 * 0.9 ** torch.arange(NOISY_STEPS)[:, None]
        self.register_buffer("tokens", tokens)
        self.register_buffer("targets", torch.randn(EXAMPLES, 2, generator=self.generator))
        self.register_buffer("noise", noise)

    def forward(self, tokens: Tensor) -> Tensor:
        """``tokens`` int64 [B, 4] to [B, 2]."""
        x = torch.tanh(self.hidden(self.embedding(tokens)))  # [B, 4, 6]
        if not self.muted:
            x = x + self.spare(x)
            x = x + self.kernel(x[:, None]).mean(1)
        return self.head(self.norm(x).mean(1))

    def error(self, tokens: Tensor, targets: Tensor) -> Tensor:
        return (self(tokens) - targets).square().mean()

    def value(self) -> Tensor:
        return self.error(self.tokens, self.targets)

    def loss(self) -> Tensor:
        batch = torch.arange(self.step * BATCH, (self.step + 1) * BATCH) % EXAMPLES
        flat = self.flat()
        noise = self.noise[self.step % NOISY_STEPS, : len(flat)]
        return self.error(self.tokens[batch], self.targets[batch]) + noise @ flat


class Rows(Parabola):
    """A parabola over the rows of two tables with sparse gradients; ``spare`` can be muted."""

    rows = (12, 8)
    width = 6

    def build(self) -> None:
        self.table = nn.Embedding(self.rows[0], self.width, sparse=True)
        self.spare: nn.Module = nn.Embedding(self.rows[1], self.width, sparse=True)

    def weights(self) -> list[Tensor]:
        tables = [self.table] if self.muted else [self.table, self.spare]
        return [table(torch.arange(n)) for table, n in zip(tables, self.rows, strict=False)]


class Large(Problem):
    """A parabola over a multi-layer perceptron's parameters, 64–256–256–10, with noise."""

    noise: Tensor

    def build(self) -> None:
        self.first = nn.Linear(64, 256)
        self.second = nn.Linear(256, 256)
        self.head = nn.Linear(256, 10)

    def prepare(self) -> None:
        self.register_buffer("noise", torch.randn(4, len(self.goal), generator=self.generator))

    def loss(self) -> Tensor:
        flat = self.flat()
        return 0.5 * flat.square().sum() + self.noise[self.step % 4] @ flat


class LargeRows(Rows):
    """The same with 85 248 numbers."""

    rows = (1000, 332)
    width = 64


def make_standard(spec: OptimizerSpec) -> Problem:
    """The network with noise, or tables where only those can be updated."""
    return Rows() if "sparse_gradients" in spec.needs else Network()


def make_large(spec: OptimizerSpec) -> Problem:
    """Enough numbers for their memory and time to be more than overhead."""
    return LargeRows() if "sparse_gradients" in spec.needs else Large()


def make_landscape(spec: OptimizerSpec, make: Callable[[], Problem]) -> Problem:
    """A problem for an optimizer.

    Raises:
        NotApplicable: the optimizer watches a model at work, or takes sparse gradients only.
    """
    if "model" in spec.needs and make is not Network:
        raise NotApplicable("is constructed from a model: a function of parameters is none")
    if "sparse_gradients" in spec.needs:
        if make is not Parabola:
            raise NotApplicable("updates sparse gradients only")
        return Rows()
    return make()
