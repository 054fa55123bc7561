"""RandAugment (arXiv:1909.13719): random operations of an image library, torchvision's.

They are made for bytes. Images of a task are standardised before they are augmented, so they are
brought back to bytes, changed, and standardised again.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from tasks.data.dataset import InvalidData

GROUP = 8
"""Images that share one draw of operations, cut from a batch whose order is random. Image by image
a batch of 128 takes about four times as long (``python -m bench.speed.augmentation``)."""


class RandAugment:
    """``operations`` random ones for each ``GROUP`` images: moved, turned, sheared, other contrast.

    Args:
        operations: how many, one after the other.
        magnitude: how strong each is, 0 to 30.
        mean, std: by which the images were standardised, ``[C, 1, 1]``.
        low, high: what is 0 and 255 as a byte, before the images were standardised.

    What an operation moves in is the mean of each channel: 0, once images are standardised.

    Raises:
        InvalidData: images that are neither grey nor of three colours.
    """

    def __init__(
        self, operations: int, magnitude: int, mean: Tensor, std: Tensor, low: float, high: float
    ) -> None:
        from torchvision.transforms import v2  # seconds: only where it is asked for

        if len(mean) not in (1, 3):
            raise InvalidData(
                f"augment.rand_augment: images of {len(mean)} channels; it takes 1 or 3; use "
                "augment.crop, flip and cutout"
            )
        step = (high - low) / 255
        self._mean, self._std = (mean - low) / step, std / step  # of bytes
        self._operations = v2.RandAugment(
            operations, magnitude, fill=self._mean.flatten().round().tolist()
        )

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        """``[B, C, H, W]``, standardised, to a new tensor alike, in ``channels_last`` order.

        Args:
            generator: on the CPU; it draws a seed for torch's own, from which torchvision draws and
                which is as it was afterwards.
        """
        mean, std = self._mean.to(images.device), self._std.to(images.device)
        groups = (images * std + mean).round_().clamp_(0, 255).to(torch.uint8).split(GROUP)
        seed = int(torch.randint(2**62, (), generator=generator))
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            changed = torch.cat([self._operations(group) for group in groups])
        standardised = changed.float().sub_(mean).div_(std)
        return standardised.contiguous(memory_format=torch.channels_last)
