"""Models of bytes ``[B, L]`` that return logits for what follows each, ``[B, L, vocabulary]``.

They have no dropout and can be trained many at once under ``vmap``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tasks.models.text import TransformerLayer


class GPT(nn.Module):
    """A decoder of pre-norm Transformer layers, learned positions, tied embedding (GPT-2).

    Initialised as GPT-2: weights normal with standard deviation 0.02, those that write to the
    residual stream smaller by the square root of twice the number of layers, biases zero.

    Args:
        vocabulary_size: number of token ids.
        max_length: the longest window.
        dim: width of the residual stream; ``heads`` divides it.
        layers: Transformer layers. There is no dropout.
    """

    def __init__(
        self,
        vocabulary_size: int,
        max_length: int,
        dim: int = 128,
        heads: int = 4,
        layers: int = 4,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, dim)
        self.positions = nn.Embedding(max_length, dim)
        self.layers = nn.ModuleList(TransformerLayer(dim, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, vocabulary_size, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        for name, parameter in self.layers.named_parameters():
            if name.endswith(("projection.weight", "feed_forward.2.weight")):
                nn.init.normal_(parameter, std=0.02 / (2 * layers) ** 0.5)
        self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """Bytes or other ids ``[B, L]`` to logits ``[B, L, vocabulary_size]``."""
        length = tokens.shape[1]
        past = torch.ones(length, length, dtype=torch.bool, device=tokens.device).tril()
        features = self.embedding(tokens.int()) + self.positions.weight[:length]
        for layer in self.layers:
            features = layer(features, past)
        return self.output(self.norm(features))
