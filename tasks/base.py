"""What a task is: data ready for a model, a loss, and sums from which its metrics follow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tasks.augment.augmentation import Augment
from tasks.data.dataset import Dataset, InvalidData, Split
from tasks.data.io.mapped import is_large
from tasks.stored import Stored

Rows = Tensor | Stored
"""Inputs or targets of a split, ``[N, ...]``, by index or slice: in memory or on disk."""


class Task(ABC):
    """A family of tasks, e.g. image classification, on one data set.

    Stateless apart from its data: the trials of a sweep share one instance. A family implements
    `prepare`, `model_arguments`, `loss` and `sums`, and names its kind of input; `metrics` where
    they are more than sums over examples.

    Attributes:
        inputs: ``images`` or ``tokens``; a model's YAML names the same word.
        augment: random changes of training batches; None: they are as they are.
    """

    inputs: ClassVar[str]
    augment: Augment | None = None

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._on_device: dict[tuple[str, torch.device], tuple[Rows, Rows]] = {}

    def tensors(self, split: str, device: torch.device) -> tuple[Rows, Rows]:
        """A whole split on the device, ready for the model; made once, then shared by all trials.

        Args:
            split: ``train``, ``val`` or ``test``.

        Returns:
            Inputs and targets, both ``[N, ...]`` (see the family). Not to be written to. Those too
            large for memory stay on disk, and what is taken of them is on the device.
        """
        key = (split, device)
        if key not in self._on_device:
            examples: Split = getattr(self.dataset, split)
            on_disk = any(map(is_large, examples))

            def ready(prepare: Callable[[Split], Tensor]) -> Rows:
                if on_disk:
                    return Stored(examples, prepare, device)
                return prepare(examples).to(device)

            self._on_device[key] = ready(self.prepare), ready(self.prepare_targets)
        return self._on_device[key]

    @abstractmethod
    def prepare(self, examples: Split) -> Tensor:
        """The split's inputs as the model takes them, on the CPU."""

    def prepare_targets(self, examples: Split) -> Tensor:
        """The split's targets as the loss takes them, on the CPU.

        Whole numbers become int64, which torch's losses take, whatever was saved. A family with
        many targets an example keeps them small and widens them batch by batch.
        """
        targets = torch.tensor(examples.targets)
        if targets.is_floating_point() or targets.dtype is torch.bool:
            return targets
        return targets.long()

    @abstractmethod
    def model_arguments(self) -> dict[str, Any]:
        """What the data says about the model: keyword arguments of every model of this family."""

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """What training minimizes: the mean over the batch, a scalar."""

    @abstractmethod
    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What `metrics` are made of, added up over the batch: a tensor of any shape by name.

        Batches add up without rounding a mean.
        """

    def metrics(self, sums: dict[str, Tensor], count: int) -> dict[str, Tensor]:
        """The metrics of a whole split, scalars by name; one of them is the task's target metric.

        Args:
            sums: those of `sums` over all examples, float64.
            count: number of examples.

        The trials of a stack are measured at once: operations of torch, no ``float`` or ``item``.
        """
        return {name: total / count for name, total in sums.items()}

    def guess(self, count: int) -> Tensor | None:
        """Outputs ``[count, ...]`` of whoever knows how often each class occurs and sees no input.

        The least that a model has to beat. None: the outputs are no logits of classes.
        """
        return None


class Classification(Task):
    """Exactly one class for each example; the model returns logits ``[B, num_classes]``.

    Args:
        label_smoothing: share of a label that all classes get alike (arXiv:1512.00567), in what
            training minimizes; what is measured never has it.

    Raises:
        InvalidData: it is not a share.
    """

    def __init__(self, dataset: Dataset, label_smoothing: float = 0.0) -> None:
        super().__init__(dataset)
        if not 0 <= label_smoothing < 1:
            raise InvalidData(
                f"label_smoothing: {label_smoothing}; write 0 (off) to below 1, such as 0.1"
            )
        self.label_smoothing = label_smoothing

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy, in nats, of labels ``[B]`` or mixed ones ``[B, num_classes]``."""
        return F.cross_entropy(outputs, targets, label_smoothing=self.label_smoothing)

    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """``loss``: summed cross-entropy; ``accuracy``: number of examples classified correctly."""
        return {
            "loss": F.cross_entropy(outputs, targets, reduction="sum"),
            "accuracy": (outputs.argmax(dim=-1) == targets).sum(),
        }

    def guess(self, count: int) -> Tensor:
        """``[count, num_classes]``: log frequencies of the training split's classes."""
        shares = compute_log_frequencies(self.dataset.train.targets, len(self.dataset.classes))
        return shares.expand(count, -1)


def compute_log_frequencies(targets: np.ndarray, classes: int) -> Tensor:
    """Log share of each class, ``[classes]``, float32; one that never occurs counts as once."""
    counts = np.bincount(targets.reshape(-1), minlength=classes)[:classes]
    return torch.tensor(np.log(np.maximum(counts, 1) / max(1, counts.sum())), dtype=torch.float32)
