"""One small task of each family: a stack of its models computes what each computes alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.build import components
from bench.spec import Component, Target, TaskSpec, TrialSpec
from bench.stack.run import run_stack
from bench.stack.stackable import explain_unstackable
from bench.trial.run import run_trial
from tasks.data.dataset import Dataset, Split
from tests.helpers.specs import trial_spec


def patches(*, data_dir: str, download: bool) -> Dataset:
    """Patches [N, 1, 8, 8] and for each pixel whether it is bright; a row does not count."""

    def split(count: int, seed: int) -> Split:
        images = np.random.default_rng(seed).standard_normal((count, 1, 8, 8)).astype(np.float32)
        labels = (images[:, 0] > 0).astype(np.uint8)
        labels[:, 0] = 9
        return Split(images, labels)

    return Dataset(split(40, 0), split(11, 1), split(11, 2), ("dark", "bright"), ignored=9)


FAMILIES = {
    "segmentation": (
        ("tasks.segmentation.Segmentation", "miou"),
        Component("", "tests.tasks.test_families_stack.patches"),
        Component("unet", "tasks.models.segmentation.UNet", {"channels": [4, 8]}),
    ),
    "language": (
        ("tasks.language.LanguageModelling", "bits_per_byte"),
        Component("", "tasks.data.text_lm.load", {"length": 12, "validation": 200}),
        Component("gpt", "tasks.models.language.GPT", {"dim": 16, "heads": 2, "layers": 1}),
    ),
    "synthetic": (
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


def trial(family: str, seed: int, text: Path) -> TrialSpec:
    (target, metric), data, model = FAMILIES[family]
    if family == "language":
        data = replace(data, arguments=dict(data.arguments) | {"path": str(text)})
    spec = trial_spec(point={"lr": 3e-3}, steps=12, eval_every=4, seed=seed)
    direction = "maximize" if metric == "miou" else "minimize"
    task = TaskSpec(family, target, data=data, target_metric=Target(metric, direction, None))
    fingerprint = components.load_dataset(family, data, spec.data_dir, spec.download).fingerprint
    size = 1 if family == "landscape" else 8
    return replace(spec, task=task, model=model, batch_size=size, data_fingerprint=fingerprint)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stack_is_its_trials_alone(family: str, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_bytes(np.random.default_rng(0).integers(97, 123, 4_000).astype(np.uint8).tobytes())
    specs = [trial(family, seed, text) for seed in (0, 1)]
    assert explain_unstackable(specs[0]) == ""
    for spec, together in zip(specs, run_stack(specs, threads=1), strict=True):
        alone = run_trial(spec)
        assert together.status == alone.status
        for point, expected in zip(together.curve, alone.curve, strict=True):
            for name, value in expected.values.items():
                if name != "train_time_s":
                    assert point.values[name] == pytest.approx(value, rel=1e-4, abs=1e-7), name
