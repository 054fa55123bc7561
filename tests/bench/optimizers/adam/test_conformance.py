"""torch's own optimizer kit over our Adam: its configurations, its errors, its schedulers.

The kit promises no stability; where it is missing these tests are skipped and the others remain.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import torch

from bench.optimizers.adam import Adam, AdamW

pytest.importorskip("expecttest")
kit = pytest.importorskip("torch.testing._internal.common_optimizers")
device_type = pytest.importorskip("torch.testing._internal.common_device_type")
utils = pytest.importorskip("torch.testing._internal.common_utils")

TORCH = {Adam: torch.optim.Adam, AdamW: torch.optim.AdamW}


def _info(ours: type, theirs: type) -> Any:
    """The kit's own entry for torch's class, with ours in its place."""
    entry = next(info for info in kit.optim_db if info.optim_cls is theirs)
    return kit.OptimizerInfo(
        ours,
        optim_inputs_func=entry.optim_inputs_func,
        optim_error_inputs_func=entry.optim_error_inputs_func,
        scheduler_inputs=entry.scheduler_inputs,
        supported_impls=("foreach", "fused"),
        supports_fused_on=("cpu", "cuda"),
        has_capturable_arg=True,
    )


INFOS = [_info(ours, theirs) for ours, theirs in TORCH.items()]


def _cases(device: str, dtype: torch.dtype, info: Any) -> Iterator[dict[str, Any]]:
    """Keyword arguments: the kit's configurations by its flags, and by our own argument."""
    for case in kit._get_optim_inputs_including_global_cliquey_kwargs(device, dtype, info):
        yield case.kwargs
    for case in info.optim_inputs_func(device, dtype):
        for implementation in ("auto", "reference", "foreach", "fused"):
            if not (implementation == "foreach" and torch.is_tensor(case.kwargs.get("lr"))):
                yield case.kwargs | {"implementation": implementation}


def _params(device: str, dtype: torch.dtype) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(2, 3), (3,), (), (1, 5, 2), (0,)]
    return [
        torch.nn.Parameter(torch.randn(s, generator=generator, dtype=dtype).to(device))
        for s in shapes
    ]


def _give_gradients(params: list[torch.nn.Parameter], step: int) -> None:
    """The same for the same step; at step 3 the first parameter has none."""
    generator = torch.Generator().manual_seed(step)
    for i, p in enumerate(params):
        g = torch.randn(p.shape, generator=generator, dtype=p.dtype).to(p.device)
        p.grad = None if step == 3 and i == 0 else g


def _torch_kwargs(kwargs: dict[str, Any]) -> dict[str, Any]:
    """For torch's plainest implementation, which all of ours must equal."""
    own = {"implementation", "foreach", "fused"}
    return {key: deepcopy(value) for key, value in kwargs.items() if key not in own}


class TestKit(utils.TestCase):
    @kit.optims(INFOS, dtypes=[torch.float32, torch.float64])
    def test_parameters_and_state_equal_torchs(self, device, dtype, optim_info):
        for kwargs in _cases(device, dtype, optim_info):
            mine, theirs = _params(device, dtype), _params(device, dtype)
            ours = optim_info.optim_cls(mine, **deepcopy(kwargs))
            reference = TORCH[optim_info.optim_cls](theirs, **_torch_kwargs(kwargs))
            for step in range(7):
                for params, optimizer in ((mine, ours), (theirs, reference)):
                    _give_gradients(params, step)
                    optimizer.step()
                for p, q in zip(mine, theirs, strict=True):
                    self.assertEqual(p, q, msg=f"{kwargs}")
                    self.assertEqual(set(ours.state[p]), set(reference.state[q]))
                    for key, value in reference.state[q].items():
                        self.assertEqual(ours.state[p][key], value, exact_device=False)

    @kit.optims(INFOS)
    def test_without_gradients_nothing_happens(self, device, dtype, optim_info):
        for kwargs in _cases(device, dtype, optim_info):
            params = _params(device, dtype)
            before = deepcopy(params)
            optimizer = optim_info.optim_cls(params, **kwargs)
            optimizer.step()
            self.assertEqual(params, before)
            self.assertEqual(dict(optimizer.state), {})

    @kit.optims(INFOS)
    def test_refuses_what_torch_refuses(self, device, dtype, optim_info):
        for error in optim_info.optim_error_inputs_func(device=device, dtype=dtype):
            case = error.optimizer_error_input
            if "differentiable" in case.kwargs:
                continue  # an argument that we do not have
            params = case.params
            if case.desc == "Tensor lr must be 1-element":  # unless they are slices of a stack
                params = [torch.nn.Parameter(torch.ones(1, 1, device=device))]
            check = (
                self.assertWarnsRegex
                if issubclass(error.error_type, Warning)
                else self.assertRaisesRegex
            )
            with check(error.error_type, error.error_regex):
                optim_info.optim_cls(params, **case.kwargs)

    @kit.optims(INFOS, dtypes=[torch.float32])
    def test_every_scheduler_does_as_with_torchs(self, device, dtype, optim_info):
        for makers in optim_info.scheduler_inputs:
            mine, theirs = _params(device, dtype), _params(device, dtype)
            ours, reference = optim_info.optim_cls(mine), TORCH[optim_info.optim_cls](theirs)
            schedulers = [[make(o) for make in makers] for o in (ours, reference)]
            for step in range(12):
                for params, optimizer, own in zip(
                    (mine, theirs), (ours, reference), schedulers, strict=True
                ):
                    _give_gradients(params, step)
                    optimizer.step()
                    for scheduler in own:
                        metric = isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
                        scheduler.step(1.0) if metric else scheduler.step()
            self.assertEqual(ours.param_groups[0]["lr"], reference.param_groups[0]["lr"])
            self.assertEqual(mine, theirs)

    @kit.optims(INFOS)
    def test_state_dict_round_trip_continues_to_the_same_numbers(self, device, dtype, optim_info):
        for kwargs in _cases(device, dtype, optim_info):
            mine = _params(device, dtype)
            ours = optim_info.optim_cls(mine, **deepcopy(kwargs))
            for step in range(4):
                _give_gradients(mine, step)
                ours.step()
            file = io.BytesIO()
            torch.save(ours.state_dict(), file)
            file.seek(0)
            theirs = deepcopy(mine)
            loaded = optim_info.optim_cls(theirs, **deepcopy(kwargs))
            loaded.load_state_dict(torch.load(file, weights_only=True))
            self.assertEqual(loaded.state_dict(), ours.state_dict())
            for step in range(4, 7):
                for params, optimizer in ((mine, ours), (theirs, loaded)):
                    _give_gradients(params, step)
                    optimizer.step()
            self.assertEqual(mine, theirs)

    @kit.optims(INFOS)
    def test_deepcopy_and_printing(self, device, dtype, optim_info):
        for kwargs in _cases(device, dtype, optim_info):
            params = _params(device, dtype)
            optimizer = optim_info.optim_cls(params, **kwargs)
            _give_gradients(params, 0)
            optimizer.step()
            copied = deepcopy(optimizer)
            self.assertEqual(copied.state_dict(), optimizer.state_dict())
            self.assertIsNot(copied.param_groups[0]["params"][0], params[0])
            self.assertEqual(repr(copied), repr(optimizer))
            self.assertIn("lr:", repr(optimizer))
            copied.step()

    @kit.optims(INFOS)
    def test_hooks_and_closure(self, device, dtype, optim_info):
        params = _params(device, dtype)
        optimizer = optim_info.optim_cls(params, lr=0.1)
        seen = []
        before = optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
        optimizer.register_step_post_hook(lambda *_: seen.append("after"))

        def closure() -> float:
            self.assertTrue(torch.is_grad_enabled())
            seen.append("closure")
            _give_gradients(params, 0)
            return 2.5

        self.assertEqual(optimizer.step(closure), 2.5)
        before.remove()
        optimizer.step()
        self.assertEqual(seen, ["before", "closure", "after", "after"])


device_type.instantiate_device_type_tests(TestKit, globals(), only_for=("cpu", "cuda"))
