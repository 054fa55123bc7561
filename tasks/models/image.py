"""Models of images ``[B, C, H, W]`` that return logits ``[B, num_classes]``.

Only ResNet-18 keeps running statistics; the others can be trained many at once under ``vmap``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil, prod

import torch
from torch import Tensor, nn

from tasks.models.text import TransformerLayer


class MLP(nn.Module):
    """Fully connected layers with ReLU between them.

    Args:
        input_shape: (C, H, W).
        hidden: width of each hidden layer.
        dropout: probability that training drops the output of a hidden unit.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_classes: int,
        hidden: Sequence[int] = (64,),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for width_in, width_out in pairwise([prod(input_shape), *hidden]):
            layers += [nn.Linear(width_in, width_out), nn.ReLU()]
            layers += [nn.Dropout(dropout)] if dropout else []
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


class TwoConvTwoDense(nn.Module):
    """DeepOBS's 2c2d: two 5x5 convolutions with 2x2 max-pooling, one hidden layer of 1 024.

    Weights are normal with standard deviation 0.05, cut off at twice that, and biases 0.05, as in
    DeepOBS's PyTorch code (arXiv:1903.05499); 3 274 634 parameters on 28x28 grey images.

    Args:
        input_shape: (C, H, W), with height and width of at least 4.
    """

    def __init__(self, input_shape: Sequence[int], num_classes: int) -> None:
        super().__init__()
        colours, height, width = input_shape
        self.layers = nn.Sequential(
            *(nn.Conv2d(colours, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)),
            *(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)),
            *(nn.Flatten(), nn.Linear(64 * ceil(height / 4) * ceil(width / 4), 1024), nn.ReLU()),
            nn.Linear(1024, num_classes),
        )
        for weight, bias in weights_and_biases(self):
            nn.init.trunc_normal_(weight, std=0.05, a=-0.1, b=0.1)
            nn.init.constant_(bias, 0.05)

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, H, W]`` to logits ``[B, num_classes]``."""
        return self.layers(images)


class ThreeConvThreeDense(nn.Module):
    """DeepOBS's 3c3d: three convolutions with 3x3 max-pooling, hidden layers of 512 and 256.

    The first two convolutions are not padded; pooling is, where needed, at the right and below,
    which is DeepOBS's rule wherever a layer's height and width are even, as from 32x32 on.
    Xavier initialisation, normal for kernels and uniform for matrices, biases zero, as in DeepOBS's
    PyTorch code (arXiv:1903.05499); 895 210 parameters on 32x32 colour images. The test problem
    there also has an L2 penalty of 0.002, which is an optimizer's here (``weight_decay``).

    Args:
        input_shape: (C, H, W).

    Raises:
        ValueError: the images are smaller than 16x16, of which the layers leave nothing.
    """

    def __init__(self, input_shape: Sequence[int], num_classes: int) -> None:
        super().__init__()
        colours, *size = input_shape
        if min(size) < 16:
            raise ValueError(f"images of {size[0]} x {size[1]}; 3c3d needs 16 x 16 at least")
        height, width = (((side - 4) // 2 - 2) // 2 // 2 for side in size)
        self.layers = nn.Sequential(
            *(nn.Conv2d(colours, 64, 5), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)),
            *(nn.Conv2d(64, 96, 3), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)),
            *(nn.Conv2d(96, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)),
            *(nn.Flatten(), nn.Linear(128 * height * width, 512), nn.ReLU()),
            *(nn.Linear(512, 256), nn.ReLU()),
            nn.Linear(256, num_classes),
        )
        for weight, bias in weights_and_biases(self):
            (nn.init.xavier_normal_ if weight.dim() == 4 else nn.init.xavier_uniform_)(weight)
            nn.init.zeros_(bias)

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, H, W]`` to logits ``[B, num_classes]``."""
        return self.layers(images)


class AllConvolutional(nn.Module):
    """All-CNN-C (arXiv:1412.6806): 3x3 convolutions, of which two with stride 2 do the pooling.

    The last two are 1x1, and their maps' means are the logits. Dropout of .2 on the image and of .5
    after each pooling convolution, as in the paper. Deviations: torch's own initialisation, and the
    paper's weight decay of .001 is an optimizer's here. 1 369 738 parameters on colour images.

    Args:
        input_shape: (C, H, W).
        dropout: false: none.

    Raises:
        ValueError: the images are smaller than 9x9, of which the layers leave nothing.
    """

    def __init__(self, input_shape: Sequence[int], num_classes: int, dropout: bool = True) -> None:
        super().__init__()
        colours, *size = input_shape
        if min(size) < 9:
            raise ValueError(f"images of {size[0]} x {size[1]}; All-CNN-C needs 9 x 9 at least")
        image, pooled = (0.2, 0.5) if dropout else (0.0, 0.0)
        kernels = [3] * 6 + [3, 1, 1]
        widths = [colours, 96, 96, 96, 192, 192, 192, 192, 192, num_classes]
        layers: list[nn.Module] = [nn.Dropout(image)]
        for at, (width_in, width_out) in enumerate(pairwise(widths)):
            pools, padded = at in (2, 5), at < 6
            stride, padding = 2 if pools else 1, 1 if padded else 0
            layers += [nn.Conv2d(width_in, width_out, kernels[at], stride, padding), nn.ReLU()]
            layers += [nn.Dropout(pooled)] if pools else []
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, H, W]`` to logits ``[B, num_classes]``."""
        return self.layers(images).mean(dim=(2, 3))


class VisionTransformer(nn.Module):
    """A small Vision Transformer (arXiv:2010.11929) without a class token: the mean of its patches.

    Args:
        input_shape: (C, H, W); ``patch`` divides height and width.
        patch: side of a patch, in pixels.
        dim: width of the residual stream; ``heads`` divides it.
        layers: pre-norm Transformer layers, learned positions. There is no dropout.

    Raises:
        ValueError: the patches do not fill the image.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        num_classes: int,
        patch: int = 4,
        dim: int = 64,
        heads: int = 4,
        layers: int = 4,
    ) -> None:
        super().__init__()
        colours, height, width = input_shape
        if height % patch or width % patch:
            raise ValueError(f"patch: {patch} does not divide images of {height} x {width}")
        self.patches = nn.Conv2d(colours, dim, patch, stride=patch)
        positions = torch.empty(height * width // patch**2, dim).normal_(std=0.02)
        self.positions = nn.Embedding.from_pretrained(positions, freeze=False)
        self.layers = nn.ModuleList(TransformerLayer(dim, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, H, W]`` to logits ``[B, num_classes]``."""
        features = self.patches(images).flatten(2).transpose(1, 2) + self.positions.weight
        everywhere = torch.ones(1, dtype=torch.bool, device=images.device)
        for layer in self.layers:
            features = layer(features, everywhere)
        return self.output(self.norm(features).mean(dim=1))


def weights_and_biases(model: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
    """Those of convolutions and fully connected layers, from input to output."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert layer.bias is not None
            yield layer.weight, layer.bias
