"""Augmentation: against torchvision and by hand, what is drawn, and trials with it."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.nn.functional import cross_entropy
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from bench.build import components
from bench.config.schema import AugmentConfig
from bench.spec import RefusedInput
from bench.stack.run import run_stack
from bench.trial.batches import Batches
from bench.trial.run import run_trial
from tasks.augment.augmentation import Augmentation
from tasks.augment.mixup import mix
from tasks.augment.rand_augment import RandAugment
from tasks.data.dataset import InvalidData
from tasks.image import ImageClassification
from tests.helpers.specs import trial_spec

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
        ours = augmentation.move(images(), torch.Generator().manual_seed(seed))
        assert torch.equal(ours, one_by_one(images(), augmentation, seed))
        assert ours.is_contiguous(memory_format=torch.channels_last)


def test_everything_that_may_be_drawn_is() -> None:
    batch = torch.zeros(3000, 1, 5, 5)
    batch[:, :, 2, 1] = 1.0  # left of the middle
    moved = Augmentation(crop=1, flip=True).move(batch, torch.Generator().manual_seed(0))
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
    assert torch.equal(Augmentation().move(batch, torch.Generator()), batch)
    Augmentation(**ALL).move(batch, torch.Generator().manual_seed(0))
    assert torch.equal(batch, before)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"crop": -1}, r"augment\.crop: -1; write pixels, 0 or more"),
        ({"rand_augment": -2}, r"augment\.rand_augment: -2; write how many, 0 or more"),
        ({"rand_augment": 1, "magnitude": 31}, r"augment\.magnitude: 31; write 0 to 30"),
        ({"magnitude": 5}, r"augment\.magnitude: 5 of no operation; add augment\.rand_augment=2"),
        ({"mixup": -0.1}, r"augment\.mixup: -0\.1; write 0 \(off\) or more"),
        ({"mixup": math.nan}, r"augment\.mixup: nan"),
        ({"mixup": math.inf}, r"augment\.mixup: inf"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(words: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        Augmentation(**words)


def test_the_command_line_has_the_same_words_and_defaults() -> None:
    assert asdict(AugmentConfig()) == asdict(Augmentation())


def augmented(seed: int = 0, label_smoothing: float = 0.0, **words: object):
    spec = trial_spec(point={"lr": 3e-3}, steps=6, eval_every=3, seed=seed)
    told = {"augment": words, "label_smoothing": label_smoothing}
    arguments = {name: value for name, value in told.items() if value}
    return replace(spec, task=replace(spec.task, arguments=arguments))


EACH: dict[str, dict[str, Any]] = {
    "moved": {"crop": 1, "flip": True, "cutout": 2},
    "rand_augment": {"rand_augment": 2, "magnitude": 15},
    "mixup": {"mixup": 0.4},
    "label_smoothing": {"label_smoothing": 0.2},
    "all": {"crop": 1, "rand_augment": 1, "mixup": 0.2, "label_smoothing": 0.1},
}


@pytest.mark.parametrize("words", EACH.values(), ids=EACH)
def test_a_trial_with_it_is_another_one_and_repeats(words: dict[str, Any]) -> None:
    plain, changed = augmented(), augmented(**words)
    assert plain.config_hash != changed.config_hash
    first, again, other = (run_trial(spec).curve for spec in (changed, changed, plain))
    for one, same in zip(first, again, strict=True):
        assert one.values["val/loss"] == same.values["val/loss"]
    assert first[-1].values["val/loss"] != other[-1].values["val/loss"]


@pytest.mark.parametrize("words", EACH.values(), ids=EACH)
def test_a_stack_sees_what_its_trials_see_alone(words: dict[str, Any]) -> None:
    specs = [augmented(seed, **words) for seed in (0, 1, 0)]
    for spec, together in zip(specs, run_stack(specs, threads=1), strict=True):
        alone = run_trial(spec).final
        for name in ("train/loss", "val/loss"):
            assert together.final[name] == pytest.approx(alone[name], rel=1e-4)


def test_the_order_of_batches_is_that_without() -> None:
    plain, changed = augmented(), augmented(crop=1)
    tasks = [components.load_task(spec) for spec in (plain, changed)]
    cpu = torch.device("cpu")
    orders = [
        [targets for _, targets in Batches.from_spec(spec, task, cpu)]
        for spec, task in zip((plain, changed), tasks, strict=True)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*orders, strict=True))


def test_only_the_training_loss_is_smoothed() -> None:
    spec = augmented(label_smoothing=0.3)
    task = components.load_task(spec)
    outputs = torch.randn(9, 10, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(9)
    expected = cross_entropy(outputs, labels, label_smoothing=0.3)
    assert torch.equal(task.loss(outputs, labels), expected)
    log_shares = outputs.log_softmax(1)
    own, all_alike = log_shares[labels, labels].mean(), log_shares.mean()
    torch.testing.assert_close(expected, -(0.7 * own + 0.3 * all_alike))
    torch.testing.assert_close(task.sums(outputs, labels)["loss"] / 9, -own)


@pytest.mark.parametrize("share", [-0.1, 1.0, math.nan])
def test_no_share_of_a_label_is_refused(share: float) -> None:
    spec = augmented()
    data = components.load_dataset("digits", spec.task.data, "", False)
    with pytest.raises(InvalidData, match=r"label_smoothing: .*; write 0 \(off\) to below 1"):
        ImageClassification(data, label_smoothing=share)


TORCHVISIONS = (
    *("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate"),
    *("Brightness", "Color", "Contrast", "Sharpness"),
    *("Posterize", "Solarize", "AutoContrast", "Equalize", "Identity"),
)
DIRECTED = TORCHVISIONS[:9]


@pytest.mark.parametrize("magnitude", [4, 9, 30])
def test_each_image_is_changed_by_torchvisions_operation_that_it_drew(magnitude: int) -> None:
    """All 14 both ways in one batch, on the bytes that the images were."""
    generator = torch.Generator().manual_seed(0)
    raw = torch.randint(0, 256, (56, 3, 12, 9), generator=generator, dtype=torch.uint8)
    drawn, opposite = torch.arange(56) % 14, torch.arange(56) % 28 >= 14
    mean = torch.tensor([100.0, 120.4, 90.0]).view(3, 1, 1)
    found = RandAugment(1, magnitude, mean, 60 + mean, 0, 255)._change(raw, drawn, opposite)
    theirs = v2.RandAugment(1, magnitude, fill=[100, 120, 90])
    for image, kind, back, ours in zip(raw, drawn, opposite, found, strict=True):
        name = TORCHVISIONS[kind]
        strengths = theirs._AUGMENTATION_SPACE[name][0](31, 12, 9)
        strength = 0.0 if strengths is None else float(strengths[magnitude])
        strength *= -1 if back and name in DIRECTED else 1
        expected = theirs._apply_image_or_video_transform(
            image, name, strength, theirs.interpolation, theirs._fill
        )
        alike = (ours == expected).float().mean()
        # Where a pixel that moves lies halfway between two, rounding decides.
        assert alike > 0.99 if name in TORCHVISIONS[:5] else alike == 1, name


def test_rand_augment_draws_each_operation_and_direction_alike(monkeypatch) -> None:
    drew = []
    ours = RandAugment(3, 9, torch.zeros(1, 1, 1), torch.ones(1, 1, 1), -3.0, 3.0)
    monkeypatch.setattr(
        ours, "_change", lambda pixels, *draws: drew.append(torch.stack(draws)) or pixels
    )
    same = ours(torch.zeros(2800, 1, 2, 2), torch.Generator().manual_seed(0))
    assert same.is_contiguous(memory_format=torch.channels_last)
    drawn, opposite = torch.cat(drew, dim=1)
    counts = (2 * drawn + opposite).bincount(minlength=28)
    assert len(counts) == 28  # 300 each, give or take 5 standard deviations
    assert (counts - 300).abs().max() < 5 * math.sqrt(300)


def test_rand_augment_of_images_that_are_no_bytes() -> None:
    """With operations that change nothing, images in [-1, 3] are rounded to 256 levels."""
    mean, std = torch.tensor([[[0.5]]]), torch.tensor([[[2.0]]])
    same = RandAugment(0, 9, mean, std, -1.0, 3.0)
    raw = torch.linspace(-1, 3, 256).view(1, 1, 16, 16)
    torch.testing.assert_close(same((raw - mean) / std, torch.Generator()), (raw - mean) / std)
    between = raw + 4 / 255 / 3
    back = same((between - mean) / std, torch.Generator())
    torch.testing.assert_close(back, ((raw - mean) / std))


def test_rand_augment_draws_from_the_trials_generator_only() -> None:
    batch = images(16)
    ours = RandAugment(2, 9, torch.zeros(3, 1, 1), torch.ones(3, 1, 1), -3.0, 3.0)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = ours(batch, torch.Generator().manual_seed(1))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(7)
    assert torch.equal(ours(batch, torch.Generator().manual_seed(1)), first)
    others = [ours(batch, torch.Generator().manual_seed(seed)) for seed in range(2, 6)]
    assert not any(torch.equal(other, first) for other in others)
    with pytest.raises(InvalidData, match=r"augment\.rand_augment: images of 4 channels"):
        RandAugment(2, 9, torch.zeros(4, 1, 1), torch.ones(4, 1, 1), 0, 1)


def test_the_loss_of_mixed_labels_is_the_mixed_loss() -> None:
    """Beta(1, 1) is uniform: each pair by hand, from the same draws."""
    generator = torch.Generator().manual_seed(3)
    share = torch.rand(12, generator=generator, dtype=torch.float64).float()
    partner = torch.randperm(12, generator=generator)
    batch, labels = images(12), torch.arange(12) % 10
    task = components.load_task(augmented(mixup=1.0))
    assert task.augment is not None
    inputs, targets = task.augment(batch, labels, torch.Generator().manual_seed(3))
    for at in range(12):
        other = int(partner[at])
        expected = share[at] * batch[at] + (1 - share[at]) * batch[other]
        torch.testing.assert_close(inputs[at], expected)
    outputs = torch.randn(12, 10, generator=generator)
    both = [cross_entropy(outputs, which, reduction="none") for which in (labels, labels[partner])]
    by_hand = (share * both[0] + (1 - share) * both[1]).mean()
    torch.testing.assert_close(task.loss(outputs, targets), by_hand)
    assert inputs.is_contiguous(memory_format=torch.channels_last)


def test_shares_of_mixup_are_from_their_distribution() -> None:
    alpha, count = 0.3, 4000
    whole = torch.eye(2)[torch.arange(count) % 2]
    _, targets = mix(torch.zeros(count, 1), whole, alpha, torch.Generator().manual_seed(0))
    own = targets[torch.arange(count), torch.arange(count) % 2]
    of_pairs = own[(targets > 0).all(dim=1)]  # of two labels: half of them
    assert len(of_pairs) > 0.4 * count
    assert stats.kstest(of_pairs.double().numpy(), stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_a_task_that_cannot_is_refused() -> None:
    spec = augmented(crop=1)
    text = replace(spec.task, target="tasks.text.TextClassification", name="t")
    with pytest.raises(RefusedInput, match="unexpected keyword argument 'augment'"):
        components.build_task(text, components.load_dataset("digits", spec.task.data, "", False))
    wrong = replace(spec.task, arguments={"augment": {"crop": -2}})
    with pytest.raises(RefusedInput, match=r"conf/task/.*\.yaml: .*augment.crop: -2"):
        components.build_task(wrong, components.load_dataset("digits", spec.task.data, "", False))
