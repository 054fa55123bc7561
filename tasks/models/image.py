"""Models of images ``[B, C, H, W]`` that return logits ``[B, num_classes]``.

Only ResNet-18 keeps running statistics; the others can be trained many at once under ``vmap``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import Tensor, nn


class MLP(nn.Module):
    """Fully connected layers with ReLU between them.

    Args:
        input_shape: (C, H, W).
        hidden: width of each hidden layer.
    """

    def __init__(
        self, input_shape: Sequence[int], num_classes: int, hidden: Sequence[int] = (64,)
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for width_in, width_out in pairwise([prod(input_shape), *hidden]):
            layers += [nn.Linear(width_in, width_out), nn.ReLU()]
        self.layers = nn.Sequential(
            *layers, nn.Linear([prod(input_shape), *hidden][-1], num_classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, H, W]`` to logits ``[B, num_classes]``."""
        return self.layers(images)


class CNN(nn.Module):
    """Two blocks of 3x3 convolution, ReLU and 2x2 max-pooling, then one hidden layer.

    Args:
        input_shape: (C, H, W), with height and width of at least 4.
        channels: output channels of the two convolutions.
        hidden: width of the fully connected hidden layer.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_classes: int,
        channels: Sequence[int] = (16, 32),
        hidden: int = 64,
    ) -> None:
        super().__init__()
        colours, height, width = input_shape
        blocks: list[nn.Module] = []
        for channels_in, channels_out in pairwise([colours, *channels]):
            blocks += [nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.ReLU()]
            blocks += [nn.MaxPool2d(2)]
            height, width = height // 2, width // 2
        self.layers = nn.Sequential(
            *blocks,
            nn.Flatten(),
            nn.Linear(channels[-1] * height * width, hidden),
            nn.ReLU(),
            nn.Linear(hidden, num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, H, W]`` to logits ``[B, num_classes]``."""
        return self.layers(images)


def resnet18(input_shape: Sequence[int], num_classes: int) -> nn.Module:
    """torchvision's ResNet-18 with the usual stem for 32x32 images, trained from scratch.

    The 7x7 convolution of stride 2 becomes 3x3 of stride 1 and the first max-pooling goes: a
    32x32 image would otherwise be 8x8 before the first residual block (arXiv:1512.03385, 4.2).
    """
    from torchvision.models import resnet18 as imagenet_resnet18  # slow to import

    model: nn.Module = imagenet_resnet18(weights=None, num_classes=num_classes)
    model.conv1 = nn.Conv2d(input_shape[0], 64, kernel_size=3, stride=1, padding=1, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()
    return model
