"""What a linear model reaches on a task: scikit-learn's, of at most ``MOST`` training examples.

Images: logistic regression of all pixels. Texts: of TF-IDF over single tokens. Segmentation: of
each pixel alone. Language modelling: the table of which byte follows which, of the whole split.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import Tensor

from tasks.base import Task
from tasks.segmentation import IGNORED

MOST, PIXELS, ITERATIONS = 5_000, 50_000, 100
UNSEEN = -30.0
"""Logit of a class that none of these examples has."""
CPU = torch.device("cpu")

Predict = Callable[[Tensor], Tensor]
"""Inputs as a model takes them, to outputs as it returns them."""


def _fit_images(task: Task, inputs: Tensor, targets: Tensor) -> Predict:
    model = _fit_logistic(inputs.flatten(1).numpy(), targets.numpy())
    return lambda images: _compute_logits(model, images.flatten(1).numpy(), task)


def _fit_texts(task: Task, inputs: Tensor, targets: Tensor) -> Predict:
    size = int(task.dataset.vocabulary_size or 0)
    model = _fit_logistic(_count_tokens(inputs, size), targets.numpy(), TfidfTransformer())
    return lambda tokens: _compute_logits(model, _count_tokens(tokens, size), task)


def _fit_pixels(task: Task, inputs: Tensor, targets: Tensor) -> Predict:
    pixels, labels = _flatten_pixels(inputs), targets.flatten().numpy()
    known = np.flatnonzero(labels != IGNORED)
    chosen = known[:: max(1, len(known) // PIXELS)]
    model = _fit_logistic(pixels[chosen], labels[chosen])

    def predict(images: Tensor) -> Tensor:
        count, _, height, width = images.shape
        logits = _compute_logits(model, _flatten_pixels(images), task)
        return logits.view(count, height, width, -1).permute(0, 3, 1, 2)

    return predict


def _fit_bytes(task: Task, inputs: Tensor, targets: Tensor) -> Predict:
    size = int(task.dataset.vocabulary_size or 0)
    pairs = inputs.flatten().long() * size + targets.flatten().long()
    counts = torch.bincount(pairs, minlength=size**2).view(size, size) + 1.0
    table = (counts / counts.sum(dim=1, keepdim=True)).log()
    return lambda windows: table[windows.long()]


KINDS: Mapping[str, tuple[Callable[[Task, Tensor, Tensor], Predict], int | None]] = {
    "images": (_fit_images, MOST),
    "tokens": (_fit_texts, MOST),
    "pixels": (_fit_pixels, MOST),
    "bytes": (_fit_bytes, None),
}
"""By what a task feeds its models: the linear model, and how many examples it is made of."""


def fit_linear(task: Task) -> Predict | None:
    """A linear model of the training split; None for inputs or outputs of another kind."""
    if task.inputs not in KINDS or task.guess(1) is None:
        return None
    fit, most = KINDS[task.inputs]
    inputs, targets = task.tensors("train", CPU)
    count = min(most or len(targets), len(targets))
    rows = torch.arange(count) * len(targets) // count  # evenly: some files are sorted by class
    return fit(task, inputs[rows], targets[rows])


def _fit_logistic(features: Any, labels: np.ndarray, *before: Any) -> Any:
    model = make_pipeline(*before, LogisticRegression(max_iter=ITERATIONS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # so many iterations, and no more
        return model.fit(features, labels)


def _compute_logits(model: Any, features: Any, task: Task) -> Tensor:
    scores = torch.tensor(model.decision_function(features)).float()
    if scores.dim() == 1:  # two classes: how much more the second
        scores = torch.stack((torch.zeros_like(scores), scores), dim=1)
    found = torch.full((features.shape[0], len(task.dataset.classes)), UNSEEN)
    found[:, torch.tensor(model.classes_).long()] = scores
    return found


def _count_tokens(tokens: Tensor, size: int) -> csr_matrix:
    """How often each token occurs in each text, ``[N, size]``; padding does not count."""
    rows = torch.arange(len(tokens)).repeat_interleave(tokens.shape[1])
    known = tokens.flatten() != 0
    where = rows[known].numpy(), tokens.flatten()[known].numpy()
    return csr_matrix((np.ones(len(where[0])), where), shape=(len(tokens), size))


def _flatten_pixels(images: Tensor) -> np.ndarray:
    """``[N, C, H, W]`` to ``[N·H·W, C]``."""
    return images.permute(0, 2, 3, 1).reshape(-1, images.shape[1]).numpy()
