"""The cost of entrants that train alone: time of a step and memory of the optimizer's state.

All entrants of one setting take turns, round by round in a rotating order. A machine that is busy
for a while slows all of them alike, so ratios stay fair. A step is that of a trial: the same
module, trainer and clock. Evaluation, set-up and the first steps of a round are not timed.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bench.build import components
from bench.runtime.lightning import pl
from bench.spec import Budget, Hardware, RefusedInput, RunContext, TrialSpec, digest, protocol
from bench.spec.errors import describe_error
from bench.trial import environment
from bench.trial.batches import Batches
from bench.trial.clock import TrainClock
from bench.trial.module import TrialModule
from bench.trial.run import build_parts
from bench.trial.state import TrialState
from bench.trial.state_size import count_state_bytes
from bench.trial.trainer import fit, make_trainer, open_trainer

Config = Mapping[str, Any]
Cost = dict[str, Any]

ROUNDS = 5
ROUND_SECONDS = 0.2
WARM_UP_STEPS, MIN_STEPS, MAX_STEPS = 2, 3, 2000
"""Steps of a round before the clock runs, and the fewest and most steps that are timed."""


def measure_costs(
    configs: Mapping[str, Config],
    data_dir: str,
    hardware: Hardware | None = None,
    on_failure: Callable[[str], None] = lambda line: None,
) -> dict[str, Cost]:
    """Measure the cost of every config, about a second each.

    Args:
        configs: recorded configs, by any name.
        data_dir: the folder of data sets.
        on_failure: called with one line for each entrant that cannot be measured.

    Returns:
        By name: ``step_time_ms`` (median of the rounds' means), ``state_mib``, ``steps_measured``,
        ``device``, ``environment`` and ``reason``, which is empty where there are numbers.
    """
    hardware = hardware or Hardware()
    costs: dict[str, Cost] = {}
    for group in _group_by_setting(configs):
        costs |= _measure_group({name: configs[name] for name in group}, data_dir, hardware)
    for name, cost in costs.items():
        if cost["reason"]:
            task, _, entrant = protocol.entrant_key(configs[name])
            on_failure(f"{task} · {entrant}: not measured: {cost['reason']}")
    return {name: costs[name] for name in configs}


@dataclass
class _Entrant:
    """One optimizer at its point, built once and trained on from round to round."""

    spec: TrialSpec
    module: TrialModule
    steps: int = MIN_STEPS
    timed: int = 0
    times: list[float] = field(default_factory=list)

    def train_round(self) -> float:
        """Train for a round; return the seconds of a step, without the first ones."""
        steps = WARM_UP_STEPS + self.steps
        pl.seed_everything(self.spec.seed, verbose=False)
        trainer = make_trainer(self.spec)
        device = trainer.strategy.root_device
        stopwatch = _Stopwatch(TrainClock(device), steps)
        trainer.callbacks.append(stopwatch)  # type: ignore[attr-defined]
        spec = replace(self.spec, budget=Budget(steps, steps))
        batches = Batches.from_spec(spec, self.module.task, device)
        fit(trainer, self.module, batches)
        self.module.losses.clear()
        return stopwatch.clock.seconds / self.steps


class _Stopwatch(pl.Callback):
    """A clock of a round, from the end of its warm-up to its last step."""

    def __init__(self, clock: TrainClock, steps: int) -> None:
        self.clock, self.steps = clock, steps

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx + 1 == WARM_UP_STEPS:
            self.clock.start()
        elif batch_idx + 1 == self.steps:
            self.clock.stop()


def _group_by_setting(configs: Mapping[str, Config]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name, config in configs.items():
        groups.setdefault(digest(protocol.setting(config)), []).append(name)
    return list(groups.values())


def _measure_group(
    configs: Mapping[str, Config], data_dir: str, hardware: Hardware
) -> dict[str, Cost]:
    """Measure the entrants of one setting in turns."""
    failed: dict[str, str] = {}
    entrants = {
        name: _attempt(failed, name, _build_entrant, config, data_dir, hardware)
        for name, config in configs.items()
    }
    built = [name for name in configs if name not in failed]
    if built:
        with open_trainer(entrants[built[0]].spec, hardware.threads) as trainer:
            for at in range(-1, ROUNDS):
                for name in _rotate([one for one in built if one not in failed], at):
                    _attempt(failed, name, _warm_up if at < 0 else _time_round, entrants[name])
            device = environment.get_device_name(trainer.device)
    return {
        name: _make_missing_cost(failed[name])
        if name in failed
        else _summarize(entrants[name], device, trainer.environment)
        for name in configs
    }


def _attempt(failed: dict[str, str], name: str, action: Callable[..., Any], *args: Any) -> Any:
    """Return what the action returns; note what it raises, so that the others go on."""
    try:
        return action(*args)
    except Exception as error:  # a guard makes one of all that a user's optimizer raises
        told = str(error) if isinstance(error, RefusedInput) else describe_error(error)
        failed[name] = told.split("\n", maxsplit=1)[0].rstrip(": ")
        return None


def _build_entrant(config: Config, data_dir: str, hardware: Hardware) -> _Entrant:
    """Build an entrant.

    Raises:
        RefusedInput: its data is not there or is other data, or it cannot be built.
    """
    spec = TrialSpec.from_config(config, RunContext("costs", data_dir, hardware=hardware))
    task = components.load_task(spec)
    if task.dataset.fingerprint != spec.data_fingerprint:
        raise RefusedInput(f"data_dir={data_dir}: holds other data than the trials trained on")
    device = make_trainer(spec).strategy.root_device
    return _Entrant(spec, TrialModule(task, build_parts(spec, task, device), TrialState(spec, {})))


def _warm_up(entrant: _Entrant) -> None:
    """Train a round that is not counted; choose how many steps fill the other rounds."""
    seconds = entrant.train_round()
    entrant.steps = max(MIN_STEPS, min(MAX_STEPS, round(ROUND_SECONDS / max(seconds, 1e-6))))


def _time_round(entrant: _Entrant) -> None:
    entrant.times.append(entrant.train_round())
    entrant.timed += entrant.steps


def _summarize(entrant: _Entrant, device: str, description: Mapping[str, str]) -> Cost:
    entrant.module.optimizer.zero_grad()
    state = count_state_bytes(entrant.module.optimizer, entrant.module.model.parameters())
    return {
        "step_time_ms": 1e3 * statistics.median(entrant.times),
        "state_mib": state / 2**20,
        "steps_measured": entrant.timed,
        "device": device,
        "environment": dict(description),
        "reason": "",
    }


def _make_missing_cost(reason: str) -> Cost:
    """Make a cost without numbers: None, for JSON has no NaN."""
    numbers = dict.fromkeys(("step_time_ms", "state_mib"))
    return {**numbers, "steps_measured": 0, "device": "", "environment": {}, "reason": reason}


def _rotate(names: Sequence[str], at: int) -> list[str]:
    """Let each entrant be first once, so that order does not matter."""
    at = at % len(names) if names else 0
    return [*names[at:], *names[:at]]
