"""A frozen ``TrialSpec`` from a composed config.

``schema.py`` refuses unknown keys and wrong types while Hydra composes. ``build_trial_spec``
refuses the rest: unknown hyperparameters, a model that does not fit a task, missing data. None of
it imports torch, so a mistake is refused at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from bench.build import components
from bench.config import sources
from bench.config.files import (
    build_component,
    check_against_file,
    check_target,
    find_default_model,
    find_yaml,
    read_file_values,
)
from bench.config.limits import limit_interpolations, to_plain
from bench.config.optimizer import build_optimizer_spec
from bench.config.schema import AugmentConfig, Config
from bench.spec import (
    Budget,
    Hardware,
    RefusedInput,
    RunContext,
    Target,
    TaskSpec,
    TrialOrigin,
    TrialSpec,
    check_study,
    raise_refused,
)
from bench.spec.names import check_key, check_name
from bench.spec.suggest import suggest

MAX_THREADS = 1024
MAX_WORKERS = 64
UNREAD = frozenset({"hydra", "data_dir"})
"""Keys that are read apart: Hydra's own, and a folder that an environment variable names."""
GROUPS = frozenset({"task", "model", "optimizer", "schedule"})
EVALUATIONS = 20
"""Evaluations of a trial where ``budget.eval_every`` does not say otherwise."""


def build_trial_spec(cfg: DictConfig, choices: Mapping[str, str]) -> TrialSpec:
    """Build and check the trial that a composed config describes.

    Args:
        cfg: as Hydra composed it.
        choices: the option chosen in each config group (``hydra.runtime.choices``).

    Raises:
        RefusedInput: naming file, key, value and remedy.
    """
    _refuse_deleted(cfg, choices)
    plain, has_references = _read_plain(cfg, choices)
    wrong: list[RefusedInput] = []
    wrong_data: list[RefusedInput] = []
    task = plain["task"]
    path = find_yaml("task", choices["task"])
    with _collect_refusals(wrong_data):
        check_target(f"{path}: task", "task", task)
        check_target(f"{path}: task.data", "data set", task["data"])
        data = replace(build_component("task", choices["task"], task["data"]), name="")
        dataset = components.load_dataset(
            choices["task"], data, plain["data_dir"], plain["download"], task["files"]
        )
        examples = len(dataset.train.targets)
        with _collect_refusals(wrong_data):
            batch_size = _check_batch_size(plain["batch_size"], examples)
        with _collect_refusals(wrong_data):
            if has_references:
                plain = _settle_budget(cfg, choices, plain, examples)
            budget = _build_budget(plain["budget"], plain["batch_size"], examples)
    task, model = plain["task"], plain["model"]
    inputs = model.pop("inputs", None)
    with _collect_refusals(wrong):
        check_study(plain["study"])
    for group in sorted(GROUPS):
        with _collect_refusals(wrong):
            check_name(f"{find_yaml(group, choices[group])}: {group}", choices[group])
    for group in ("model", "schedule"):
        with _collect_refusals(wrong):
            check_against_file(group, choices[group], plain[group])
    with _collect_refusals(wrong):
        _check_fit(choices, task.get("inputs"), inputs)
    with _collect_refusals(wrong):
        optimizer = build_optimizer_spec(choices["optimizer"], plain["optimizer"])
    with _collect_refusals(wrong):
        hardware = _build_hardware(plain["trainer"])
    with _collect_refusals(wrong):
        check_key(f"{path}: task.metric", "metric", task["metric"])
        target = Target(task["metric"], task["direction"], task["target"])
    wrong += wrong_data
    raise_refused(wrong)
    spec = TrialSpec(
        task=TaskSpec(
            name=choices["task"],
            target=task["_target_"],
            arguments=collect_task_arguments(task),
            code=sources.describe_code({"_target_": task["_target_"]}),
            path=path,
            data=data,
            target_metric=target,
            version=task["version"],
            files=task["files"],
        ),
        model=build_component("model", choices["model"], model),
        optimizer=optimizer,
        schedule=build_component("schedule", choices["schedule"], plain["schedule"]),
        batch_size=batch_size,
        budget=budget,
        seed=plain["seed"],
        precision=plain["trainer"]["precision"],
        stop_at_target=plain["stop_at_target"],
        data_fingerprint=dataset.fingerprint,
        context=RunContext(
            plain["study"],
            plain["data_dir"],
            plain["download"],
            hardware,
            fresh=plain["fresh"],
        ),
        origin=TrialOrigin(reference=plain["reference"] or ""),
        usual_model=find_default_model(choices["task"]),
        data_notes=dataset.notes,
    )
    _refuse_undivided(spec)
    return spec


def _read_plain(cfg: DictConfig, choices: Mapping[str, str]) -> tuple[dict[str, Any], bool]:
    """Return a config without Hydra's own part as plain data, and whether keys refer to others."""
    names = {key: f"{find_yaml(key, choices[key])}: {key}" for key in GROUPS}
    plain = {"data_dir": to_plain(cfg["data_dir"], "data_dir")}  # names a variable, no key
    with limit_interpolations(together=True) as counter:
        plain |= {
            key: to_plain(cfg[key], names.get(key, key))
            for key in map(str, cfg)
            if key not in UNREAD
        }
    _refuse_unwritable(plain)
    return plain, counter.count > 0


def _settle_budget(
    cfg: DictConfig, choices: Mapping[str, str], plain: Mapping[str, Any], examples: int
) -> dict[str, Any]:
    """Write the budget that holds into a config, so that ``${budget.steps}`` is true everywhere.

    The number of examples decides it, which is known once the data is loaded.

    Raises:
        RefusedInput: the data refers to what its own size decides.
    """
    settled = dict(plain)
    for key in ("steps", "epochs", "eval_every"):  # each may refer to the one before
        budget = _build_budget(settled["budget"], settled["batch_size"], examples)
        epochs = settled["budget"]["epochs"]
        if epochs is None:
            epochs = budget.steps / max(1, examples // max(1, settled["batch_size"]))
        cfg.budget[key] = {**vars(budget), "epochs": epochs}[key]
        settled, _ = _read_plain(cfg, choices)
    for key in ("task", "data_dir", "download", "batch_size"):
        if settled[key] != plain[key]:
            raise RefusedInput(
                f"{key}: refers to the budget, which depends on the size of the data. Write the "
                "value."
            )
    return settled


@contextmanager
def _collect_refusals(wrong: list[RefusedInput]) -> Iterator[None]:
    """Collect a refusal and go on, so that all mistakes are reported at once."""
    try:
        yield
    except RefusedInput as error:
        wrong.append(error)


def _refuse_deleted(cfg: DictConfig, choices: Mapping[str, str]) -> None:
    for key in Config.__dataclass_fields__:
        if key not in cfg.keys() or (key in GROUPS and not choices.get(key)):  # noqa: SIM118
            raise RefusedInput(f"~{key}: a trial needs it; leave this deletion out")


def _refuse_unwritable(plain: Mapping[str, Any]) -> None:
    """Refuse what YAML can hold and JSON in UTF-8, the form of a record, cannot."""
    for key, value in plain.items():
        try:
            json.dumps(value, sort_keys=True, ensure_ascii=False).encode()
        except (TypeError, ValueError) as error:
            raise RefusedInput(
                f"{key}: {value}: cannot be recorded ({error}); write text, numbers, lists, and "
                "mappings with names for keys"
            ) from error


def refuse_study_keys(cfg: DictConfig) -> None:
    """Refuse what only a study or an ablation heeds, in a trial or another sweep."""
    for key, sweeper in (("suite", "study"), ("plan", "study"), ("ablate", "ablate")):
        if cfg.get(key):
            raise RefusedInput(
                f"{key}={cfg[key]}: only a study heeds it; add -m hydra/sweeper={sweeper}"
            )


def refuse_report_keys(cfg: DictConfig) -> None:
    """Refuse in a single trial what only the report of a sweep heeds."""
    for key in ("compare", "reference"):
        if cfg.get(key):
            raise RefusedInput(f"{key}={cfg[key]}: `{key}=` applies only to sweeps. Add -m.")


def collect_task_arguments(task: Mapping[str, Any]) -> dict[str, Any]:
    """Collect a task's arguments that differ from their default, so that hashes stay."""
    usual = vars(AugmentConfig())
    augment = {name: value for name, value in task["augment"].items() if value != usual[name]}
    arguments = {"augment": augment, "label_smoothing": task["label_smoothing"]}
    return {name: value for name, value in arguments.items() if value}


def _check_fit(choices: Mapping[str, str], given: str | None, taken: str | None) -> None:
    if not given or not taken or given == taken:
        return
    models = GlobalHydra.instance().config_loader().get_group_options("model")
    known = {str(read_file_values("model", name).get("inputs") or taken) for name in models}
    if given not in known:
        raise RefusedInput(
            f"{find_yaml('task', choices['task'])}: task.inputs: {given!r} is what no model takes; "
            f"{suggest(given, known)}"
        )
    raise RefusedInput(
        f"model={choices['model']}: takes {taken}, but task={choices['task']} gives {given}; "
        f"choose a model whose YAML in conf/model says inputs: {given}"
    )


def _check_batch_size(batch_size: int, examples: int) -> int:
    if batch_size > examples:
        raise RefusedInput(
            f"batch_size: {batch_size} exceeds the {examples} examples of the training split"
        )
    return batch_size


def _build_budget(values: Mapping[str, Any], batch_size: int, examples: int) -> Budget:
    steps, epochs = values["steps"], values["epochs"]
    if epochs is not None:
        if not 0 < epochs < math.inf:
            raise RefusedInput(f"budget.epochs: {epochs} is not a positive number of epochs")
        steps = max(1, round(epochs * (examples // max(1, batch_size))))
    if steps is None:
        raise RefusedInput("budget.steps: missing; give budget.steps or budget.epochs")
    every = values["eval_every"]
    return Budget(steps, max(1, steps // EVALUATIONS) if every is None else every)


def _build_hardware(trainer: Mapping[str, Any]) -> Hardware:
    devices, threads = _check_devices(trainer["devices"], trainer["strategy"]), trainer["threads"]
    if not 1 <= threads <= MAX_THREADS:
        raise RefusedInput(
            f"trainer.threads: {threads} is not a positive number of threads up to {MAX_THREADS}"
        )
    limit = trainer["max_seconds"]
    if limit is not None and not 0 < limit < math.inf:
        raise RefusedInput(f"trainer.max_seconds: {limit} is not a positive number of seconds")
    workers = trainer["workers"]
    if not 0 <= workers <= MAX_WORKERS:
        raise RefusedInput(
            f"trainer.workers: {workers} is not a number of processes from 0 to {MAX_WORKERS}"
        )
    return Hardware(trainer["accelerator"], devices, threads, limit, workers, trainer["strategy"])


def _check_devices(devices: Any, strategy: str) -> int | tuple[int, ...]:
    if strategy not in ("auto", "ddp"):
        raise RefusedInput(
            f"trainer.strategy: {strategy!r} is unknown; {suggest(strategy, ('auto', 'ddp'))}"
        )
    given = devices if isinstance(devices, list) else [devices]
    whole = bool(given) and all(isinstance(one, int) and one is not True for one in given)
    many = len(given) if isinstance(devices, list) else devices
    if not whole or many < 1 or (many > 1 and strategy != "ddp"):
        raise RefusedInput(
            f"trainer.devices={devices}: one trial trains on one device; give 1 or one index such "
            "as [0], and use a launcher (hydra/launcher=joblib) to fill several, or train one "
            "trial on several with trainer.strategy=ddp"
        )
    return tuple(devices) if isinstance(devices, list) else int(devices)


def _refuse_undivided(spec: TrialSpec) -> None:
    """Refuse what a trial on several devices cannot do."""
    ranks, needs = spec.context.hardware.ranks, sorted(set(spec.optimizer.needs) - {"eval_mode"})
    if ranks > 1 and spec.batch_size % ranks:
        raise RefusedInput(
            f"batch_size: {spec.batch_size} cannot be divided among trainer.devices={ranks}"
        )
    if ranks > 1 and needs:
        raise RefusedInput(
            f"optimizer={spec.optimizer.name}: needs {', '.join(needs)}, and so trains on one "
            f"device; leave trainer.devices={ranks} out"
        )
