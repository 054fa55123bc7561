"""A training loop of plain PyTorch, written without the harness, to hold the harness to.

It reads an optimizer's YAML by itself. Of optbench it takes the data, the model and the wrapper
functions that a YAML may name.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn

from tasks.data import digits
from tasks.image import ImageClassification
from tasks.models.image import MLP

CPU = torch.device("cpu")


def train_on_digits(
    path: Path, steps: int, batch_size: int = 32, seed: int = 0
) -> list[tuple[float, float]]:
    """Train an MLP by the optimizer of a YAML; return training and validation loss of each step."""
    settings = yaml.safe_load(path.read_text("utf-8"))
    declared = settings.pop("bench", {})
    needs = declared.get("needs", [])
    task = ImageClassification(digits.load(data_dir="", download=False))
    seed_all(seed)
    model = MLP(**task.model_arguments())
    optimizers = build(settings, declared, model)
    seed_all(seed)
    losses = []
    for inputs, targets in batches(*task.tensors("train", CPU), batch_size, steps, seed):
        first: list[float] = []

        def closure(
            inputs: Tensor = inputs, targets: Tensor = targets, seen: Any = first
        ) -> Tensor:
            model.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward(create_graph="create_graph" in needs)
            if "clip_norm" in declared:
                nn.utils.clip_grad_norm_(model.parameters(), declared["clip_norm"])
            seen.append(loss.item())
            return loss

        if "closure" not in needs:
            closure()
        for optimizer in optimizers:
            optimizer.step(*[closure] if {"closure", "two_gradients"} & set(needs) else [])
        losses.append((first[0], validation_loss(model, task, optimizers, needs)))
    return losses


def build(settings: dict[str, Any], declared: dict[str, Any], model: nn.Module) -> list[Any]:
    """The optimizer over the model; two of them where one takes hidden matrices alone."""
    needs, rule = declared.get("needs", []), declared.get("param_groups", "all")
    make, parameters = imported(settings), list(model.parameters())
    if "model" in needs:
        return [make(model)]
    if "named_parameters" in needs:
        return [make(list(model.named_parameters()))]
    if rule == "matrices":  # of the MLP: the first layer's weight, not the last one's
        hidden, *rest = parameters
        return [make([hidden]), imported(declared["rest"])(rest)]
    if rule == "no_decay_1d":
        weights = [p for p in parameters if p.ndim > 1]
        biases = [p for p in parameters if p.ndim == 1]
        optimizer = make([{"params": weights}, {"params": biases, "weight_decay": 0.0}])
    else:
        optimizer = make(parameters)
    if "eval_mode" in needs:
        optimizer.train()
    return [optimizer]


def imported(settings: dict[str, Any]) -> Any:
    """The constructor that a YAML names, with its arguments; ones that are constructors too."""
    arguments = {
        name: imported(value) if isinstance(value, dict) and "_target_" in value else value
        for name, value in settings.items()
        if name not in ("_target_", "_partial_")
    }
    tuples = {name: tuple(v) if isinstance(v, list) else v for name, v in arguments.items()}
    module, _, name = settings["_target_"].rpartition(".")
    return partial(getattr(importlib.import_module(module), name), **tuples)


def batches(
    inputs: Any, targets: Any, size: int, steps: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """A new order each epoch; what is left of it, less than a batch, is dropped."""
    generator = torch.Generator().manual_seed(seed)
    rows: list[Tensor] = []
    for _ in range(steps):
        if not rows:
            order = torch.randperm(len(targets), generator=generator)
            rows = [part for part in order.split(size) if len(part) == size]
        chosen = rows.pop(0)
        yield inputs[chosen], targets[chosen]


def validation_loss(
    model: nn.Module, task: ImageClassification, optimizers: list[Any], needs: list[str]
) -> float:
    """The mean loss over the validation split, where the optimizer wants to be evaluated."""
    inputs, targets = task.tensors("val", CPU)
    for optimizer in optimizers if "eval_mode" in needs else ():
        optimizer.eval()
    with torch.no_grad():
        loss = F.cross_entropy(model(inputs), targets).item()
    for optimizer in optimizers if "eval_mode" in needs else ():
        optimizer.train()
    return loss


def seed_all(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
