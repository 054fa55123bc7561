"""Named rules that sort the parameters of a model into parameter groups."""

from __future__ import annotations

from collections.abc import Callable
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

    Hidden are weights with 2 axes except those of ``nn.Embedding`` and of the last ``nn.Linear``,
    as Muon's author advises (https://kellerjordan.github.io/posts/muon/). The second group is
    another optimizer's (see ``OptimizerSpec.rest``) and is left out when empty.

    Raises:
        NotApplicable: the model has no hidden matrix.
    """
    from torch import nn  # loads torch: a second

    layers = list(model.modules())
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
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


PARAM_GROUP_RULES: dict[str, Callable[[nn.Module], ParamGroups]] = {
    "all": group_all,
    "no_decay_1d": group_no_decay_1d,
    "matrices": group_matrices,
}
