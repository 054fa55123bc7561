"""Named rules that sort the parameters of a model into parameter groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bench.spec import NotApplicable

if TYPE_CHECKING:
    from torch import nn

ParamGroups = list[dict[str, Any]]


def group_all(model: nn.Module) -> ParamGroups:
    """Make one group of all trained parameters."""
    return [{"params": [p for p in model.parameters() if p.requires_grad]}]


def group_no_decay_1d(model: nn.Module) -> ParamGroups:
    """Exclude biases and normalisation weights (fewer than 2 axes) from weight decay."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups: ParamGroups = [
        {"params": [p for p in trained if p.ndim >= 2]},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def group_matrices(model: nn.Module) -> ParamGroups:
    """Separate hidden matrices from the rest: embeddings, the output layer and all that is not 2-D.

    Hidden are weights with 2 axes except those of ``nn.Embedding`` and of the last ``nn.Linear``
    that the model registers, which need not be its output layer: ``describe_matrices`` names it.
    So Muon's author advises (https://kellerjordan.github.io/posts/muon/). The second group is
    another optimizer's (see ``OptimizerSpec.rest``) and is left out when empty.

    Raises:
        NotApplicable: the model has no hidden matrix.
    """
    from torch import nn  # loads torch: a second

    layers = list(model.modules())
    linear = _find_linear_layers(model)
    outer = [layer for layer in layers if isinstance(layer, nn.Embedding | nn.EmbeddingBag)]
    excluded = {id(layer.weight) for layer in (*outer, *linear[-1:])}
    hidden: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for parameter in model.parameters():
        if parameter.requires_grad:
            is_hidden = parameter.ndim == 2 and id(parameter) not in excluded
            (hidden if is_hidden else rest).append(parameter)
    if not hidden:
        raise NotApplicable(f"{type(model).__name__} has no hidden matrix to update")
    return [{"params": hidden}, {"params": rest}] if rest else [{"params": hidden}]


SHOWN = 4
"""Names that a line shows of more."""


def describe_matrices(model: nn.Module) -> str:
    """Describe in a line which parameters ``group_matrices`` gives to which optimizer."""
    names = {id(p): name for name, p in model.named_parameters()}
    hidden, *others = ([names[id(p)] for p in group["params"]] for group in group_matrices(model))
    rest = others[0] if others else []
    heads = [names[id(layer.weight)] for layer in _find_linear_layers(model)[-1:]]
    head = f"; {heads[0]} is taken for the head (the Linear registered last)" if heads else ""
    return f"hidden matrices: {_shorten(hidden)}; the rest: {_shorten(rest) or 'nothing'}{head}"


def _shorten(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _find_linear_layers(model: nn.Module) -> list[nn.Linear]:
    """Find the linear layers, in the order in which the model registers them."""
    from torch import nn  # loads torch: a second

    return [layer for layer in model.modules() if isinstance(layer, nn.Linear)]


PARAM_GROUP_RULES: dict[str, Callable[[nn.Module], ParamGroups]] = {
    "all": group_all,
    "no_decay_1d": group_no_decay_1d,
    "matrices": group_matrices,
}
