import pytest
from torch import nn

from bench.build.param_groups import (
    describe_matrices,
    group_all,
    group_matrices,
    group_no_decay_1d,
)
from bench.spec import NotApplicable
from tasks.models.image import CNN, MLP
from tasks.models.text import GRU, Bag, Transformer


def model() -> nn.Sequential:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(4, 5))
    net[0].bias.requires_grad_(False)
    return net


def test_all_takes_every_trained_parameter_once():
    net = model()
    (group,) = group_all(net)
    assert {id(p) for p in group["params"]} == {id(p) for p in net.parameters() if p.requires_grad}
    assert len(group["params"]) == 5


def test_no_decay_1d_frees_biases_and_normalisation():
    net = model()
    decays, free = group_no_decay_1d(net)
    assert [tuple(p.shape) for p in decays["params"]] == [(2, 1, 3, 3), (5, 4)]
    assert [tuple(p.shape) for p in free["params"]] == [(2,), (2,), (5,)]
    assert free["weight_decay"] == 0.0
    assert "weight_decay" not in decays


def test_no_decay_1d_leaves_out_an_empty_group():
    assert len(group_no_decay_1d(nn.Linear(2, 2, bias=False))) == 1


TEXT = {"vocabulary_size": 20, "max_length": 8, "num_classes": 3}


def hidden(model):
    names = {id(p): name for name, p in model.named_parameters()}
    first, *others = group_matrices(model)
    split = [*first["params"], *(p for group in others for p in group["params"])]
    assert sorted(map(id, split)) == sorted(names)  # each once
    return [names[id(p)] for p in first["params"]]


def test_matrices_are_hidden_ones_without_embeddings_and_output():
    assert hidden(MLP((1, 4, 4), 3, hidden=(6, 5))) == ["layers.1.weight", "layers.3.weight"]
    assert hidden(CNN((1, 8, 8), 3)) == ["layers.7.weight"]  # kernels have 4 axes
    assert hidden(GRU(**TEXT)) == ["recurrent.weight_ih_l0", "recurrent.weight_hh_l0"]
    inside = hidden(Transformer(**TEXT, layers=1))
    assert [name.removeprefix("layers.0.") for name in inside] == [
        "query_key_value.weight",
        "projection.weight",
        "feed_forward.0.weight",
        "feed_forward.2.weight",
    ]


class HeadFirst(nn.Module):
    """Registers its output layer before the hidden one."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 2)
        self.hidden = nn.Linear(3, 4)


def test_which_parameters_go_where_is_named_with_what_is_taken_for_the_head():
    assert describe_matrices(MLP((1, 2, 2), 3, hidden=(6, 5))) == (
        "hidden matrices: layers.1.weight, layers.3.weight; the rest: layers.1.bias, "
        "layers.3.bias, layers.5.weight, layers.5.bias; layers.5.weight is taken for the head "
        "(the Linear registered last)"
    )
    assert describe_matrices(HeadFirst()) == (
        "hidden matrices: head.weight; the rest: head.bias, hidden.weight, hidden.bias; "
        "hidden.weight is taken for the head (the Linear registered last)"
    )
    assert " and 1 more" in describe_matrices(MLP((1, 2, 2), 3, hidden=(6, 5, 4)))


def test_a_model_without_hidden_matrices_says_so():
    with pytest.raises(NotApplicable, match="Bag has no hidden matrix"):
        group_matrices(Bag(**TEXT))


def test_matrices_alone_are_one_group():
    (group,) = group_matrices(OnlyMatrices())
    assert len(group["params"]) == 1


class OnlyMatrices(nn.Module):
    """One matrix that is no layer's."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(nn.Linear(3, 2).weight.detach())
