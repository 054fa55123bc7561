"""Language modelling: exact bits per byte, windows without a copy, causality, what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from torch import nn

from bench.trial import evaluation
from bench.trial.evaluation import evaluate
from tasks.data import sotu, text_lm
from tasks.data.dataset import Dataset, InvalidData, MissingData, Split
from tasks.language import LanguageModelling
from tasks.models.language import GPT

CPU = torch.device("cpu")


def write(path: Path, count: int = 4_000) -> Path:
    random = np.random.default_rng(0)
    path.write_bytes(random.integers(0, 256, count).astype(np.uint8).tobytes())
    return path


def load(path: Path, length: int = 16, validation: int = 10**6) -> Dataset:
    return text_lm.load(
        data_dir="", download=False, path=str(path), length=length, validation=validation
    )


def test_windows_are_the_text_and_what_follows_it(tmp_path: Path) -> None:
    data = load(write(tmp_path / "a.bin"))
    text = np.fromfile(tmp_path / "a.bin", np.uint8)
    assert data.train.inputs.shape == (224, 16)  # 3 600 bytes: 224 windows and a next byte
    assert data.train.inputs.ravel().tolist() == text[:3584].tolist()
    assert data.train.targets.ravel().tolist() == text[1:3585].tolist()
    assert data.val.inputs[0].tolist() == text[3600:3616].tolist()
    assert data.test.inputs[0].tolist() == text[3800:3816].tolist()
    assert np.shares_memory(data.train.inputs, data.train.targets)


def test_validation_is_thinned_evenly(tmp_path: Path) -> None:
    path = write(tmp_path / "a.bin")
    whole, thin = load(path).val, load(path, validation=64).val
    assert len(whole.inputs) == 12 and len(thin.inputs) == 4
    assert thin.inputs.tolist() == whole.inputs[::3].tolist()
    assert thin.targets.tolist() == whole.targets[::3].tolist()


@pytest.mark.parametrize(
    ("count", "length", "words"),
    [
        (0, 16, "0 bytes for train"),
        (300, 16, r"15 bytes for val, .* 17"),
        (4_000, 0, "length: 0 is not a positive"),
    ],
)
def test_too_short_a_text_is_refused(tmp_path: Path, count: int, length: int, words: str) -> None:
    with pytest.raises(InvalidData, match=words):
        load(write(tmp_path / "a.bin", count), length)


def test_missing_files_are_said_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"task=text_lm: .*nothing\.txt cannot be read .*path"):
        load(tmp_path / "nothing.txt")
    with pytest.raises(MissingData, match=r"which text\? pass data\.path=FILE"):
        text_lm.load(data_dir="", download=False, path=None, length=16, validation=100)
    folder = tmp_path / "sotu"
    folder.mkdir()
    write(folder / "train.txt")
    with pytest.raises(MissingData, match=r"no val\.txt, test\.txt in .*sotu; pass data_dir=PATH"):
        sotu.load(data_dir=str(tmp_path), download=False, length=16, validation=100)


def test_sotu_reads_its_three_files(tmp_path: Path) -> None:
    (tmp_path / "sotu").mkdir()
    for number, file in enumerate(sotu.FILES):
        (tmp_path / "sotu" / file).write_bytes(bytes([65 + number]) * 40)
    data = sotu.load(data_dir=str(tmp_path), download=False, length=16, validation=100)
    assert [split.inputs[0, 0] for split in (data.train, data.val, data.test)] == [65, 66, 67]
    assert data.vocabulary_size == 256


def test_less_of_the_test_text_is_another_data_set_and_all_of_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "sotu").mkdir()
    for file in sotu.FILES:
        write(tmp_path / "sotu" / file)
    whole, less, again = (
        sotu.load(data_dir=str(tmp_path), download=False, length=16, validation=100, **words)
        for words in ({}, {"test": 80}, {"test": None})
    )
    assert len(whole.test.inputs) == 249 and len(less.test.inputs) == 5
    assert less.test.inputs[2].tolist() == whole.test.inputs[2 * 249 // 5].tolist()
    assert whole.fingerprint == again.fingerprint != less.fingerprint


def test_bits_per_byte_over_uneven_batches_is_exact(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(
        evaluation, "choose_batch_size", lambda *_: 5
    )  # 12 windows: the last batch has two
    task = LanguageModelling(load(write(tmp_path / "a.bin")))
    torch.manual_seed(0)
    model = GPT(**task.model_arguments(), dim=16, heads=2, layers=1)
    found = evaluate(task, model, "test", CPU)
    inputs, targets = task.tensors("test", CPU)
    assert inputs.dtype == targets.dtype == torch.uint8
    logits = model(inputs).detach().double().flatten(0, 1)
    nats = log_loss(targets.flatten(), logits.softmax(dim=1).numpy(), labels=range(256))
    assert found["test/loss"] == pytest.approx(nats, rel=1e-6)
    assert found["test/bits_per_byte"] == pytest.approx(nats / math.log(2), rel=1e-6)
    hits = (logits.argmax(dim=1) == targets.flatten()).double().mean()
    assert found["test/accuracy"] == pytest.approx(hits.item(), rel=1e-12)


def test_a_guess_among_all_bytes_takes_eight_bits(tmp_path: Path) -> None:
    task = LanguageModelling(load(write(tmp_path / "a.bin")))

    class Uniform(nn.Module):
        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return torch.zeros(*tokens.shape, 256)

    assert evaluate(task, Uniform(), "val", CPU)["val/bits_per_byte"] == pytest.approx(8, rel=1e-6)
    assert task.loss(torch.zeros(2, 16, 256), task.tensors("val", CPU)[1][:2]).item() == (
        pytest.approx(math.log(256))
    )


def test_what_is_no_window_is_refused() -> None:
    split = Split(np.zeros((2, 8), np.uint8), np.zeros(2, np.uint8))
    with pytest.raises(InvalidData, match=r"inputs \[2, 8\] and targets \[2\]"):
        LanguageModelling(Dataset(split, split, split, vocabulary_size=256))
    split = Split(np.zeros((2, 8), np.uint8), np.zeros((2, 8), np.uint8))
    with pytest.raises(InvalidData, match="vocabulary_size: None"):
        LanguageModelling(Dataset(split, split, split))


def test_no_position_sees_what_comes_after_it() -> None:
    torch.manual_seed(0)
    model = GPT(256, 12, dim=16, heads=2, layers=2)
    text = torch.randint(256, (1, 12), dtype=torch.uint8)
    other = text.clone()
    other[0, 7] += 1
    with torch.no_grad():
        difference = (model(text) - model(other)).abs().amax(dim=2)[0]
        torch.testing.assert_close(model(text[:, :5]), model(text)[:, :5])
    assert difference[:7].max() == 0 and (difference[7:] > 0).all()


def test_gpt_starts_near_the_uniform_guess_and_has_its_size() -> None:
    torch.manual_seed(0)
    model = GPT(256, 128)
    count = sum(parameter.numel() for parameter in model.parameters())
    layer = 4 * (128 * 128 + 128) + (128 * 512 + 512) + (512 * 128 + 128) + 4 * 128
    assert count == 256 * 128 + 128 * 128 + 4 * layer + 2 * 128  # the output is the embedding
    tokens = torch.randint(256, (2, 128), dtype=torch.uint8)
    logits = model(tokens).detach().flatten(0, 1)
    loss = nn.functional.cross_entropy(logits, tokens.flatten().long().roll(1))
    assert loss.item() == pytest.approx(math.log(256), abs=0.1)
