"""Every precision, on a CPU, for every family of tasks: it trains as asked for, or is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.build import components
from bench.runtime.lightning import pl
from bench.spec import Component, RefusedInput, Status, Target, TaskSpec
from bench.trial.run import run_trial
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
DTYPES = {
    "32-true": torch.float32,
    "64-true": torch.float64,
    "bf16-true": torch.bfloat16,
    "16-true": torch.float16,
    "bf16-mixed": torch.float32,
}


def make_spec(family, precision, tmp_path):
    (target, metric), data, model = FAMILIES[family]
    if family == "language":
        text = tmp_path / "text.txt"
        letters = np.random.default_rng(0).integers(97, 123, 4_000)
        text.write_bytes(letters.astype(np.uint8).tobytes())
        data = replace(data, arguments=dict(data.arguments) | {"path": str(text)})
    spec = trial_spec(target="torch.optim.SGD", point={"lr": 1e-3}, steps=4, eval_every=2)
    direction = "maximize" if metric in ("accuracy", "miou") else "minimize"
    task = TaskSpec(family, target, data=data, target_metric=Target(metric, direction, None))
    loaded = components.load_dataset(family, data, spec.context.data_dir, spec.context.download)
    size = 1 if family == "landscape" else 8
    spec = replace(spec, task=task, model=model, batch_size=size, precision=precision)
    return replace(spec, data_fingerprint=loaded.fingerprint)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("precision", DTYPES)
def test_a_trial_trains_in_the_precision_that_it_records(precision, family, tmp_path, monkeypatch):
    trained = []
    fit = pl.Trainer.fit

    def record(trainer, module, **batches):
        fit(trainer, module, **batches)
        trained.append((trainer.precision, {p.dtype for p in module.model.parameters()}))

    monkeypatch.setattr(pl.Trainer, "fit", record)
    result = run_trial(make_spec(family, precision, tmp_path))
    assert result.status is Status.FINISHED, result.reason
    assert trained == [(precision, {DTYPES[precision]})]


@pytest.mark.parametrize("accelerator", ["cpu", "auto"])
def test_float16_with_autocast_is_refused_on_a_cpu(accelerator):
    spec = replace(trial_spec(), precision="16-mixed")
    spec = spec.within(hardware=replace(spec.context.hardware, accelerator=accelerator))
    if torch.cuda.is_available() and accelerator == "auto":
        pytest.skip("there is a GPU")
    with pytest.raises(RefusedInput, match=r"Use trainer\.precision=bf16-mixed"):
        run_trial(spec)


def test_it_is_refused_before_anything_trains(optbench, uri):
    from bench import tracking

    ended = optbench("-m", "task=digits", "trainer.precision=32-true,16-mixed", "budget.steps=4")
    assert ended.code == 2
    assert ended.err == (
        "refused: trainer.precision=16-mixed: a CPU has no mixed precision in float16. "
        "Use trainer.precision=bf16-mixed.\n"
    )
    assert tracking.read(uri, "scratch") == []
