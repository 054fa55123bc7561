"""What entrants cost when each trains alone: time of a step and memory of the optimizer's state.

All entrants of one setting take turns, round by round in a rotating order, so that a machine that
is busy for a while slows all of them alike and ratios stay fair. A step is the trial's own: the
same module under the same trainer, on the same clock (``bench.trial.clock``); evaluation, set-up
and the first steps of a round are not on it.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bench.build import components
from bench.runtime.lightning import pl
from bench.spec import Budget, Hardware, RefusedInput, TrialSpec, digest, protocol
from bench.trial import environment
from bench.trial.batches import Batches
from bench.trial.clock import TrainClock
from bench.trial.module import TrialModule
from bench.trial.run import built
from bench.trial.state import Course
from bench.trial.state_size import state_bytes
from bench.trial.trainer import fit, machine, make_trainer

Config = Mapping[str, Any]
Cost = dict[str, Any]

ROUNDS = 5
ROUND_SECONDS = 0.2
WARM, FEWEST, MOST = 2, 3, 2000
"""Steps of a round before the clock runs, and least and most steps that it then times."""


def measure(
    configs: Mapping[str, Config],
    data_dir: str,
    hardware: Hardware | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Cost]:
    """The cost of every config, about a second each.

    Args:
        configs: recorded ones, by any name.
        data_dir: where data sets are.
        say: told of each entrant that cannot be measured, in one line.

    Returns:
        By name: ``step_time_ms`` (median of the rounds' means), ``state_mib``, ``steps_measured``,
        ``device``, ``environment`` and ``reason``, which says why there are no numbers, else empty.
    """
    hardware = hardware or Hardware()
    found: dict[str, Cost] = {}
    for group in _by_setting(configs):
        found |= _group({name: configs[name] for name in group}, data_dir, hardware)
    for name, cost in found.items():
        if cost["reason"]:
            task, _, entrant = protocol.entrant_key(configs[name])
            say(f"{task} · {entrant}: not measured: {cost['reason']}")
    return {name: found[name] for name in configs}


@dataclass
class _Entrant:
    """One optimizer at its point, built once; its training goes on from round to round."""

    spec: TrialSpec
    module: TrialModule
    steps: int = FEWEST
    timed: int = 0
    times: list[float] = field(default_factory=list)

    def round(self) -> float:
        """Train for a round; seconds a step, its first ones left out."""
        steps = WARM + self.steps
        pl.seed_everything(self.spec.seed, verbose=False)
        trainer = make_trainer(self.spec)
        device = trainer.strategy.root_device
        watch = _Stopwatch(TrainClock(device), steps)
        trainer.callbacks.append(watch)  # type: ignore[attr-defined]
        spec = replace(self.spec, budget=Budget(steps, steps))
        batches = Batches.of(spec, self.module.task, device)
        fit(trainer, self.module, batches)
        self.module.losses.clear()
        return watch.clock.seconds / self.steps


class _Stopwatch(pl.Callback):
    """Times a round from its first warm step to its last."""

    def __init__(self, clock: TrainClock, steps: int) -> None:
        self.clock, self.steps = clock, steps

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx + 1 == WARM:
            self.clock.start()
        elif batch_idx + 1 == self.steps:
            self.clock.stop()


def _by_setting(configs: Mapping[str, Config]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name, config in configs.items():
        groups.setdefault(digest(protocol.setting(config)), []).append(name)
    return list(groups.values())


def _group(configs: Mapping[str, Config], data_dir: str, hardware: Hardware) -> dict[str, Cost]:
    """Entrants of one setting, in turns."""
    failed: dict[str, str] = {}
    entered = {
        name: _attempt(failed, name, _enter, config, data_dir, hardware)
        for name, config in configs.items()
    }
    live = [name for name in configs if name not in failed]
    if live:
        with machine(entered[live[0]].spec, hardware.threads) as made:
            for at in range(-1, ROUNDS):
                for name in _rotated([one for one in live if one not in failed], at):
                    _attempt(failed, name, _pace if at < 0 else _time, entered[name])
            described, device = made.environment, environment.device_name(made.device)
    return {
        name: _none(failed[name]) if name in failed else _cost(entered[name], device, described)
        for name in configs
    }


def _attempt(failed: dict[str, str], name: str, action: Callable[..., Any], *given: Any) -> Any:
    """What the action returns; what it raises is noted, and the others go on."""
    try:
        return action(*given)
    except Exception as error:  # a user's optimizer may raise anything
        first = str(error).split("\n", maxsplit=1)[0].rstrip(": ")
        failed[name] = (
            first if isinstance(error, RefusedInput) else f"{type(error).__name__}: {first}"
        )
        return None


def _enter(config: Config, data_dir: str, hardware: Hardware) -> _Entrant:
    """Ready to train.

    Raises:
        RefusedInput: its data is not there or is other data, or it cannot be built.
    """
    spec = TrialSpec.from_config(config, study="costs", data_dir=data_dir, hardware=hardware)
    task = components.task_of(spec)
    if task.dataset.fingerprint != spec.data_fingerprint:
        raise RefusedInput(f"data_dir={data_dir}: holds other data than the trials trained on")
    device = make_trainer(spec).strategy.root_device
    return _Entrant(spec, TrialModule(task, built(spec, task, device), Course(spec, {})))


def _pace(entrant: _Entrant) -> None:
    """A round that is not counted: it warms up, and says how many steps fill the others."""
    seconds = entrant.round()
    entrant.steps = max(FEWEST, min(MOST, round(ROUND_SECONDS / max(seconds, 1e-6))))


def _time(entrant: _Entrant) -> None:
    entrant.times.append(entrant.round())
    entrant.timed += entrant.steps


def _cost(entrant: _Entrant, device: str, described: Mapping[str, str]) -> Cost:
    entrant.module.optimizer.zero_grad()
    kept = state_bytes(entrant.module.optimizer, entrant.module.model.parameters())
    return {
        "step_time_ms": 1e3 * statistics.median(entrant.times),
        "state_mib": kept / 2**20,
        "steps_measured": entrant.timed,
        "device": device,
        "environment": dict(described),
        "reason": "",
    }


def _none(reason: str) -> Cost:
    """JSON has no NaN: what was not measured is None."""
    numbers = dict.fromkeys(("step_time_ms", "state_mib"))
    return {**numbers, "steps_measured": 0, "device": "", "environment": {}, "reason": reason}


def _rotated(names: Sequence[str], at: int) -> list[str]:
    """Everybody is first once: who comes after whom must not matter."""
    at = at % len(names) if names else 0
    return [*names[at:], *names[:at]]
