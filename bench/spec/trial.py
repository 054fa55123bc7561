"""Trials as plain frozen data: what is run, where it is run, and where it came from.

Each field says in its metadata how it enters ``TrialSpec.config_hash``: ``always``, ``if_changed``
(it differs from its default; for fields newer than some records) or ``never``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from functools import cached_property
from re import fullmatch
from typing import Any, Literal

from bench.spec.errors import RefusedInput

ALWAYS: Mapping[str, str] = {"hash": "always"}
IF_CHANGED: Mapping[str, str] = {"hash": "if_changed"}
NEVER: Mapping[str, str] = {"hash": "never"}

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

    name: str = field(metadata=ALWAYS)
    target: str = field(metadata=ALWAYS)
    arguments: Mapping[str, Any] = field(default_factory=dict, metadata=ALWAYS)
    code: str = field(default="", metadata=IF_CHANGED)
    path: str = field(default="", compare=False, metadata=NEVER)


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

    point: Mapping[str, Any] = field(default_factory=dict, metadata=NEVER)
    param_groups: str = field(default="all", metadata=ALWAYS)
    rest: Component | None = field(default=None, metadata=ALWAYS)
    needs: tuple[str, ...] = field(default=(), metadata=ALWAYS)
    clip_norm: float | None = field(default=None, metadata=ALWAYS)
    version: str = field(default="", metadata=ALWAYS)
    search_space: Mapping[str, Any] = field(default_factory=dict, metadata=NEVER)
    schedules: tuple[str, ...] = field(default=(), metadata=NEVER)
    stacks: bool = field(default=True, metadata=NEVER)
    limit: Mapping[str, Any] = field(default_factory=dict, metadata=NEVER)
    file: str = field(default="", metadata=ALWAYS)
    declared: bool = field(default=True, metadata=NEVER)


@dataclass(frozen=True)
class Target:
    """The metric that counts, and the value at which a task is solved.

    Attributes:
        metric: name without split, e.g. ``accuracy``.
        direction: ``maximize`` or ``minimize``.
        value: on the validation split; None if the task declares none.
    """

    metric: str = field(metadata=ALWAYS)
    direction: str = field(metadata=ALWAYS)
    value: float | None = field(default=None, metadata=ALWAYS)

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

    data: Component = field(default_factory=lambda: Component("", ""), metadata=ALWAYS)
    target_metric: Target = field(
        default_factory=lambda: Target("accuracy", "maximize"), metadata=ALWAYS
    )
    version: int = field(default=1, metadata=ALWAYS)
    files: Mapping[str, Any] = field(default_factory=dict, metadata=NEVER)


@dataclass(frozen=True)
class Budget:
    """How long a trial trains and when it is evaluated, in training steps."""

    steps: int = field(metadata=ALWAYS)
    eval_every: int = field(metadata=ALWAYS)

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
        sampler: how settings are drawn from it, e.g. ``sobol``.
        seed: ``tuning.seed``, a part of every draw (``bench.sweeps.search.Source``).
        points: settings that each tuning may try; in draw 2 the default is one of them.
        repeat: number of the tuning, from 0.
        index: place of the setting in its tuning; in draw 2 the default has 0. None: the default
            on its own, which is reported beside the tunings.
        rank: how settings are ranked, by the ``final`` value or by ``steps_to_target``.
        draw: version of the design of the tunings (``bench.spec.protocol.DRAW``).
        repeats: tunings that are declared for this optimizer.
        seeds: seeds that are declared for its default; 0 where a record does not say.
        rerank: so many of a tuning's best settings are tried on one more seed, which decides.
    """

    space: Mapping[str, Any]
    sampler: str
    seed: int
    points: int
    repeat: int = 0
    index: int | None = None
    rank: str = "final"
    draw: int = 1
    repeats: int = 1
    seeds: int = 0
    rerank: int = 0

    def to_record(self) -> dict[str, Any]:
        """Return the tuning as plain data; without what older versions did not record."""
        values = {**vars(self), "space": dict(self.space)}
        later = {name: values.pop(name) for name in ("draw", "repeats")}
        newer = {name: value for name in ("seeds", "rerank") if (value := values.pop(name))}
        return values | newer if later == {"draw": 1, "repeats": 1} else values | later | newer

    @property
    def planned(self) -> int:
        """Results that the plan declares of the row that a report trial belongs to; 0: not known.

        A row is the tuned setting or the default.
        """
        if self.index is None:
            return self.seeds
        return self.repeats if self.draw > 1 else 0

    @property
    def space_hash(self) -> str:
        """16 hexadecimal digits of the declared space."""
        return digest(dict(self.space))


@dataclass(frozen=True)
class RunContext:
    """The place and the means of a run. They move timings and last digits, not results.

    Attributes:
        study: the study that records the trial.
        data_dir: folder of data sets.
        download: whether a missing data set is fetched.
        hardware: devices, threads and limits.
        fresh: records from before this command are not reused.
        generation: number of the command in its study: each has one more than the records that it
            finds. It orders records where clocks may be wrong; 0 before the command has begun.
    """

    study: str
    data_dir: str = "data"
    download: bool = False
    hardware: Hardware = field(default_factory=Hardware)
    fresh: bool = False
    generation: int = 0

    def __post_init__(self) -> None:
        check_study(self.study)

    def can_reuse(self, generation: int) -> bool:
        """Tell whether a record that a command of this number made is reused."""
        return not self.fresh or 0 < self.generation <= generation


@dataclass(frozen=True)
class TrialOrigin:
    """The plan that a trial comes from.

    Attributes:
        tuning: the draw that its point belongs to; None outside studies.
        reference: the optimizer that others are compared with.
    """

    tuning: Tuning | None = None
    reference: str = "adam"


@dataclass(frozen=True)
class TrialSpec:
    """One training run, complete: task, optimizer, hyperparameter point and seed.

    Attributes:
        stop_at_target: end at the first evaluation at or past the target (off: fixed horizon).
        data_fingerprint: digest of the examples in all splits.
        phase: the trial's purpose; only ``select`` changes what is measured.
        context: where it runs.
        origin: the plan that it comes from.
        usual_model: the task's own choice; another model is named in ``label``.
        data_notes: what the loader left out of the data, a line each; for a person.
    """

    task: TaskSpec = field(metadata=ALWAYS)
    model: Component = field(metadata=ALWAYS)
    optimizer: OptimizerSpec = field(metadata=ALWAYS)
    schedule: Component = field(metadata=ALWAYS)
    batch_size: int = field(metadata=ALWAYS)
    budget: Budget = field(metadata=ALWAYS)
    seed: int = field(metadata=ALWAYS)
    precision: str = field(metadata=ALWAYS)
    stop_at_target: bool = field(metadata=ALWAYS)
    data_fingerprint: str = field(metadata=ALWAYS)
    context: RunContext = field(metadata=NEVER)
    origin: TrialOrigin = field(default_factory=TrialOrigin, metadata=NEVER)
    phase: Phase = field(default=Phase.EXPLORE, metadata=IF_CHANGED)
    usual_model: str = field(default="", metadata=NEVER)
    data_notes: tuple[str, ...] = field(default=(), metadata=NEVER)

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise RefusedInput(f"batch_size: {self.batch_size} is not a positive number")
        if not 0 <= self.seed < 2**32:
            raise RefusedInput(f"seed: {self.seed} is outside 0 .. 2**32 - 1")

    def config(self) -> dict[str, Any]:
        """Everything that affects the result, as plain data; what is recorded and hashed."""
        return {"protocol_version": PROTOCOL_VERSION, **_hashed(self)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], context: RunContext) -> TrialSpec:
        """Rebuild a trial from its recorded ``config``, also after a round trip through JSON.

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
                context=context,
            )
        except (TypeError, KeyError) as error:
            raise RefusedInput(
                f"a recorded config cannot be read by this version: {error}"
            ) from error
        if spec.config_hash != digest(config):
            raise RefusedInput(
                f"a recorded config (protocol {config.get('protocol_version')}) means another "
                "trial in this version; use the version that recorded it"
            )
        return spec

    def within(self, **changes: Any) -> TrialSpec:
        """Copy the trial with these fields of its context changed."""
        return replace(self, context=replace(self.context, **changes))

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
    """Return the fields of a spec that enter the hash, as plain data."""
    kept = [one for one in fields(spec) if _enters(spec, one)]
    return {one.name: _plain(getattr(spec, one.name)) for one in kept}


def _enters(spec: Any, one: Field[Any]) -> bool:
    rule: Literal["always", "if_changed", "never"] = one.metadata["hash"]
    return rule == "always" or (rule == "if_changed" and getattr(spec, one.name) != _default(one))


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
