"""Checkpoints, memory layouts and what is refused."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch

from bench.optimizers.adam import Adam, AdamW

PAIRS = [(Adam, torch.optim.Adam), (AdamW, torch.optim.AdamW)]
IMPLEMENTATIONS = ["auto", "reference", "foreach", "fused"]


def _params() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(s, generator=generator)) for s in [(4, 3), (40,)]]


def _train(params: list[torch.nn.Parameter], optimizer: Any, steps: range) -> None:
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator, dtype=p.dtype)
        optimizer.step()


@pytest.mark.parametrize("flags", [{}, {"foreach": True}, {"fused": True}], ids=str)
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_a_checkpoint_of_torch_continues_here_and_back(
    ours: Any, theirs: Any, implementation: str, flags: dict[str, bool]
) -> None:
    kwargs: dict[str, Any] = {"lr": 0.1, "weight_decay": 0.05, "amsgrad": True}
    params = _params()
    straight = theirs(params, **kwargs)
    _train(params, straight, range(9))

    moved = _params()
    first = theirs(moved, **kwargs, **flags)
    _train(moved, first, range(3))
    second = ours(moved, implementation=implementation)
    second.load_state_dict(first.state_dict())
    assert second.param_groups[0]["implementation"] == implementation
    _train(moved, second, range(3, 6))
    third = theirs(moved, **flags)
    third.load_state_dict(second.state_dict())
    _train(moved, third, range(6, 9))
    torch.testing.assert_close(moved, params)


def test_loads_states_from_before_step_was_a_tensor_and_the_newer_switches() -> None:
    params = _params()
    optimizer = Adam(params, lr=0.1)
    _train(params, optimizer, range(2))
    old = deepcopy(optimizer.state_dict())
    for state in old["state"].values():
        state["step"] = int(state["step"])
    keep = {"lr", "betas", "eps", "weight_decay", "params"}
    old["param_groups"] = [
        {key: value for key, value in group.items() if key in keep} for group in old["param_groups"]
    ]
    again = deepcopy(params)
    loaded = Adam(again)
    loaded.load_state_dict(old)
    _train(params, optimizer, range(2, 4))
    _train(again, loaded, range(2, 4))
    torch.testing.assert_close(again, params, rtol=0, atol=0)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_gradients_and_moments_in_another_memory_order(implementation: str) -> None:
    """torch's fused kernel walks memory and would mix the elements up; ours must not."""
    p = torch.nn.Parameter(torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last))
    q = torch.nn.Parameter(p.detach().clone(memory_format=torch.contiguous_format))
    mine, plain = Adam([p], 0.1, implementation=implementation), Adam([q], 0.1, foreach=True)
    _train([p], mine, range(3))  # gradients are contiguous
    _train([q], plain, range(3))
    torch.testing.assert_close(p.detach(), q.detach(), check_stride=False)

    swapped = Adam([q], implementation=implementation)  # contiguous, its state is not
    swapped.load_state_dict(deepcopy(mine.state_dict()))  # loading alone would share tensors
    p.grad = torch.randn(2, 2, 3, 4).permute(3, 2, 0, 1)
    q.grad = p.grad.clone()
    mine.step()
    swapped.step()
    torch.testing.assert_close(p.detach(), q.detach(), check_stride=False)


def test_a_parameter_with_gaps_in_memory_leaves_the_gaps_alone() -> None:
    whole = torch.zeros(4, 10)
    p = torch.nn.Parameter(whole[:, ::2])
    p.grad = torch.ones(4, 5)
    Adam([p], lr=0.1).step()
    assert whole[:, 1::2].count_nonzero() == 0
    torch.testing.assert_close(whole[:, ::2], torch.full((4, 5), -0.1))
    with pytest.raises(RuntimeError, match="dense in memory"):
        Adam([p], implementation="fused")


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("amsgrad", [False, True])
def test_complex_parameters_are_pairs_of_real_ones(implementation: str, amsgrad: bool) -> None:
    p = torch.nn.Parameter(torch.randn(3, 2, dtype=torch.complex64))
    q = torch.nn.Parameter(p.detach().clone())
    ours = Adam([p], 0.1, amsgrad=amsgrad, implementation=implementation)
    theirs = torch.optim.Adam([q], 0.1, amsgrad=amsgrad)
    for _ in range(4):
        p.grad = torch.randn(3, 2, dtype=torch.complex64).conj()
        q.grad = p.grad.resolve_conj().clone()
        ours.step()
        theirs.step()
    torch.testing.assert_close(p, q)
    torch.testing.assert_close(ours.state[p]["exp_avg_sq"], theirs.state[q]["exp_avg_sq"])


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("extra", [{}, {"eps_inside_root": True}, {"bias_correction": False}])
def test_capturable_tensors_give_the_same_numbers(
    implementation: str, extra: dict[str, bool]
) -> None:
    """Everything of a captured graph but the graph, so that it is tested without a GPU too."""
    mine, plain = _params(), _params()
    ours = Adam(mine, torch.tensor(0.1), capturable=True, implementation=implementation, **extra)
    _train(mine, ours, range(4))
    _train(plain, Adam(plain, 0.1, **extra), range(4))
    torch.testing.assert_close(mine, plain)


def test_parameters_that_missed_steps_have_their_own_t() -> None:
    mine, plain = _params(), _params()
    optimizers = [
        Adam(params, 0.1, eps=1e-3, eps_inside_root=True, implementation=name)
        for params, name in ((mine, "fused"), (plain, "reference"))
    ]
    for params, optimizer in zip((mine, plain), optimizers, strict=True):
        _train(params[:1], optimizer, range(3))
        _train(params, optimizer, range(3, 6))
        assert [optimizer.state[p]["step"].item() for p in params] == [6, 3]
    torch.testing.assert_close(mine, plain)


def test_grad_scaler_leaves_division_and_check_to_the_fused_kernel() -> None:
    params, plain = _params(), _params()
    optimizer, other = Adam(params, 0.1, fused=True), Adam(plain, 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    for bad in (False, True, False):
        scale = scaler.scale(torch.ones(())).item()
        for p, q in zip(params, plain, strict=True):
            p.grad = torch.full_like(p, float("inf") if bad else 0.5 * scale)
            q.grad = torch.full_like(q, 0.5)
        scaler.step(optimizer)
        scaler.update()
        if not bad:
            other.step()
    torch.testing.assert_close(params, plain)
    assert optimizer.state[params[0]]["step"].item() == 2


def test_adamw_is_torchs_with_torchs_default_decay() -> None:
    mine, theirs = _params(), _params()
    _train(mine, AdamW(mine, 0.1), range(5))
    _train(theirs, torch.optim.AdamW(theirs, 0.1), range(5))
    torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"lr": -1.0}, "Invalid learning rate: -1.0"),
        ({"lr": float("nan")}, "Invalid learning rate: nan"),
        ({"betas": (0.9, 1.0)}, "Invalid beta parameter at index 1: 1.0"),
        ({"betas": (0.9,)}, r"betas must be two numbers, got \(0.9,\)"),
        ({"eps": -1e-8}, "Invalid epsilon value: -1e-08"),
        ({"weight_decay": -0.1}, "Invalid weight_decay value: -0.1"),
        ({"implementation": "fast"}, "Invalid implementation: 'fast'"),
        ({"implementation": "fused", "foreach": True}, "disagree"),
    ],
)
def test_refuses_bad_values_naming_them(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Adam(_params(), **kwargs)
    if "implementation" not in kwargs:
        with pytest.raises(ValueError, match=message):
            Adam([{"params": _params(), **kwargs}])


def test_a_refused_group_is_not_added() -> None:
    optimizer = Adam(_params())
    with pytest.raises(ValueError, match="Invalid learning rate"):
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": -1.0})
    assert len(optimizer.param_groups) == 1


def test_sparse_is_refused_with_the_reason() -> None:
    sparse = torch.nn.Parameter(torch.eye(3).to_sparse())
    with pytest.raises(ValueError, match="sparse parameters"):
        Adam([sparse])
    p = torch.nn.Parameter(torch.eye(3))
    p.grad = torch.eye(3).to_sparse()
    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        Adam([p]).step()


def test_flags_of_torch_choose_the_implementation() -> None:
    def chosen(**flags: Any) -> str:
        return Adam(_params(), **flags).param_groups[0]["implementation"]

    assert chosen() == chosen(foreach=None, fused=None) == "auto"
    assert chosen(foreach=True) == chosen(foreach=True, fused=False) == "foreach"
    assert chosen(fused=True) == "fused"
    assert chosen(foreach=False) == chosen(fused=False) == "reference"


def test_subclasses_of_tensor_are_updated_through_their_own_operations() -> None:
    seen = []

    class Watched(torch.Tensor):
        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            seen.append(getattr(func, "__name__", ""))
            return super().__torch_function__(func, types, args, kwargs or {})

    p = torch.ones(3).as_subclass(Watched).requires_grad_()
    p.grad = torch.ones(3).as_subclass(Watched)
    Adam([p], lr=0.1).step()
    assert "copy_" in seen
    torch.testing.assert_close(p.detach().as_subclass(torch.Tensor), torch.full((3,), 0.9))
