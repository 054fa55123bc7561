"""Augmentation: image by image with torchvision, what is drawn, and one trial with it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

from bench import build
from bench.config.schema import AugmentConfig
from bench.spec import RefusedInput
from bench.stack.run import run_stack
from bench.trial.batches import Batches
from bench.trial.run import run_trial
from tasks.augmentation import Augmentation
from tasks.data.dataset import InvalidData
from tests.bench.specs import trial_spec

ALL: dict[str, Any] = {"crop": 3, "flip": True, "cutout": 4}


def images(count: int = 40, height: int = 12, width: int = 9) -> Tensor:
    drawn = torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(1))
    return drawn.contiguous(memory_format=torch.channels_last)


def one_by_one(batch: Tensor, augmentation: Augmentation, seed: int) -> Tensor:
    """The twin: torchvision's operations on one image after the other, from the same draws."""
    generator = torch.Generator().manual_seed(seed)
    count, _, height, width = batch.shape
    crop, side = augmentation.crop, augmentation.cutout
    shift = torch.randint(-crop, crop + 1, (2, count, 1), generator=generator)[..., 0]
    mirrored = torch.rand(count, 1, generator=generator)[:, 0] < 0.5
    tops, lefts = (
        torch.randint(edge, (count, 1), generator=generator)[:, 0] - side // 2
        for edge in (height, width)
    )
    found = []
    for at, image in enumerate(batch):
        padded = functional.pad(image, [crop])
        moved = functional.crop(
            padded, crop + int(shift[0, at]), crop + int(shift[1, at]), height, width
        )
        moved = functional.horizontal_flip(moved) if mirrored[at] else moved
        top, left = int(tops[at]), int(lefts[at])
        bottom, right = min(height, top + side), min(width, left + side)
        top, left = max(0, top), max(0, left)
        found.append(
            functional.erase(moved, top, left, bottom - top, right - left, torch.zeros(()))
        )
    return torch.stack(found)


def test_a_batch_is_its_images_one_by_one() -> None:
    augmentation = Augmentation(**ALL)
    for seed in range(5):
        ours = augmentation(images(), torch.Generator().manual_seed(seed))
        assert torch.equal(ours, one_by_one(images(), augmentation, seed))
        assert ours.is_contiguous(memory_format=torch.channels_last)


def test_everything_that_may_be_drawn_is() -> None:
    batch = torch.zeros(3000, 1, 5, 5)
    batch[:, :, 2, 1] = 1.0  # left of the middle
    moved = Augmentation(crop=1, flip=True)(batch, torch.Generator().manual_seed(0))
    places = moved.flatten(1).argmax(dim=1)
    rows, columns = places // 5, places % 5
    assert sorted(set(rows.tolist())) == [1, 2, 3]
    assert sorted(set(columns.tolist())) == [0, 1, 2, 3, 4]  # 1 ± 1, and mirrored 3 ± 1
    counts = torch.bincount(columns, minlength=5) / len(columns)
    expected = torch.tensor([1, 1, 2, 1, 1]) / 6
    assert torch.allclose(counts, expected, atol=0.03)
    assert (moved.sum(dim=(1, 2, 3)) == 1).all()


def test_nothing_is_nothing_and_the_images_stay() -> None:
    batch = images()
    before = batch.clone()
    assert torch.equal(Augmentation()(batch, torch.Generator()), batch)
    Augmentation(**ALL)(batch, torch.Generator().manual_seed(0))
    assert torch.equal(batch, before)


def test_negative_pixels_are_refused() -> None:
    with pytest.raises(InvalidData, match=r"augment\.crop: -1; write pixels"):
        Augmentation(crop=-1)


def test_the_command_line_has_the_same_words_and_defaults() -> None:
    assert asdict(AugmentConfig()) == asdict(Augmentation())


def augmented(seed: int = 0, **words: object):
    spec = trial_spec(point={"lr": 3e-3}, steps=6, eval_every=3, seed=seed)
    return replace(spec, task=replace(spec.task, arguments={"augment": words} if words else {}))


def test_a_trial_with_it_is_another_one_and_repeats() -> None:
    plain, changed = augmented(), augmented(crop=1, flip=True)
    assert plain.config_hash != changed.config_hash
    first, again, other = (run_trial(spec).curve for spec in (changed, changed, plain))
    for one, same in zip(first, again, strict=True):
        assert one.values["val/loss"] == same.values["val/loss"]
    assert first[-1].values["val/loss"] != other[-1].values["val/loss"]


def test_a_stack_sees_what_its_trials_see_alone() -> None:
    specs = [augmented(seed, crop=1, flip=True, cutout=2) for seed in (0, 1, 0)]
    for spec, together in zip(specs, run_stack(specs, threads=1), strict=True):
        alone = run_trial(spec).curve[-1].values
        for name in ("train/loss", "val/loss"):
            assert together.curve[-1].values[name] == pytest.approx(alone[name], rel=1e-4)


def test_the_order_of_batches_is_that_without() -> None:
    plain, changed = augmented(), augmented(crop=1)
    tasks = [build.task_of(spec) for spec in (plain, changed)]
    cpu = torch.device("cpu")
    orders = [
        [targets for _, targets in Batches.of(spec, task, cpu)]
        for spec, task in zip((plain, changed), tasks, strict=True)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*orders, strict=True))


def test_a_task_that_cannot_is_refused() -> None:
    spec = augmented(crop=1)
    text = replace(spec.task, target="tasks.text.TextClassification", name="t")
    with pytest.raises(RefusedInput, match="unexpected keyword argument 'augment'"):
        build.task(text, build.dataset("digits", spec.task.data, "", False))
    wrong = replace(spec.task, arguments={"augment": {"crop": -2}})
    with pytest.raises(RefusedInput, match=r"conf/task/.*\.yaml: .*augment.crop: -2"):
        build.task(wrong, build.dataset("digits", spec.task.data, "", False))
