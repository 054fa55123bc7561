"""Every precision, on a CPU, for every family of tasks: it trains as asked for, or is refused."""

from dataclasses import replace

import pytest
import torch

from bench.runtime.lightning import pl
from bench.spec import RefusedInput, Status
from bench.trial.run import run_trial
from tests.helpers.families import FAMILIES, make_trial
from tests.helpers.specs import trial_spec

DTYPES = {
    "32-true": torch.float32,
    "64-true": torch.float64,
    "bf16-true": torch.bfloat16,
    "16-true": torch.float16,
    "bf16-mixed": torch.float32,
}


def make_spec(family, precision, tmp_path):
    optimizer = {"target": "torch.optim.SGD", "point": {"lr": 1e-3}}
    spec = make_trial(family, tmp_path, **optimizer, steps=4, eval_every=2)
    return replace(spec, precision=precision)


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
