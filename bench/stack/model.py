"""K models of one architecture as one: every parameter and buffer with a new first axis of size K.

``torch.func.vmap`` runs the shared forward pass for all of them. No operation under ``vmap`` mixes
entries of the first axis, so one slice cannot reach another. The gradient of the *sum* of the K
losses is therefore each trial's own gradient, side by side.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from bench.trial.evaluation import add_sums
from tasks.base import Task

Gradients = dict[str, Tensor | None]
"""By parameter name: ``[K, ...]``, contiguous; None for a parameter that the loss does not use."""


class StackedModel:
    """The parameters and buffers of K models, whose own tensors become views of their slices.

    Args:
        models: of one architecture, on one device.
        task: learned by all models.

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
            whole = torch.stack([tensor[name].detach() for tensor in tensors])
            if first.requires_grad:
                self.trained[name] = whole.requires_grad_()
            else:
                self.fixed[name] = whole
        self._tensors = tensors
        for name in tensors[0]:
            self._share_slices(name)
        self._losses = vmap(self._loss, randomness="different")
        self._sums = vmap(self._sum, in_dims=(0, 0, None, None), randomness="different")

    def get_slices(self, name: str) -> Tensor:
        """Return a parameter or buffer of all K, ``[K, ...]``, to be written without a gradient."""
        whole = self.trained[name] if name in self.trained else self.fixed[name]
        return whole.detach()

    def _share_slices(self, name: str) -> None:
        for slot, tensors in enumerate(self._tensors):
            tensors[name].data = self.get_slices(name)[slot]

    def lay_out(self, inputs: Tensor, targets: Tensor) -> None:
        """Give each matrix the memory order of its gradient, which then is never copied.

        Under ``vmap`` the gradient of a linear layer's weight comes transposed. Call this before
        the parameters are used; no number changes.

        Args:
            inputs, targets: some examples for each trial.
        """
        fixed = {name: tensor.clone() for name, tensor in self.fixed.items()}
        self._forward.train()
        with torch.random.fork_rng():
            losses = self._losses(self.trained, fixed, inputs, targets)
        grads = torch.autograd.grad(losses.sum(), list(self.trained.values()), allow_unused=True)
        for (name, whole), gradient in zip(list(self.trained.items()), grads, strict=True):
            if gradient is not None and whole.dim() == 3:
                ordered = torch.empty_like(gradient)  # in the gradient's order
                self.trained[name] = ordered.copy_(whole.detach()).requires_grad_()
                self._share_slices(name)

    def compute_losses(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute each trial's loss on its batch: ``[K, B, ...]``, ``[K, B]`` to ``[K]``."""
        self._forward.train()
        losses: Tensor = self._losses(self.trained, self.fixed, inputs, targets)
        return losses

    def compute_gradients(self, losses: Tensor) -> Gradients:
        """Compute the gradient of each trial's loss, in its parameters' memory order.

        torch's fused optimizers ignore strides. They would apply a gradient in another order than
        its parameter to the wrong entries.
        """
        grads = torch.autograd.grad(losses.sum(), list(self.trained.values()), allow_unused=True)
        return {
            name: None if gradient is None else _match_memory_order(p, gradient)
            for (name, p), gradient in zip(self.trained.items(), grads, strict=True)
        }

    @torch.no_grad()
    def evaluate(self, split: str, device: torch.device, batch: int) -> dict[str, Tensor]:
        """Measure each metric over a split for each trial, ``[K]`` float64 on the CPU.

        The twin of ``bench.trial.evaluation.evaluate``; ``batch`` examples make one pass.
        """
        inputs, targets = self.task.tensors(split, device)
        parts = (slice(start, start + batch) for start in range(0, len(targets), batch))
        totals = add_sums(self.compute_sums(inputs[part], targets[part]) for part in parts)
        return {
            f"{split}/{name}": v.cpu()
            for name, v in self.compute_metrics(totals, len(targets)).items()
        }

    def compute_metrics(self, sums: dict[str, Tensor], count: int) -> dict[str, Tensor]:
        """Compute the metrics from the sums of each trial, ``[K, ...]`` to ``[K]`` by name."""
        metrics: dict[str, Tensor] = vmap(lambda sums: self.task.metrics(sums, count))(sums)
        return metrics

    @torch.no_grad()
    def compute_sums(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Compute the task's sums over examples that all trials share, ``[K, ...]`` by name."""
        self._forward.eval()
        sums: dict[str, Tensor] = self._sums(self.trained, self.fixed, inputs, targets)
        return sums

    @torch.no_grad()
    def has_finite_parameters(self) -> Tensor:
        """Check that all parameters of each trial are finite: ``[K]``, bool, on the CPU."""
        names = [name for name, _ in self._forward.named_parameters()]
        finite = [
            _flatten_slices(torch.isfinite(self.get_slices(name))).all(dim=1) for name in names
        ]
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

    The twin of ``bench.trial.update.clip_gradients``.

    Args:
        norms: ``[K]``; infinite where a trial does not clip.
    """
    present = [gradient for gradient in gradients.values() if gradient is not None]
    each = torch.stack([_flatten_slices(gradient).norm(dim=1) for gradient in present])  # [n, K]
    factor = (norms / (each.norm(dim=0) + 1e-6)).clamp(max=1.0)
    factor = torch.where(norms.isinf(), torch.ones_like(factor), factor)
    for gradient in present:
        gradient.mul_(factor.view(-1, *[1] * (gradient.dim() - 1)))


def _match_memory_order(p: Tensor, gradient: Tensor) -> Tensor:
    if gradient.stride() == p.stride():
        return gradient
    return torch.empty_like(p, requires_grad=False).copy_(gradient)


def _flatten_slices(stacked: Tensor) -> Tensor:
    """Reshape ``[K, ...]`` to ``[K, n]``; n = 1 for a scalar."""
    return stacked.reshape(len(stacked), -1)
