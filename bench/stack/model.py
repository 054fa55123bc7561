"""K models of one architecture as one: every parameter and buffer with a new first axis of size K.

``torch.func.vmap`` runs the shared forward pass for all of them. What happens to one slice cannot
reach another: no operation under ``vmap`` mixes entries of the first axis, and so the gradient of
the *sum* of the K losses is each trial's own gradient, side by side.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from bench.trial.evaluation import added
from tasks.base import Task

Gradients = dict[str, Tensor | None]
"""By parameter name: ``[K, ...]``, contiguous; None for a parameter that the loss does not use."""


class StackedModel:
    """The parameters and buffers of K models, whose own tensors become views of their slices.

    Args:
        models: of one architecture, on one device; different numbers.
        task: what they learn.

    Attributes:
        trained: parameters that take gradients, ``[K, ...]`` by name.
        fixed: other parameters, and buffers, ``[K, ...]`` by name; a forward pass may write them.
    """

    def __init__(self, models: Sequence[nn.Module], task: Task) -> None:
        self.task = task
        self.size = len(models)
        self._forward = copy.deepcopy(models[0])  # its structure; its numbers are never used
        tensors = [dict(model.named_parameters()) | dict(model.named_buffers()) for model in models]
        self.trained: dict[str, Tensor] = {}
        self.fixed: dict[str, Tensor] = {}
        for name, first in tensors[0].items():
            whole = torch.stack([own[name].detach() for own in tensors])
            if first.requires_grad:
                self.trained[name] = whole.requires_grad_()
            else:
                self.fixed[name] = whole
        self._own = tensors
        for name in tensors[0]:
            self._hand_out(name)
        self._losses = vmap(self._loss, randomness="different")
        self._sums = vmap(self._sum, in_dims=(0, 0, None, None), randomness="different")

    def slices(self, name: str) -> Tensor:
        """A parameter or buffer of all K, ``[K, ...]``, to be written without a gradient."""
        whole = self.trained[name] if name in self.trained else self.fixed[name]
        return whole.detach()

    def _hand_out(self, name: str) -> None:
        for slot, own in enumerate(self._own):
            own[name].data = self.slices(name)[slot]

    def lay_out(self, inputs: Tensor, targets: Tensor) -> None:
        """Give each matrix the memory order of its gradient, which then is never copied.

        Under ``vmap`` the gradient of a linear layer's weight comes transposed. To be called before
        anything is made of the parameters; no number changes.

        Args:
            inputs, targets: some examples for each trial.
        """
        fixed = {name: tensor.clone() for name, tensor in self.fixed.items()}
        self._forward.train()
        with torch.random.fork_rng():
            losses = self._losses(self.trained, fixed, inputs, targets)
        found = torch.autograd.grad(losses.sum(), list(self.trained.values()), allow_unused=True)
        for (name, whole), gradient in zip(list(self.trained.items()), found, strict=True):
            if gradient is not None and whole.dim() == 3:
                ordered = torch.empty_like(gradient)  # in the gradient's order
                self.trained[name] = ordered.copy_(whole.detach()).requires_grad_()
                self._hand_out(name)

    def losses(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Training loss of each trial on its own batch: ``[K, B, ...]``, ``[K, B]`` to ``[K]``."""
        self._forward.train()
        losses: Tensor = self._losses(self.trained, self.fixed, inputs, targets)
        return losses

    def gradients(self, losses: Tensor) -> Gradients:
        """The gradient of each trial's loss in its parameters' memory order.

        torch's fused optimizers walk memory without looking at strides: a gradient in another
        order than its parameter would be applied to the wrong entries.
        """
        found = torch.autograd.grad(losses.sum(), list(self.trained.values()), allow_unused=True)
        return {
            name: None if gradient is None else _in_order_of(p, gradient)
            for (name, p), gradient in zip(self.trained.items(), found, strict=True)
        }

    @torch.no_grad()
    def evaluate(self, split: str, device: torch.device, batch: int) -> dict[str, Tensor]:
        """Each metric over a split for each trial, ``[K]`` float64 on the CPU.

        The twin of ``bench.trial.evaluation.evaluate``; all trials see the same ``batch`` examples
        at once.
        """
        inputs, targets = self.task.tensors(split, device)
        parts = (slice(start, start + batch) for start in range(0, len(targets), batch))
        totals = added(self.sums(inputs[part], targets[part]) for part in parts)
        return {
            f"{split}/{name}": v.cpu() for name, v in self.metrics(totals, len(targets)).items()
        }

    def metrics(self, sums: dict[str, Tensor], count: int) -> dict[str, Tensor]:
        """The task's metrics from the sums of each trial, ``[K, ...]`` to ``[K]`` by name."""
        found: dict[str, Tensor] = vmap(lambda own: self.task.metrics(own, count))(sums)
        return found

    @torch.no_grad()
    def sums(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The task's sums over examples that all trials share, ``[K, ...]`` by name."""
        self._forward.eval()
        found: dict[str, Tensor] = self._sums(self.trained, self.fixed, inputs, targets)
        return found

    @torch.no_grad()
    def finite_parameters(self) -> Tensor:
        """Whether all parameters of a trial are finite: ``[K]``, bool, on the CPU."""
        names = [name for name, _ in self._forward.named_parameters()]
        finite = [_rows(torch.isfinite(self.slices(name))).all(dim=1) for name in names]
        return torch.stack(finite).all(dim=0).cpu()

    def _loss(
        self, trained: dict[str, Tensor], fixed: dict[str, Tensor], x: Tensor, y: Tensor
    ) -> Tensor:
        return self.task.loss(functional_call(self._forward, (trained, fixed), (x,)), y)

    def _sum(
        self, trained: dict[str, Tensor], fixed: dict[str, Tensor], x: Tensor, y: Tensor
    ) -> dict[str, Tensor]:
        return self.task.sums(functional_call(self._forward, (trained, fixed), (x,)), y)


@torch.no_grad()
def clip_slices(gradients: Gradients, norms: Tensor) -> None:
    """Scale each trial's whole gradient to a 2-norm of at most its entry of ``norms``, in place.

    Args:
        norms: ``[K]``; infinite where a trial does not clip.

    The twin of ``bench.trial.update.clip``.
    """
    present = [gradient for gradient in gradients.values() if gradient is not None]
    each = torch.stack([_rows(gradient).norm(dim=1) for gradient in present])  # [n, K]
    factor = (norms / (each.norm(dim=0) + 1e-6)).clamp(max=1.0)
    factor = torch.where(norms.isinf(), torch.ones_like(factor), factor)
    for gradient in present:
        gradient.mul_(factor.view(-1, *[1] * (gradient.dim() - 1)))


def _in_order_of(p: Tensor, gradient: Tensor) -> Tensor:
    if gradient.stride() == p.stride():
        return gradient
    return torch.empty_like(p, requires_grad=False).copy_(gradient)


def _rows(stacked: Tensor) -> Tensor:
    """``[K, ...]`` as ``[K, n]``; of a scalar, n = 1."""
    return stacked.reshape(len(stacked), -1)
