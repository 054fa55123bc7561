"""Models of images ``[B, C, H, W]`` that return logits for each pixel ``[B, num_classes, H, W]``.

They keep no running statistics and can be trained many at once under ``vmap``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class UNet(nn.Module):
    """A small U-Net (arXiv:1505.04597): down by max-pooling, up by repetition, joined by skips.

    Deviations: convolutions are padded, so that the output is as large as the image, and
    resolution doubles by repeating pixels.

    Args:
        input_shape: (C, H, W); every level but the last halves height and width.
        channels: output channels of each level, from the full resolution down.

    Raises:
        ValueError: height or width cannot be halved so often.
    """

    def __init__(
        self, input_shape: Sequence[int], num_classes: int, channels: Sequence[int] = (16, 32, 32)
    ) -> None:
        super().__init__()
        colours, height, width = input_shape
        factor = 2 ** (len(channels) - 1)
        if height % factor or width % factor:
            raise ValueError(
                f"channels: {len(channels)} levels need height and width that {factor} divides, "
                f"not {height} x {width}"
            )
        self.down = nn.ModuleList(block(*ends) for ends in pairwise([colours, *channels]))
        rising = list(reversed(channels))
        self.up = nn.ModuleList(block(below + own, own) for below, own in pairwise(rising))
        self.pool, self.repeat = nn.MaxPool2d(2), nn.Upsample(scale_factor=2)
        self.output = nn.Conv2d(channels[0], num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, H, W]`` to logits ``[B, num_classes, H, W]``."""
        features, skips = self.down[0](images), []
        for level in self.down[1:]:
            skips.append(features)
            features = level(self.pool(features))
        for level in self.up:
            features = level(torch.cat([self.repeat(features), skips.pop()], dim=1))
        return self.output(features)


def block(channels_in: int, channels_out: int) -> nn.Sequential:
    """Two 3x3 convolutions, each with ReLU."""
    layers: list[nn.Module] = []
    for width in (channels_in, channels_out):
        layers += [nn.Conv2d(width, channels_out, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)
