"""``python -m bench.speed.augmentation``: a batch at once against torchvision, image by image.

Both move 128 colour images of 32x32 by up to 4 pixels, mirror half of them and cut a hole of 8x8.
torchvision's is the usual pipeline of a ``Dataset``: ``RandomCrop``, ``RandomHorizontalFlip`` and
an erased square for each image, then a stack. RandAugment draws two operations for each image, both
times. One thread, in turns.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor
from torchvision.transforms import v2

from bench.speed.timing import ratio, take_turns
from tasks.augment.augmentation import Augmentation
from tasks.augment.rand_augment import RandAugment

BATCH, ROUNDS = 128, 15


def main() -> None:
    torch.set_num_threads(1)
    images = torch.randn(BATCH, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    ours = Augmentation(crop=4, flip=True, cutout=8)
    generator = torch.Generator().manual_seed(0)
    theirs = v2.Compose([v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip(), _erase])
    _compare("moved", lambda: ours.move(images, generator), lambda: _apply_to_each(theirs, images))
    mean, std = torch.zeros(3, 1, 1), torch.ones(3, 1, 1)
    together = RandAugment(2, 9, mean, std, -3.0, 3.0)
    single, pixels = v2.RandAugment(2, 9), torch.randint(256, images.shape, dtype=torch.uint8)
    _compare(
        "RandAugment", lambda: together(images, generator), lambda: _apply_to_each(single, pixels)
    )


def _apply_to_each(change: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    return torch.stack([change(image) for image in images])


def _compare(what: str, ours: Callable[[], Tensor], theirs: Callable[[], Tensor]) -> None:
    mine, yours = take_turns([ours, theirs], ROUNDS)
    print(
        f"{what}, batch of {BATCH}: {1e3 * median(mine):.2f} ms, "
        f"image by image {1e3 * median(yours):.2f} ms: {ratio(yours, mine):.1f} x"
    )


def _erase(image: Tensor) -> Tensor:
    """A square of 8x8 around a random pixel set to 0."""
    row, column = (int(torch.randint(32, ())) - 4 for _ in range(2))
    top, left = max(0, row), max(0, column)
    bottom, right = min(32, row + 8), min(32, column + 8)
    return v2.functional.erase(image, top, left, bottom - top, right - left, torch.zeros(()))


if __name__ == "__main__":
    main()
