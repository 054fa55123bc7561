"""RandAugment (arXiv:1909.13719): random operations of an image library, torchvision's.

They are made for bytes. Images of a task are standardised before they are augmented, so they are
brought back to bytes, changed, and standardised again. Each image draws its own operations; those
of a batch that drew the same are changed together, and all that moves pixels is one look-up
(``python -m bench.speed.augmentation``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tasks.data.dataset import InvalidData

STRONGEST = 30
MOVES = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
RECOLOURINGS = ("brightness", "saturation", "contrast", "sharpness", "posterize", "solarize")
OPERATIONS = (*MOVES, *RECOLOURINGS, "autocontrast", "equalize", "identity")
MOST = (0.3, 0.3, 150 / 331, 150 / 331, math.radians(30))
"""How far each goes at most: a slope, a slope, shares of the image's side, an angle."""
Change = Callable[[Tensor], Tensor]
"""Images ``[n, C, H, W]``, uint8, to as many changed alike."""


class RandAugment:
    """``operations`` random ones for each image: moved, turned, sheared, other contrast.

    Args:
        operations: how many, one after the other.
        magnitude: how strong each is, 0 to ``STRONGEST``.
        mean, std: by which the images were standardised, ``[C, 1, 1]``.
        low, high: what is 0 and 255 as a byte, before the images were standardised.

    What an operation moves in is the mean of each channel: 0, once images are standardised.

    Raises:
        InvalidData: images that are neither grey nor of three colours.
    """

    def __init__(
        self, operations: int, magnitude: int, mean: Tensor, std: Tensor, low: float, high: float
    ) -> None:
        if len(mean) not in (1, 3):
            raise InvalidData(
                f"augment.rand_augment: images of {len(mean)} channels; it takes 1 or 3; use "
                "augment.crop, flip and cutout"
            )
        step = (high - low) / 255
        self._mean, self._std = (mean - low) / step, std / step  # of bytes
        self._operations = operations
        self._share = magnitude / STRONGEST
        self._recolourings = list_recolourings(magnitude)

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        """``[B, C, H, W]``, standardised, to a new tensor alike, in ``channels_last`` order.

        Args:
            generator: on the CPU; how far it moves depends on B only.
        """
        mean, std = self._mean.to(images.device), self._std.to(images.device)
        # Channel after channel: what picks images and what changes them is faster so.
        pixels = (images.contiguous() * std + mean).round_().clamp_(0, 255).to(torch.uint8)
        for _ in range(self._operations):
            drawn = torch.randint(len(OPERATIONS), (len(images),), generator=generator)
            opposite = torch.rand(len(images), generator=generator) < 0.5
            pixels = self._change(pixels, drawn, opposite)
        standardised = pixels.float().sub_(mean).div_(std)
        return standardised.contiguous(memory_format=torch.channels_last)

    def _change(self, pixels: Tensor, drawn: Tensor, opposite: Tensor) -> Tensor:
        """Each image by the operation that it drew; images that drew the same lie together."""
        kinds = 2 * drawn + opposite
        order = kinds.argsort()
        counts = kinds.bincount(minlength=2 * len(OPERATIONS)).tolist()
        moves = sum(counts[: 2 * len(MOVES)])
        together = pixels.index_select(0, order.to(pixels.device))
        first, *rest = together.split([moves, *counts[2 * len(MOVES) :]])
        by = torch.tensor(MOST)[drawn[order[:moves]]] * self._share
        by = torch.where(opposite[order[:moves]], -by, by)
        parts = [move(first, drawn[order[:moves]], by, self._mean.round().to(first.device))]
        parts += [
            change(part) if len(part) else part
            for change, part in zip(self._recolourings, rest, strict=True)
        ]
        return torch.cat(parts).index_select(0, order.argsort().to(pixels.device))


def move(pixels: Tensor, which: Tensor, by: Tensor, fill: Tensor) -> Tensor:
    """Each image by its own of ``MOVES``, as torchvision's affine and rotate: nearest pixel.

    Args:
        pixels: ``[n, C, H, W]``, uint8.
        which: ``[n]``, of ``MOVES``.
        by: ``[n]``, how far: in units of ``MOST``.
        fill: ``[C, 1, 1]``, whole numbers: what lies outside.
    """
    height, width = pixels.shape[2:]
    slope_x, slope_y, x, y, angle = (torch.where(which == kind, by, 0.0) for kind in range(5))
    x, y = (x * width).trunc(), (y * height).trunc()
    # Where a pixel comes from, counted from the middle; a shear leaves the first row or column.
    device = pixels.device
    row = torch.arange(height, device=device)[:, None] + (1 - height) / 2
    column = torch.arange(width, device=device) + (1 - width) / 2

    def line(of_column: Tensor, of_row: Tensor, shift: Tensor, side: int) -> Tensor:
        a, b, c = (2 / side * each.to(device)[:, None, None] for each in (of_column, of_row, shift))
        return a * column + b * row + c  # in halves of the image, as grid_sample counts

    grid = torch.stack(
        [
            line(angle.cos(), slope_x - angle.sin(), slope_x * height / 2 - x, width),
            line(slope_y + angle.sin(), angle.cos(), slope_y * width / 2 - y, height),
        ],
        dim=3,
    )
    found = F.grid_sample(pixels - fill, grid, mode="nearest", align_corners=False)
    return (found + fill).to(torch.uint8)


def list_recolourings(magnitude: int) -> list[Change]:
    """What changes values and moves nothing, for each of ``OPERATIONS`` one way and the other.

    Args:
        magnitude: 0 to ``STRONGEST``.
    """
    from torchvision.transforms.v2 import functional  # seconds: only where it is asked for

    share = magnitude / STRONGEST
    by = float(torch.linspace(0.0, 0.9, STRONGEST + 1)[magnitude])  # rounded as torchvision's
    more, less = 1 + by, 1 - by
    directed = [
        partial(getattr(functional, f"adjust_{name}"), **{f"{name}_factor": factor})
        for name in ("brightness", "saturation", "contrast", "sharpness")
        for factor in (more, less)
    ]
    alike = [
        partial(functional.posterize, bits=round(8 - 4 * share)),
        partial(functional.solarize, threshold=255 * (1 - share)),
        functional.autocontrast,
        functional.equalize,
        lambda images: images,
    ]
    return [*directed, *(change for change in alike for _ in range(2))]
