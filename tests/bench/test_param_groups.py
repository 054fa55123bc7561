from torch import nn

from bench.param_groups import everything, no_decay_1d


def model() -> nn.Sequential:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(4, 5))
    net[0].bias.requires_grad_(False)
    return net


def test_all_takes_every_trained_parameter_once():
    net = model()
    (group,) = everything(net)
    assert {id(p) for p in group["params"]} == {id(p) for p in net.parameters() if p.requires_grad}
    assert len(group["params"]) == 5


def test_no_decay_1d_frees_biases_and_normalisation():
    net = model()
    decays, free = no_decay_1d(net)
    assert [tuple(p.shape) for p in decays["params"]] == [(2, 1, 3, 3), (5, 4)]
    assert [tuple(p.shape) for p in free["params"]] == [(2,), (2,), (5,)]
    assert free["weight_decay"] == 0.0
    assert "weight_decay" not in decays


def test_no_decay_1d_leaves_out_an_empty_group():
    assert len(no_decay_1d(nn.Linear(2, 2, bias=False))) == 1
