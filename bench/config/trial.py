"""From a composed config to a frozen ``TrialSpec``.

``schema.py`` refuses unknown keys and wrong types while Hydra composes; what it cannot know (an
optimizer's hyperparameters, a model that does not fit a task, data that is not there) is refused in
``trial_spec``. None of it imports torch, so a mistake is answered at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from bench import build
from bench.config import sources
from bench.config.files import check_against_file, component
from bench.config.optimizer import optimizer_spec
from bench.spec import Budget, Hardware, RefusedInput, Target, TaskSpec, TrialSpec

STARTED = time.time()
"""When this process began: ``fresh=true`` lets no earlier record answer."""

EVALUATIONS = 20
"""Evaluations of a trial where ``budget.eval_every`` does not say otherwise."""


def trial_spec(cfg: DictConfig, choices: Mapping[str, str]) -> TrialSpec:
    """The trial that a composed config describes, checked.

    Args:
        cfg: as Hydra composed it.
        choices: the option chosen in each config group (``hydra.runtime.choices``).

    Raises:
        RefusedInput: naming file, key, value and remedy.
    """
    plain: dict[str, Any] = {
        str(key): OmegaConf.to_container(cfg[key], resolve=True, throw_on_missing=True)
        if OmegaConf.is_config(cfg[key])
        else cfg[key]
        for key in cfg
        if key != "hydra"
    }
    for group in ("model", "schedule"):
        check_against_file(group, choices[group], plain[group])
    task, model = plain["task"], plain["model"]
    _check_fit(choices, task.get("inputs"), model.pop("inputs", None))
    data = component("", task["data"], sources.code(task["data"]))
    dataset = build.dataset(
        choices["task"], data, plain["data_dir"], plain["download"], task["files"]
    )
    trainer = plain["trainer"]
    return TrialSpec(
        study=plain["study"],
        task=TaskSpec(
            name=choices["task"],
            target=task["_target_"],
            code=sources.code({"_target_": task["_target_"]}),
            data=data,
            target_metric=Target(task["metric"], task["direction"], task["target"]),
            version=task["version"],
            files=task["files"],
        ),
        model=component(choices["model"], model, sources.code(model)),
        optimizer=optimizer_spec(choices["optimizer"], plain["optimizer"]),
        schedule=component(choices["schedule"], plain["schedule"], sources.code(plain["schedule"])),
        batch_size=_batch_size(plain["batch_size"], len(dataset.train.targets)),
        budget=_budget(plain["budget"], plain["batch_size"], len(dataset.train.targets)),
        seed=plain["seed"],
        precision=trainer["precision"],
        stop_at_target=plain["stop_at_target"],
        data_fingerprint=dataset.fingerprint,
        data_dir=plain["data_dir"],
        download=plain["download"],
        hardware=_hardware(trainer),
        fresh_since=STARTED if plain["fresh"] else 0.0,
    )


def refuse_study_keys(cfg: DictConfig) -> None:
    """Refuse what only a study or an ablation heeds, in a trial or another sweep."""
    for key, sweeper in (("suite", "study"), ("plan", "study"), ("ablate", "ablate")):
        if cfg[key]:
            raise RefusedInput(
                f"{key}={cfg[key]}: only a study heeds it; add -m hydra/sweeper={sweeper}"
            )


def _check_fit(choices: Mapping[str, str], given: str | None, taken: str | None) -> None:
    if given and taken and given != taken:
        raise RefusedInput(
            f"model={choices['model']}: takes {taken}, but task={choices['task']} gives {given}; "
            f"choose a model whose YAML in conf/model says inputs: {given}"
        )


def _batch_size(batch_size: int, examples: int) -> int:
    if batch_size > examples:
        raise RefusedInput(
            f"batch_size: {batch_size} exceeds the {examples} examples of the training split"
        )
    return batch_size


def _budget(values: Mapping[str, Any], batch_size: int, examples: int) -> Budget:
    steps, epochs = values["steps"], values["epochs"]
    if epochs is not None:
        if epochs <= 0:
            raise RefusedInput(f"budget.epochs: {epochs} is not a positive number of epochs")
        steps = max(1, round(epochs * (examples // max(1, batch_size))))
    if steps is None:
        raise RefusedInput("budget.steps: missing; give budget.steps or budget.epochs")
    every = values["eval_every"]
    return Budget(steps, max(1, steps // EVALUATIONS) if every is None else every)


def _hardware(trainer: Mapping[str, Any]) -> Hardware:
    devices, threads = trainer["devices"], trainer["threads"]
    one_index = isinstance(devices, list) and len(devices) == 1 and isinstance(devices[0], int)
    if devices != 1 and not one_index:
        raise RefusedInput(
            f"trainer.devices={devices}: one trial trains on one device; give 1 or one index such "
            "as [0], and use a launcher (hydra/launcher=joblib) to fill several"
        )
    if threads < 1:
        raise RefusedInput(f"trainer.threads: {threads} is not a positive number of threads")
    limit = trainer["max_seconds"]
    if limit is not None and not 0 < limit < math.inf:
        raise RefusedInput(f"trainer.max_seconds: {limit} is not a positive number of seconds")
    return Hardware(trainer["accelerator"], tuple(devices) if one_index else 1, threads, limit)
