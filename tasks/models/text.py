"""Models of token ids ``[B, L]``, 0 = padding at the end, that return logits ``[B, num_classes]``.

Padding beyond a text's last token never changes its logits. A text without any token is not valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def masked_sum(features: Tensor, mask: Tensor) -> Tensor:
    """Sum of ``[B, L, D]`` over the positions where ``mask`` ``[B, L]`` is true: ``[B, D]``."""
    return (mask.to(features.dtype)[:, None] @ features).squeeze(1)  # no [B, L, D] product


def masked_mean(features: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``[B, L, D]`` over the positions where ``mask`` ``[B, L]`` is true: ``[B, D]``."""
    return masked_sum(features, mask) / mask.sum(dim=1, keepdim=True)


class Bag(nn.Module):
    """Hashed n-grams, their embeddings added up, one linear layer (fastText, arXiv:1607.01759).

    Deviation: fastText averages the embeddings. The sum lets the evidence of n-grams add up, as
    log-odds do, and gives gradients a scale at which ordinary learning rates train the model.

    Args:
        vocabulary_size, max_length: taken as by the other models; hashing needs neither.
        orders: lengths n of the n-grams.
        buckets: rows of the embedding table, which n-grams share by their hash.
        dim: width of the embeddings, at first uniform within 1 / dim, as in fastText.
    """

    def __init__(
        self,
        vocabulary_size: int,
        max_length: int,
        num_classes: int,
        orders: Sequence[int] = (1, 2, 3),
        buckets: int = 16384,
        dim: int = 16,
    ) -> None:
        super().__init__()
        self.orders, self.buckets = tuple(orders), buckets
        table = torch.empty(buckets, dim).uniform_(-1 / dim, 1 / dim)
        self.embedding = nn.Embedding.from_pretrained(table, freeze=False)
        self.output = nn.Linear(dim, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """``[B, L]`` to logits ``[B, num_classes]``."""
        grams, mask = hashed_ngrams(tokens, self.orders, self.buckets)
        return self.output(masked_sum(rows(self.embedding.weight, grams), mask))


def rows(table: Tensor, ids: Tensor) -> Tensor:
    """``table[ids]``, ``[..., D]``, of a table ``[N, D]``.

    The same numbers as an embedding, gradients to the last bit. On a CPU their sum, most of what a
    large table costs, takes a third of the time; on a GPU its order would depend on chance.
    """
    if table.is_cuda:
        return F.embedding(ids, table)
    return table.index_select(0, ids.flatten()).unflatten(0, ids.shape)


def hashed_ngrams(tokens: Tensor, orders: Sequence[int], buckets: int) -> tuple[Tensor, Tensor]:
    """Bucket of each n-gram, and whether it is free of padding: two ``[B, sum of L - n + 1]``.

    A multiplicative hash of the ids, mixed with n so that orders do not share buckets by rule.
    """
    length = tokens.shape[1]
    grams, masks = [], []
    for order in orders:
        if order > length:
            continue
        hashed = torch.full_like(tokens[:, order - 1 :], order)
        for offset in range(order):
            hashed = (hashed * MULTIPLIER + tokens[:, offset : length - order + 1 + offset]) % PRIME
        grams.append(hashed % buckets)
        masks.append(tokens[:, order - 1 :] != 0)  # padding is at the end: the last token decides
    return torch.cat(grams, dim=1), torch.cat(masks, dim=1)


MULTIPLIER, PRIME = 1_000_003, 2_147_483_647  # products stay within int64


class WordPresence(nn.Module):
    """Which frequent words occur, and one linear layer: logistic regression, as in the first figure
    of Adam's paper (arXiv:1412.6980, section 6.1).

    Args:
        vocabulary_size: number of token ids, padding included, the most frequent first.
        max_length: taken as by the other models; not needed.
        words: how many of the most frequent ids are seen.
        dropout: probability that training does not see a word that occurs.
    """

    def __init__(
        self,
        vocabulary_size: int,
        max_length: int,
        num_classes: int,
        words: int = 10_000,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.words = min(words, vocabulary_size - 1)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(self.words, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """``[B, L]`` to logits ``[B, num_classes]``."""
        known = tokens * (tokens <= self.words)  # others fall on padding, which is no word
        there = torch.zeros(len(tokens), self.words + 1, device=tokens.device)
        there = there.scatter(1, known, torch.ones_like(known, dtype=there.dtype))
        return self.output(self.dropout(there[:, 1:]))


class TextCNN(nn.Module):
    """Convolutions of several widths over embedded tokens, the maximum of each (arXiv:1408.5882).

    Windows reach over both ends of a text, so that one shorter than a window has one too. There is
    no dropout, and embeddings are trained from the start.

    Args:
        vocabulary_size: number of token ids, padding included.
        max_length: taken as by the other models; not needed.
        dim: width of the embeddings.
        channels: convolutions of each width.
        widths: tokens that a window covers.
    """

    def __init__(
        self,
        vocabulary_size: int,
        max_length: int,
        num_classes: int,
        dim: int = 32,
        channels: int = 64,
        widths: Sequence[int] = (3, 4, 5),
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, dim)
        self.widths = tuple(widths)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(dim, channels, width, padding=width - 1) for width in widths
        )
        self.output = nn.Linear(channels * len(widths), num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """``[B, L]`` to logits ``[B, num_classes]``."""
        mask = (tokens != 0)[:, None]  # [B, 1, L]
        features = self.embedding(tokens).transpose(1, 2) * mask
        strongest = []
        for width, layer in zip(self.widths, self.convolutions, strict=True):
            reaches = F.pad(mask, (width - 1, 0), value=True)  # windows with a token in them
            strongest.append((layer(features).relu() * reaches).amax(dim=-1))  # none is below 0
        return self.output(torch.cat(strongest, dim=1))


class Recurrent(nn.Module):
    """Embedded tokens, one recurrent layer, the mean of its states.

    Args:
        vocabulary_size: number of token ids, padding included.
        max_length: taken as by the other models; not needed.
        dim: width of the embeddings.
        hidden: width of the recurrent state.
    """

    layer: ClassVar[type[nn.GRU] | type[nn.LSTM]]

    def __init__(
        self,
        vocabulary_size: int,
        max_length: int,
        num_classes: int,
        dim: int = 32,
        hidden: int = 64,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, dim)
        self.recurrent = self.layer(dim, hidden, batch_first=True)
        self.output = nn.Linear(hidden, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """``[B, L]`` to logits ``[B, num_classes]``."""
        states = self.states(self.embedding(tokens))  # runs forward: padding comes after
        return self.output(masked_mean(states, tokens != 0))

    def states(self, inputs: Tensor) -> Tensor:
        """``[B, L, dim]`` to ``[B, L, hidden]``."""
        raise NotImplementedError


class GRU(Recurrent):
    """A gated recurrent unit (arXiv:1406.1078). Arguments: ``Recurrent``'s."""

    layer = nn.GRU

    def states(self, inputs: Tensor) -> Tensor:
        return gru_states(self.recurrent, inputs)


def gru_states(layer: nn.RNNBase, inputs: Tensor) -> Tensor:
    """The states of a layer of torch's, ``[B, L, D]`` to ``[B, L, hidden]``, written out.

    ``vmap`` has no rule for torch's kernel, which on a CPU is the same loop: this one takes about
    1.1 times as long, and can be stacked (``python -m bench.speed.recurrence``).

    Args:
        layer: forward, of one level, with biases.
    """
    hidden = layer.hidden_size
    ((of_inputs, of_states, inputs_bias, states_bias),) = layer.all_weights
    gates = F.linear(inputs, of_inputs, inputs_bias)  # of all positions at once
    state = gates.new_zeros(len(inputs), hidden)  # of their precision
    states = []
    for given in gates.unbind(1):
        recalled = F.linear(state, of_states, states_bias)
        given_gates, given_new = given.split((2 * hidden, hidden), dim=1)
        recalled_gates, recalled_new = recalled.split((2 * hidden, hidden), dim=1)
        reset, update = (given_gates + recalled_gates).sigmoid().chunk(2, dim=1)
        new = torch.addcmul(given_new, reset, recalled_new).tanh()
        state = new.lerp(state, update)  # (1 - update) new + update state
        states.append(state)
    return torch.stack(states, dim=1)


class LSTM(Recurrent):
    """A recurrent state with a memory cell of its width. Arguments: ``Recurrent``'s.

    Source: Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000); no
    peepholes. It does not stack: ``vmap`` has no rule for torch's kernel, and a recurrence written
    out takes about twice as long alone, so that 16 of them stacked are slower than torch's kernel
    16 times (``python -m bench.speed.recurrence``).
    """

    layer = nn.LSTM

    def states(self, inputs: Tensor) -> Tensor:
        found: Tensor = self.recurrent(inputs)[0]
        return found


class TransformerLayer(nn.Module):
    """Pre-norm self-attention and a feed-forward part four times as wide (arXiv:2002.04745).

    Attention is written out: ``vmap`` has no rule for torch's fused one and would run it in a loop.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.projection = nn.Linear(dim, dim)
        self.feed_forward = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)
        )

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """``[B, L, D]`` to ``[B, L, D]``.

        Args:
            mask: which position attends to which, true where it may; broadcasts to
                ``[B, heads, L, L]``, the attending position first.
        """
        features = features + self.attend(self.attention_norm(features), mask)
        return features + self.feed_forward(self.feed_forward_norm(features))

    def attend(self, features: Tensor, mask: Tensor) -> Tensor:
        """Scaled dot-product attention of every head, projected: ``[B, L, D]``."""
        by_head = self.query_key_value(features).unflatten(-1, (3, self.heads, -1))
        query, key, value = by_head.permute(2, 0, 3, 1, 4)  # each [B, heads, L, D / heads]
        scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
        weights = scores.masked_fill(~mask, float("-inf")).softmax(dim=-1)
        return self.projection((weights @ value).transpose(1, 2).flatten(2))


class Transformer(nn.Module):
    """A small pre-norm encoder with learned positions and the mean of its outputs.

    Args:
        vocabulary_size: number of token ids, padding included.
        max_length: the longest text, in tokens.
        dim: width of the residual stream; ``heads`` divides it.
        layers: encoder layers. There is no dropout.
        embedding_std: standard deviation of the tokens' embeddings at first.
    """

    def __init__(
        self,
        vocabulary_size: int,
        max_length: int,
        num_classes: int,
        dim: int = 64,
        heads: int = 4,
        layers: int = 2,
        embedding_std: float = 1.0,
    ) -> None:
        super().__init__()
        tokens = torch.empty(vocabulary_size, dim).normal_(std=embedding_std)
        self.embedding = nn.Embedding.from_pretrained(tokens, freeze=False)
        positions = torch.empty(max_length, dim).normal_(std=0.02)
        self.positions = nn.Embedding.from_pretrained(positions, freeze=False)
        self.layers = nn.ModuleList(TransformerLayer(dim, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """``[B, L]`` to logits ``[B, num_classes]``."""
        mask = tokens != 0
        features = self.embedding(tokens) + self.positions.weight[: tokens.shape[1]]
        for layer in self.layers:
            features = layer(features, mask[:, None, None])
        return self.output(masked_mean(self.norm(features), mask))
