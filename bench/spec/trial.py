"""The words of a trial as plain frozen data: what goes in, what comes out, what is read back.

Standard library only. Every other file of the harness speaks in these types; none of them holds a
tensor, a config object or a tracking client, so a spec can be hashed, pickled, sent to a worker and
compared with what a store recorded months ago.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import cached_property
from re import fullmatch
from typing import Any, ClassVar

from bench.spec.errors import RefusedInput

PROTOCOL_VERSION = 1
"""Rises whenever the same spec would lead to another record; such trials are not compared."""


STUDY = r"\w[\w.+-]{0,99}"
"""A study's name: it is a folder's, an experiment's of MLflow and a value on a command line."""
MOST_STEPS = 10**9


class Phase(StrEnum):
    """What a trial is for. Declared before it runs; ``bench.spec.protocol`` says what follows."""

    EXPLORE = "explore"  # a plain trial or sweep
    SELECT = "select"  # tuning: validation only
    REPORT = "report"  # reruns of the default and the chosen point on fresh seeds


@dataclass(frozen=True)
class Component:
    """Something built from a dotted path and keyword arguments, as one YAML file describes it.

    Attributes:
        name: the YAML's file name without its ending, e.g. ``adam``.
        target: dotted path of a class or function, e.g. ``torch.optim.Adam``.
        arguments: keyword arguments, plain data.
        code: what it is made of where that is not ours: package and version, or a digest of a
            user's own source (see ``bench.config.sources``).
        path: where its YAML lies, for messages; outside the hash.
    """

    HASHED: ClassVar[tuple[str, ...]] = ("name", "target", "arguments")
    OUTSIDE: ClassVar[tuple[str, ...]] = ("path",)

    name: str
    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    path: str = field(default="", compare=False)


@dataclass(frozen=True)
class OptimizerSpec(Component):
    """An optimizer; ``arguments`` are its hyperparameters.

    Attributes:
        point: the hyperparameters that differ from the YAML's own values, by the names that
            ``bench.spec.hyperparameters`` gives them.
        param_groups: rule that assigns parameters to groups (see ``bench.build.param_groups``).
        rest: optimizer of the parameters that the rule ``matrices`` leaves over.
        needs: what building and stepping it takes (see ``bench.spec.needs``).
        clip_norm: the gradient's global norm is cut to this before an update; None: never.
        version: of the packages that ship it, e.g. ``pytorch_optimizer 4.1.0``.
        search_space: declared ranges (see ``bench.spec.search_space``).
        schedules: the only schedules it can be combined with; empty: any.
        stacks: whether its trials may be trained together; not where it computes in few digits, so
            that the last one of a gradient moves its result.
        limit: ``{when: arguments, equals: optimizer}``, where it must equal a known one.
        file: the YAML's name, where ``name`` is another.
        declared: whether the YAML has a ``bench:`` block; if not, the defaults here are assumed.
    """

    HASHED: ClassVar[tuple[str, ...]] = (
        *Component.HASHED,
        *("param_groups", "rest", "needs", "clip_norm", "version", "file"),
    )
    OUTSIDE: ClassVar[tuple[str, ...]] = (
        *Component.OUTSIDE,
        *("point", "search_space", "schedules", "stacks", "limit", "declared"),
    )

    point: Mapping[str, Any] = field(default_factory=dict)
    param_groups: str = "all"
    rest: Component | None = None
    needs: tuple[str, ...] = ()
    clip_norm: float | None = None
    version: str = ""
    search_space: Mapping[str, Any] = field(default_factory=dict)
    schedules: tuple[str, ...] = ()
    stacks: bool = True
    limit: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    declared: bool = True


@dataclass(frozen=True)
class Target:
    """The metric that counts, and the value at which a task is solved.

    Attributes:
        metric: name without split, e.g. ``accuracy``.
        direction: ``maximize`` or ``minimize``.
        value: on the validation split; None if the task declares none.
    """

    HASHED: ClassVar[tuple[str, ...]] = ("metric", "direction", "value")

    metric: str
    direction: str
    value: float | None = None

    def __post_init__(self) -> None:
        if self.direction not in ("maximize", "minimize"):
            raise RefusedInput(
                f"task.direction: {self.direction!r} is unknown; use maximize or minimize"
            )
        if self.value is not None and math.isnan(self.value):
            raise RefusedInput("task.target: nan is no value; write a number, or null for none")

    def reached(self, value: float) -> bool:
        """Whether ``value`` is at or past the target; never for NaN or without a target."""
        if self.value is None or math.isnan(value):
            return False
        return value >= self.value if self.direction == "maximize" else value <= self.value


@dataclass(frozen=True)
class TaskSpec(Component):
    """A task: its class, its data, what is measured. ``version`` rises when its numbers change.

    ``files`` are paths that the loader of the data takes too: outside the hash, for which the
    fingerprint of the data stands.
    """

    HASHED: ClassVar[tuple[str, ...]] = (*Component.HASHED, "data", "target_metric", "version")
    OUTSIDE: ClassVar[tuple[str, ...]] = (*Component.OUTSIDE, "files")

    data: Component = field(default_factory=lambda: Component("", ""))
    target_metric: Target = field(default_factory=lambda: Target("accuracy", "maximize"))
    version: int = 1
    files: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Budget:
    """How long a trial trains and when it is evaluated, in training steps."""

    HASHED: ClassVar[tuple[str, ...]] = ("steps", "eval_every")

    steps: int
    eval_every: int

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= MOST_STEPS:
            raise RefusedInput(
                f"budget.steps: {self.steps:.9g} is not a positive number of steps up to "
                f"{MOST_STEPS:.0e}"
            )
        if self.eval_every < 1:
            raise RefusedInput(
                f"budget.eval_every: {self.eval_every} is not a positive number of steps"
            )

    def evaluates_at(self, step: int) -> bool:
        """Every ``eval_every`` steps, and always after the last."""
        return step % self.eval_every == 0 or step == self.steps


@dataclass(frozen=True)
class Hardware:
    """Where a trial computes. It moves timings and last digits, not results: outside the hash.

    Attributes:
        accelerator: ``cpu``, ``gpu``, ``mps`` or ``auto``, as Lightning names them.
        devices: how many, or their indices, e.g. ``[1]``; more than one only with ``strategy``.
        strategy: ``auto``, or ``ddp``: one trial on several devices.
        threads: CPU threads of one trial.
        max_seconds: after which a trial is ended, and has failed; None: never.
        workers: processes that read ahead for a trial, of data too large for memory.
    """

    accelerator: str = "cpu"
    devices: int | tuple[int, ...] = 1
    threads: int = 1
    max_seconds: float | None = None
    workers: int = 0
    strategy: str = "auto"

    @property
    def ranks(self) -> int:
        """Processes of one trial, a device each."""
        return self.devices if isinstance(self.devices, int) else len(self.devices)


@dataclass(frozen=True)
class Tuning:
    """Where a trial of a study comes from: what was declared before the study's first trial ran.

    Attributes:
        space: the declared search space (see ``bench.spec.search_space``); empty: nothing to tune.
        sampler: how points are drawn from it, e.g. ``sobol``.
        seed: of the draw; a point follows from space, seed and ``index`` alone.
        points: the tuning budget, points an entrant may try in each repeat.
        repeat: which of the repeated tunings, from 0.
        index: place of the point in the draw; None: the optimizer's default point.
        rank: how points are ranked, by the ``final`` value or by ``steps_to_target``.
    """

    space: Mapping[str, Any]
    sampler: str
    seed: int
    points: int
    repeat: int = 0
    index: int | None = None
    rank: str = "final"

    @property
    def space_hash(self) -> str:
        """16 hexadecimal digits of the declared space."""
        return digest(dict(self.space))


@dataclass(frozen=True)
class TrialSpec:
    """One training run, complete: task, optimizer, one hyperparameter point, one seed.

    Attributes:
        stop_at_target: end at the first evaluation at or past the target (off: fixed horizon).
        data_fingerprint: digest of the examples in all splits.
        data_dir, download, hardware: where things are and run; outside the hash.
        phase: what it is for; only ``select`` changes what is measured.
        tuning: the draw that it belongs to, of a study's trials; outside the hash.
        reference: the optimizer that others are compared with; outside the hash.
        fresh_since: only what ended after this answers it, in seconds since 1970; outside the hash.
        usual_model: the task's own choice; another is named in ``label``; outside the hash.
    """

    HASHED: ClassVar[tuple[str, ...]] = (
        *("task", "data_fingerprint", "model", "optimizer", "schedule", "batch_size", "budget"),
        *("seed", "precision", "stop_at_target"),
    )
    OUTSIDE: ClassVar[tuple[str, ...]] = (
        *("study", "data_dir", "download", "hardware", "tuning", "reference", "fresh_since"),
        "usual_model",
    )

    study: str
    task: TaskSpec
    model: Component
    optimizer: OptimizerSpec
    schedule: Component
    batch_size: int
    budget: Budget
    seed: int
    precision: str
    stop_at_target: bool
    data_fingerprint: str
    data_dir: str
    download: bool
    hardware: Hardware
    phase: Phase = Phase.EXPLORE
    tuning: Tuning | None = None
    reference: str = "adam"
    fresh_since: float = 0.0
    usual_model: str = ""

    def __post_init__(self) -> None:
        check_study(self.study)
        if self.batch_size < 1:
            raise RefusedInput(f"batch_size: {self.batch_size} is not a positive number")
        if not 0 <= self.seed < 2**32:
            raise RefusedInput(f"seed: {self.seed} is outside 0 .. 2**32 - 1")

    def config(self) -> dict[str, Any]:
        """Everything that affects the result, as plain data; what is recorded and hashed."""
        return {"protocol_version": PROTOCOL_VERSION, **_hashed(self)}

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        *,
        study: str,
        data_dir: str,
        hardware: Hardware | None = None,
    ) -> TrialSpec:
        """Rebuild a trial from its recorded config: the inverse of ``config``.

        Args:
            config: as ``TrialSpec.config`` gave it, also after a round trip through JSON.
            study, data_dir, hardware: what no config holds.

        Raises:
            RefusedInput: another version recorded it, in words that this one does not have.
        """
        known = {key: value for key, value in config.items() if key != "protocol_version"}
        try:
            spec = cls(
                **{
                    **known,
                    "task": _task(config["task"]),
                    "model": Component(**config["model"]),
                    "optimizer": _optimizer(config["optimizer"]),
                    "schedule": Component(**config["schedule"]),
                    "budget": Budget(**config["budget"]),
                    "phase": Phase(config.get("phase", Phase.EXPLORE)),
                },
                study=study,
                data_dir=data_dir,
                download=False,
                hardware=hardware or Hardware(),
            )
        except (TypeError, KeyError) as error:
            raise RefusedInput(
                f"a recorded config cannot be read by this version: {error}"
            ) from error
        if spec.config_hash != digest(config):
            raise RefusedInput(
                f"a recorded config (protocol {config.get('protocol_version')}) means another trial "
                "in this version; use the version that recorded it"
            )
        return spec

    @cached_property  # asked for at every turn of a sweep
    def config_hash(self) -> str:
        """16 hexadecimal digits that two trials share exactly if they must have the same result."""
        return digest(self.config())

    def label(self) -> str:
        """One line for people: ``digits · adam · lr=0.01 · seed 3``."""
        unusual = self.usual_model and self.model.name != self.usual_model
        return " · ".join(
            [
                self.task.name,
                *([self.model.name] if unusual else []),
                self.optimizer.name,
                point_label(self.optimizer.point),
                f"seed {self.seed}",
            ]
        )


def check_study(name: str) -> None:
    """The one rule for names of studies."""
    if not fullmatch(STUDY, name) or name == "Default":
        raise RefusedInput(
            f"study={name}: no name of a study; use up to 100 letters, digits and _ - . +, the "
            "first a letter, a digit or _; not Default, which is MLflow's own"
        )


def digest(config: Mapping[str, Any]) -> str:
    """16 hexadecimal digits of plain data, whatever the order of its keys."""
    text = json.dumps(config, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _hashed(spec: Any) -> dict[str, Any]:
    """A spec's fields as plain data: those in ``HASHED`` always, those in ``OUTSIDE`` never.

    A field in neither list was added after trials had been recorded without it: it enters only
    where it differs from its default, so that no old record gets another hash.
    """
    outside = getattr(type(spec), "OUTSIDE", ())
    kept = [
        one
        for one in fields(spec)
        if one.name not in outside
        and (one.name in type(spec).HASHED or getattr(spec, one.name) != _default(one))
    ]
    return {one.name: _plain(getattr(spec, one.name)) for one in kept}


def _default(one: Field[Any]) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _hashed(value)
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def point_label(point: Mapping[str, Any]) -> str:
    """``lr=0.01, eps=1e-07``; ``default`` for an optimizer as its YAML has it."""
    return ", ".join(f"{name}={value}" for name, value in sorted(point.items())) or "default"


def _task(values: Mapping[str, Any]) -> TaskSpec:
    data, target = Component(**values["data"]), Target(**values["target_metric"])
    return TaskSpec(**{**values, "data": data, "target_metric": target})


def _optimizer(values: Mapping[str, Any]) -> OptimizerSpec:
    rest = values.get("rest")
    return OptimizerSpec(
        **{**values, "rest": Component(**rest) if rest else None, "needs": tuple(values["needs"])}
    )
