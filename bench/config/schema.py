"""The schema of ``conf/``: every key of the command line, with its type and default.

Hydra merges what people write into these, so it refuses an unknown key or a wrong type as it
composes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from bench.tracking.uri import DEFAULT


@dataclass
class AugmentConfig:
    """Random changes of training images (``tasks.augment.augmentation``)."""

    crop: int = 0  # pixels that an image moves at most, each way
    flip: bool = False  # half of them mirrored
    cutout: int = 0  # side of a square of zeros, in pixels
    rand_augment: int = 0  # random operations of torchvision, one after the other
    magnitude: int = 9  # how strong each of these is, 0 to 30
    mixup: float = 0.0  # alpha: images and labels in between


@dataclass
class TaskConfig:
    """A task: its data, as a loader with options, and what is measured."""

    _target_: str = MISSING
    data: dict[str, Any] = MISSING
    files: dict[str, Any] = field(default_factory=dict)  # paths that the loader also takes
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    label_smoothing: float = 0.0  # share of a label that all classes get, in training only
    inputs: str | None = None  # what it feeds a model; a model's YAML names the same word
    metric: str = MISSING
    direction: str = MISSING
    target: float | None = None  # of the metric on the validation split
    version: int = 1  # raised when its numbers change


@dataclass
class BudgetConfig:
    """Training steps, or passes over the training split; the latter wins where both are given."""

    steps: int | None = None
    epochs: float | None = None
    eval_every: int | None = None  # steps; default: 20 evaluations a trial


@dataclass
class TrainerConfig:
    """The hardware of a trial, in Lightning's words."""

    accelerator: str = "cpu"
    devices: Any = 1  # 1, or a list with one device index; more of them with strategy=ddp
    strategy: str = "auto"  # or ddp: one trial on several devices
    precision: str = "32-true"
    threads: int = 1  # CPU threads of one trial
    max_seconds: float | None = None  # of one trial, then it has failed; of a stack together
    workers: int = 0  # processes that read ahead for a trial, of data too large for memory


@dataclass
class TrackingConfig:
    """The store of trials: any MLflow tracking URI."""

    uri: str = DEFAULT


@dataclass
class StackConfig:
    """Options of ``hydra/launcher=stacked``, which trains many trials at once."""

    size: int | None = None  # trials a stack; default: what pays and fits memory, measured


@dataclass
class TuningConfig:
    """The tuning of every optimizer on every task by ``hydra/sweeper=study``."""

    trials: int = 8  # settings that each tuning tries, the default among them
    repeats: int = 10  # tunings, each on settings and seeds of its own
    reference_factor: int = 2  # the reference is tuned so many times as often
    seeds: int = 1  # seeds that each setting is tried on, at most 100
    rerank: int = 0  # so many of the best settings are tried on one more seed, which decides
    sampler: str = "sobol"  # sobol, random, grid; with Optuna tpe, gp, cmaes
    rank: str = "final"  # or steps_to_target
    seed: int = 0  # a part of every draw of settings


@dataclass
class ReportingConfig:
    """The seeds of every optimizer's default in ``hydra/sweeper=study``; a tuning reports once."""

    seeds: int = 10  # at most 1000


@dataclass
class Config:
    """Every key of the command line; model, optimizer and schedule are any YAML in Hydra's form."""

    task: TaskConfig = field(default_factory=TaskConfig)
    model: dict[str, Any] = MISSING
    optimizer: dict[str, Any] = MISSING
    schedule: dict[str, Any] = MISSING
    study: str = "scratch"  # the name that sweeps, records and reports share
    seed: int = 0
    batch_size: int = MISSING
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    stop_at_target: bool = False  # end at the target value instead of the full horizon
    data_dir: str = MISSING
    download: bool = False  # fetch data that is missing
    data: dict[str, Any] = field(default_factory=dict)  # of a task on a user's own: its YAML says
    fresh: bool = False  # run anew what is recorded, which the new answer then takes the place of
    report: bool = True  # write a report after a sweep
    reference: str | None = None  # of the report; default: adam where it takes part
    compare: str = ""  # a baseline that this report sets beside it: a file, or a shipped one's name
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    stack: StackConfig = field(default_factory=StackConfig)
    tuning: TuningConfig = field(default_factory=TuningConfig)
    reporting: ReportingConfig = field(default_factory=ReportingConfig)
    suite: dict[str, Any] = field(default_factory=dict)  # of a study: overrides by task
    ablate: list[Any] = field(default_factory=list)  # of hydra/sweeper=ablate: names of switches
    plan: bool = False  # of a study: say what it would do, and stop


@dataclass
class OptimizerBlock:
    """The ``bench:`` block of an optimizer's YAML: facts for the harness beyond the arguments."""

    search_space: dict[str, Any] = field(default_factory=dict)
    param_groups: str = "all"
    rest: dict[str, Any] | None = None  # optimizer of what the rule `matrices` leaves over
    needs: list[str] = field(default_factory=list)
    schedules: list[str] = field(default_factory=list)  # the only ones it allows; default: any
    clip_norm: float | None = None  # of the whole gradient, before each update
    stacks: bool = True  # false: rounding alone moves its result, so trials of it run one by one
    limit: dict[str, Any] | None = None  # {when: arguments, equals: optimizer}, for optbench-check
    reference: str = ""
    name: str = ""  # in the records, where it is not the file's
    package: str = ""  # whose version is recorded, where the target does not say


def register() -> None:
    """Make ``schema`` available to ``conf/config.yaml``."""
    ConfigStore.instance().store(name="schema", node=Config)
