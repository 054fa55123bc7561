"""Random changes of training images, a whole batch at once: the words for all of them, and some.

Moving, mirroring and cutting is one gather: which row and column of which image each pixel comes
from. Ten thousand small operations of an image library, one image after the other, become a few of
torch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from tasks.augment.rand_augment import STRONGEST
from tasks.data.dataset import InvalidData

Augment = Callable[[Tensor, Tensor, Generator], tuple[Tensor, Tensor]]
"""A training batch's inputs and targets to those that the model and the loss see."""


@dataclass(frozen=True)
class Augmentation:
    """What happens to the images of a batch, in this order. All of it is drawn by the caller's
    generator, on the CPU, so that a trial's draws are the same on every device.

    Attributes:
        rand_augment: so many of torchvision's operations (``tasks.augment.rand_augment``).
        magnitude: how strong each of these is, 0 to 30.
        crop: the image is moved by up to so many pixels up, down, left and right, and what moves in
            is 0: padding, then a random crop of the old size.
        flip: half of the images are mirrored, left to right.
        cutout: a square of so many pixels a side, around a random pixel and cut off at the edges,
            becomes 0 (arXiv:1708.04552).
        mixup: images and labels in between, the larger the further (``tasks.augment.mixup``).

    0 is the mean of a channel, once images are standardised.

    Raises:
        InvalidData: a number that means nothing.
    """

    crop: int = 0
    flip: bool = False
    cutout: int = 0
    rand_augment: int = 0
    magnitude: int = 9
    mixup: float = 0.0

    def __post_init__(self) -> None:
        for name, what in (("crop", "pixels"), ("cutout", "pixels"), ("rand_augment", "how many")):
            if getattr(self, name) < 0:
                raise InvalidData(f"augment.{name}: {getattr(self, name)}; write {what}, 0 or more")
        if not 0 <= self.magnitude <= STRONGEST:
            raise InvalidData(f"augment.magnitude: {self.magnitude}; write 0 to {STRONGEST}")
        if self.magnitude != type(self).magnitude and not self.rand_augment:
            raise InvalidData(
                f"augment.magnitude: {self.magnitude} of no operation; add augment.rand_augment=2"
            )
        if not 0 <= self.mixup < math.inf:
            raise InvalidData(f"augment.mixup: {self.mixup}; write 0 (off) or more, such as 0.2")

    @property
    def moves(self) -> bool:
        """Tell if ``move`` changes anything."""
        return bool(self.crop or self.flip or self.cutout)

    def move(self, images: Tensor, generator: Generator) -> Tensor:
        """Crop, flip, cutout: ``[B, C, H, W]`` to a new tensor alike, in ``channels_last`` order.

        Args:
            generator: on the CPU; how far it moves depends on B only.
        """
        count, _, height, width = images.shape
        rows, columns = (torch.arange(side).expand(count, side) for side in (height, width))
        if self.crop:
            shift = torch.randint(-self.crop, self.crop + 1, (2, count, 1), generator=generator)
            rows, columns = rows + shift[0], columns + shift[1]
        if self.flip:
            mirrored = torch.rand(count, 1, generator=generator) < 0.5
            columns = torch.where(mirrored, columns.flip(1), columns)
        kept = ((rows >= 0) & (rows < height))[:, :, None]
        kept = kept & ((columns >= 0) & (columns < width))[:, None]
        if self.cutout:
            kept = kept & ~self._square(count, height, width, generator)
        device = images.device
        place = torch.arange(count, device=device)[:, None, None]
        rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
        pixels = images.permute(0, 2, 3, 1)  # as they lie in memory
        moved = pixels[place, rows.to(device)[:, :, None], columns.to(device)[:, None]]
        return moved.mul_(kept.to(device, images.dtype)[..., None]).permute(0, 3, 1, 2)

    def _square(self, count: int, height: int, width: int, generator: Generator) -> Tensor:
        """Where the square lies, ``[count, height, width]``, bool."""
        inside = []
        for side in (height, width):
            first = torch.randint(side, (count, 1), generator=generator) - self.cutout // 2
            away = torch.arange(side) - first
            inside.append((away >= 0) & (away < self.cutout))
        return inside[0][:, :, None] & inside[1][:, None]
