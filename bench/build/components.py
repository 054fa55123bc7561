"""Live objects from specs: data, task, model, optimizer, schedule.

Only this file instantiates anything, so only it names the YAML that a wrong argument came from.
Targets load torch. Checking a config must not, so torch is imported inside functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate

from bench.build.imports import TargetNotFound, format_location, import_target
from bench.build.param_groups import PARAM_GROUP_RULES
from bench.runtime.guard import raise_stop
from bench.spec import Component, NotApplicable, OptimizerSpec, RefusedInput, TaskSpec, TrialSpec
from bench.spec.errors import describe_error, get_message
from bench.spec.needs import add_hint
from tasks.data.dataset import Dataset, MissingData

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LambdaLR

    from tasks.base import Task

REST = Component("", "torch.optim.AdamW")
"""Updates what ``matrices`` leaves over where the optimizer's YAML does not say otherwise."""


def load_dataset(
    task: str,
    data: Component,
    data_dir: str,
    download: bool,
    files: Mapping[str, Any] | None = None,
) -> Dataset:
    """Load the examples of a task, once a process.

    Args:
        files: paths that its loader takes beside ``data_dir``.

    Raises:
        RefusedInput: the data is missing or cannot be learned from; the message has the remedy.
    """
    arguments = {**data.arguments, **(files or {})}
    return _load_dataset(task, data.target, json.dumps(arguments), data_dir, download, data.path)


@lru_cache(maxsize=4)
def _load_dataset(
    task: str, target: str, arguments: str, data_dir: str, download: bool, path: str
) -> Dataset:
    loader = Component(task, target, json.loads(arguments), path=path)
    try:
        loaded = _instantiate("task", loader, data_dir=data_dir, download=download)
    except RefusedInput as refusal:
        if isinstance(refusal.__cause__, MissingData):  # its message has the remedy
            raise RefusedInput(str(refusal.__cause__)) from refusal.__cause__
        raise
    dataset: Dataset = _require_type("task", loader, loaded, Dataset, "a loader returns one")
    return dataset


def build_task(spec: TaskSpec, data: Dataset) -> Task:
    """Build a task over its data: one object a process, so that trials share its tensors."""
    return _build_task(spec.name, spec.target, json.dumps(spec.arguments), data, spec.path)


@lru_cache(maxsize=2)
def _build_task(name: str, target: str, arguments: str, data: Dataset, path: str) -> Task:
    from tasks.base import Task  # loads torch

    spec = Component(name, target, json.loads(arguments), path=path)
    built = _instantiate("task", spec, data)
    task: Task = _require_type("task", spec, built, Task, "derive from it")
    return task


def load_task(spec: TrialSpec) -> Task:
    """Load the data of a trial and build its task over it."""
    task, context = spec.task, spec.context
    data = load_dataset(task.name, task.data, context.data_dir, context.download, task.files)
    return build_task(task, data)


def build_model(spec: Component, task: Task) -> nn.Module:
    """Build a model for the task's shapes, initialised from torch's global random state."""
    from torch import nn  # loads torch

    built = _instantiate("model", spec, **task.model_arguments())
    model: nn.Module = _require_type("model", spec, built, nn.Module, "a model is one")
    return model


def build_optimizer(spec: OptimizerSpec, model: nn.Module) -> Optimizer:
    """Build the optimizer of a model, ready for its first ``bench.trial.update.update``.

    Raises:
        NotApplicable: the model has no parameter of the kind that the optimizer updates.
    """
    _check_sparse(spec, model)
    if "model" in spec.needs:
        built = _instantiate("optimizer", spec, model)
    elif "named_parameters" in spec.needs:
        trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        built = _instantiate("optimizer", spec, trained)
    elif spec.param_groups == "matrices":
        built = _combine_with_rest(spec, model)
    else:
        built = _instantiate("optimizer", spec, PARAM_GROUP_RULES[spec.param_groups](model))
    if not (callable(getattr(built, "step", None)) and hasattr(built, "param_groups")):
        raise RefusedInput(
            f"{yaml_path('optimizer', spec)}: {spec.target} gives a {type(built).__name__} without "
            "step() and param_groups; an optimizer has both, as torch.optim.Optimizer does"
        )
    _check_modes(spec, built)
    if "eval_mode" in spec.needs:
        built.train()
    return built


def _combine_with_rest(spec: OptimizerSpec, model: nn.Module) -> Optimizer:
    """Combine the declared optimizer, for hidden matrices, with another one for the rest."""
    from bench.optimizers.combined import Combined  # loads torch

    hidden, *others = PARAM_GROUP_RULES["matrices"](model)
    parts = [_instantiate("optimizer", spec, [hidden])]
    other = spec.rest or REST
    other = Component(spec.file or spec.name, other.target, other.arguments, path=spec.path)
    return Combined(parts + [_instantiate("optimizer", other, [group]) for group in others])


def _check_sparse(spec: OptimizerSpec, model: nn.Module) -> None:
    sparse = [layer for layer in model.modules() if getattr(layer, "sparse", False)]
    theirs = {id(p) for layer in sparse for p in layer.parameters()}
    if "sparse_gradients" in spec.needs and {id(p) for p in model.parameters()} - theirs:
        raise NotApplicable(
            f"{spec.name} updates sparse gradients only; {type(model).__name__} has parameters "
            "outside embeddings with sparse=True"
        )


def _check_modes(spec: OptimizerSpec, built: Optimizer) -> None:
    """Refuse an undeclared second point: evaluation would silently use the first."""
    has_modes = callable(getattr(built, "train", None)) and callable(getattr(built, "eval", None))
    if has_modes != ("eval_mode" in spec.needs):
        modes, remedy = (
            ("train() and eval()", "add") if has_modes else ("no train() and eval()", "remove")
        )
        raise RefusedInput(
            f"{yaml_path('optimizer', spec)}: {spec.target} has {modes}; {remedy} eval_mode in "
            "bench.needs"
        )


def build_scheduler(spec: TrialSpec, optimizer: Optimizer) -> LambdaLR | None:
    """Build the schedule, stepped once a training step; None where the rate never moves.

    Raises:
        NotApplicable: the optimizer does not allow this schedule.
    """
    from torch.optim.lr_scheduler import LambdaLR  # loads torch

    allowed, schedule = spec.optimizer.schedules, spec.schedule
    if allowed and schedule.name not in allowed:
        raise NotApplicable(
            f"{spec.optimizer.name} allows schedule={','.join(allowed)} only, not {schedule.name}"
        )
    words = (schedule.name, schedule.target, json.dumps(schedule.arguments), schedule.path)
    factor = _build_factor(*words, spec.budget.steps)
    if factor is None:
        return None
    try:
        return LambdaLR(optimizer, factor)
    except BaseException as error:  # it asks the factor for its first value
        raise_stop(error)
        raise RefusedInput(
            f"{yaml_path('schedule', schedule)}: cannot schedule {spec.optimizer.target}: "
            f"{_describe_cause(error, spec.optimizer.needs)}"
        ) from error


@lru_cache(maxsize=64)
def _build_factor(
    name: str, target: str, arguments: str, path: str, steps: int
) -> Callable[[int], float] | None:
    """Build a schedule's factor of the step; None where it is always 1."""
    schedule = Component(name, target, json.loads(arguments), path=path)
    factor = _instantiate("schedule", schedule, steps)
    try:
        is_factor = callable(factor) and isinstance(factor(0), int | float)
        changes = is_factor and _changes(factor, steps)
    except BaseException as error:  # a user's schedule may raise anything
        raise_stop(error)
        raise RefusedInput(
            f"{yaml_path('schedule', schedule)}: {schedule.target} fails at a step: "
            f"{_describe_cause(error, ())}"
        ) from error
    if not is_factor:
        raise RefusedInput(
            f"{yaml_path('schedule', schedule)}: {schedule.target} gives no function from the step "
            "to a factor; see bench/schedules.py"
        )
    return factor if changes else None


def _changes(factor: Callable[[int], float], steps: int) -> bool:
    """Return True for a factor that is not always 1."""
    for step in range(steps):  # noqa: SIM110  (in a generator StopIteration is another exception)
        if factor(step) != 1.0:
            return True
    return False


def _instantiate(group: str, spec: Component, *args: Any, **kwargs: Any) -> Any:
    """Call the target; refuse a wrong argument with the file that it stands in."""
    # YAML has lists where Python's signatures say tuples, and some code compares the two.
    tuples = {name: tuple(v) for name, v in spec.arguments.items() if isinstance(v, list | tuple)}
    others = {name: value for name, value in spec.arguments.items() if name not in tuples}
    try:
        return _bind_arguments(spec.target, others)(*args, **tuples, **kwargs)
    except RefusedInput:
        raise
    except BaseException as error:  # a constructor may raise anything
        raise_stop(error)
        raise RefusedInput(
            f"{yaml_path(group, spec)}: cannot build {spec.target}: "
            f"{_describe_cause(error, getattr(spec, 'needs', ()))}"
        ) from error


def _bind_arguments(target: str, arguments: Mapping[str, Any]) -> Callable[..., Any]:
    """Bind a target to its arguments. Only nested components need Hydra again for each trial."""
    function = import_target(target)
    nested = {name: v for name, v in arguments.items() if isinstance(v, Mapping)}
    plain = {name: v for name, v in arguments.items() if name not in nested}
    if nested:
        config = {"_target_": target, "_partial_": True, "_convert_": "all", **nested}
        return partial(instantiate(config), **plain)
    return partial(function, **plain)


def _require_type(group: str, spec: Component, built: Any, kind: type, remedy: str) -> Any:
    """Return what was built; refuse it where it has another type."""
    if not isinstance(built, kind):
        raise RefusedInput(
            f"{yaml_path(group, spec)}: {spec.target} gives a {type(built).__name__}, no "
            f"{kind.__module__}.{kind.__name__}; {remedy}"
        )
    return built


def yaml_path(group: str, spec: Component) -> str:
    """Return the path of the YAML that a component comes from."""
    return spec.path or f"conf/{group}/{getattr(spec, 'file', '') or spec.name}.yaml"


def _describe_cause(error: BaseException, needs: tuple[str, ...]) -> str:
    """Describe the innermost cause in a line, with the user's own line where there is one."""
    while isinstance(error, InstantiationException) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, SystemExit):
        return describe_error(error) + format_location(error)
    if isinstance(error, TargetNotFound):
        return str(error)
    first = get_message(error).split("\n", maxsplit=1)[0] or type(error).__name__
    kind = "" if isinstance(error, ValueError | TypeError) else f"{type(error).__name__}: "
    return add_hint(f"{kind}{first}{format_location(error)}", needs)
