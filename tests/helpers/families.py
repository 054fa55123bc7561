"""One small task of each family, with a model of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.build import components
from bench.spec import Component, Target, TaskSpec, TrialSpec
from tests.helpers.specs import trial_spec

FAMILIES = {
    "image": (
        ("tasks.image.ImageClassification", "accuracy"),
        Component("", "tasks.data.digits.load"),
        Component("cnn", "tasks.models.image.CNN", {"channels": [4, 8], "hidden": 16}),
    ),
    "normalised": (
        ("tasks.image.ImageClassification", "accuracy"),
        Component("", "tasks.data.digits.load"),
        Component("normalised", "tests.helpers.stack_cases.Normalised"),
    ),
    "text": (
        ("tasks.text.TextClassification", "accuracy"),
        Component("", "tasks.data.langid.load"),
        Component(
            "transformer", "tasks.models.text.Transformer", {"dim": 16, "heads": 2, "layers": 1}
        ),
    ),
    "recurrent": (
        ("tasks.text.TextClassification", "accuracy"),
        Component("", "tasks.data.langid.load"),
        Component("gru", "tasks.models.text.GRU", {"dim": 4, "hidden": 8}),
    ),
    "segmentation": (
        ("tasks.segmentation.Segmentation", "miou"),
        Component("", "tests.helpers.own_tasks.patches"),
        Component("unet", "tasks.models.segmentation.UNet", {"channels": [4, 8]}),
    ),
    "language": (
        ("tasks.language.LanguageModelling", "bits_per_byte"),
        Component("", "tasks.data.text_lm.load", {"length": 12, "validation": 200}),
        Component("gpt", "tasks.models.language.GPT", {"dim": 16, "heads": 2, "layers": 1}),
    ),
    "autoencoding": (
        ("tasks.autoencoding.VariationalAutoencoding", "loss"),
        Component("", "tests.helpers.grey_images.load"),
        Component("vae", "tasks.models.autoencoder.VAE", {"hidden": 16}),
    ),
    "quadratic": (
        ("tasks.synthetic.NoisyQuadratic", "loss"),
        Component("", "tasks.data.noise.load", {"size": 5, "level": 0.1, "examples": 40}),
        Component("point", "tasks.models.synthetic.Point", {"spread": 0.1}),
    ),
    "landscape": (
        ("tasks.synthetic.Beale", "distance"),
        Component("", "tasks.data.noise.load", {"size": 2}),
        Component("point", "tasks.models.synthetic.Point", {"spread": 0.1}),
    ),
}
"""Class and metric of the task, data, and model."""

MAXIMIZED = ("accuracy", "miou")


def make_trial(family: str, folder: Path, **options: Any) -> TrialSpec:
    """Make a trial; files go to ``folder``, ``options`` are those of ``trial_spec``."""
    (target, metric), data, model = FAMILIES[family]
    if family == "language":
        text = folder / "text.txt"
        letters = np.random.default_rng(0).integers(97, 123, 4_000)
        text.write_bytes(letters.astype(np.uint8).tobytes())
        data = replace(data, arguments=dict(data.arguments) | {"path": str(text)})
    spec = trial_spec(**options)
    direction = "maximize" if metric in MAXIMIZED else "minimize"
    task = TaskSpec(family, target, data=data, target_metric=Target(metric, direction, None))
    loaded = components.load_dataset(family, data, spec.context.data_dir, spec.context.download)
    size = 1 if family == "landscape" else 8
    return replace(
        spec, task=task, model=model, batch_size=size, data_fingerprint=loaded.fingerprint
    )
