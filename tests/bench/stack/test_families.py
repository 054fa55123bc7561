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
from tests.helpers.specs import trial_spec

FAMILIES = {
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
    fingerprint = components.load_dataset(
        family, data, spec.context.data_dir, spec.context.download
    ).fingerprint
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
