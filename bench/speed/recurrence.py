"""``python -m bench.speed.recurrence``: recurrences that ``vmap`` can follow, and torch's kernels.

Loss and gradient of a text classifier with one layer, dim 32, hidden 64: alone, and 16 stacked
against 16 times torch's alone. One thread, in turns, best of ``ROUNDS``. The GRU's is the model's
own (``tasks.models.text.gru_states``); the LSTM's is written here, the fastest that was found, and
says why that model keeps torch's kernel.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from bench.speed.timing import take_turns
from tasks.models.text import gru_states, masked_mean

Layer = type[nn.GRU] | type[nn.LSTM]
SIZES = ((128, 48), (64, 64), (64, 256), (16, 32))  # batch, length
DIM, HIDDEN, STACKED, ROUNDS = 32, 64, 16, 5


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for batch, length in SIZES:
        for layer, written_out in ((nn.GRU, gru_states), (nn.LSTM, lstm_states)):
            contestants = make_contestants(layer, written_out, batch, length)
            kernel, ours, together = map(min, take_turns(contestants, ROUNDS))
            print(
                f"batch {batch}, length {length}, {layer.__name__}: torch {1e3 * kernel:.1f} ms, "
                f"written out {ours / kernel:.2f} x; {STACKED} stacked {1e3 * together:.0f} ms, "
                f"{STACKED * kernel / together:.2f} x as fast as torch one by one"
            )


def lstm_states(layer: nn.LSTM, inputs: Tensor) -> Tensor:
    """The states of a layer of torch's, ``[B, L, D]`` to ``[B, L, hidden]``, written out."""
    ((of_inputs, of_states, inputs_bias, states_bias),) = layer.all_weights
    gates = F.linear(inputs, of_inputs, inputs_bias + states_bias)
    state = cell = inputs.new_zeros(len(inputs), layer.hidden_size)
    states = []
    for given in gates.unbind(1):
        add, keep, new, show = torch.addmm(given, state, of_states.t()).chunk(4, dim=1)
        cell = torch.addcmul(keep.sigmoid() * cell, add.sigmoid(), new.tanh())
        state = show.sigmoid() * cell.tanh()
        states.append(state)
    return torch.stack(states, dim=1)


class Classifier(nn.Module):
    """A layer's states by ``follow``, their mean, two classes."""

    def __init__(self, layer: Layer, follow: Callable[..., Tensor]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(256, DIM)
        self.recurrent = layer(DIM, HIDDEN, batch_first=True)
        self.output = nn.Linear(HIDDEN, 2)
        self.states = follow

    def forward(self, tokens: Tensor) -> Tensor:
        states = self.states(self.recurrent, self.embedding(tokens))
        return self.output(masked_mean(states, tokens != 0))


def make_contestants(
    layer: Layer, written_out: Callable[..., Tensor], batch: int, length: int
) -> list[Callable[[], object]]:
    """Torch's kernel alone, the written-out recurrence alone, and stacked."""
    tokens = torch.randint(1, 256, (STACKED, batch, length))
    labels = torch.randint(2, (STACKED, batch))
    kernel = Classifier(layer, lambda recurrent, inputs: recurrent(inputs)[0])
    ours = Classifier(layer, written_out)
    weights, _ = stack_module_state([Classifier(layer, written_out) for _ in range(STACKED)])

    def one(model: nn.Module) -> object:
        loss = F.cross_entropy(model(tokens[0]), labels[0])
        return torch.autograd.grad(loss, list(model.parameters()))

    def of(own: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(ours, own, (x,)), y)

    def stacked() -> object:
        losses = vmap(of)(weights, tokens, labels)
        return torch.autograd.grad(losses.sum(), list(weights.values()))

    return [lambda: one(kernel), lambda: one(ours), stacked]


if __name__ == "__main__":
    main()
