"""From the words of the command line to optimizers or tasks, by Hydra. No torch here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from bench.config import limits
from bench.config.files import read_file_values, read_headline
from bench.config.optimizer import build_optimizer_spec
from bench.config.start import start_hydra
from bench.config.trial import build_trial_spec
from bench.spec import OptimizerSpec, RefusedInput, TrialSpec
from bench.spec.suggest import suggest
from bench.sweeps import plugins
from tasks.data.dataset import MissingData

ALL = "all"
GROUPS = ("optimizer", "task")


class Choice(NamedTuple):
    """What the command line asks to check.

    Attributes:
        spec: an optimizer, or a trial of a task.
        reference: the link that an optimizer's YAML has; of a task what its YAML says first.
    """

    spec: OptimizerSpec | TrialSpec
    reference: str


def choose_subjects(words: Sequence[str], config_dir: str | None = None) -> list[Choice]:
    """``["optimizer=lion,adam", "optimizer.lr=0.1"]`` as optimizers, or tasks alike, checked.

    Raises:
        RefusedInput, or Hydra's own exceptions: something is not there or misspelt.
    """
    limits.check_words(words)
    group, names, overrides = parse_words(words)
    plugins.register()  # conf/ names our launchers
    with start_hydra(config_dir):
        if names != [ALL]:
            one = _compose_task if group == "task" else _compose_optimizer
            return [one(name, overrides) for name in names]
        options = GlobalHydra.instance().config_loader().get_group_options(group)
        complete = _compose_tasks if group == "task" else _compose_optimizers
        return list(complete(options, overrides))


def parse_words(words: Sequence[str]) -> tuple[str, list[str], list[str]]:
    """Parse the words into a group of ``conf/``, its options, and overrides for each.

    Of an optimizer its own keys may be overridden, of a task any key of a trial.

    Raises:
        RefusedInput: a word means nothing here.
    """
    keys = [word.partition("=")[0] for word in words]
    groups = [group for group in GROUPS if group in keys]
    if len(groups) > 1:
        raise RefusedInput(f"{' '.join(words)}: check the optimizer or the task, one at a time")
    group = groups[0] if groups else "optimizer"
    names: list[str] = []
    overrides: list[str] = []
    for key, word in zip(keys, words, strict=True):
        value = word[len(key) + 1 :]
        if key == group and not names and value:
            names = value.split(",")
        elif key not in GROUPS and value and (key.startswith("optimizer.") or group == "task"):
            overrides.append(word)
        else:
            raise RefusedInput(_explain_word(word, key, repeated=bool(names)))
    if not names:
        raise RefusedInput("optimizer: no value; write optimizer=NAME or optimizer=all; or task=")
    return group, names, overrides


def _explain_word(word: str, key: str, repeated: bool) -> str:
    if key not in GROUPS:
        known = [*GROUPS, "--config-dir", "--json", "--markdown", "--limit"]
        return f"{word}: no such key; {suggest(key, known)}, and optimizer.KEY"
    return f"{word}: {f'given twice; write {key}=A,B' if repeated else 'no value'}"


def _compose_optimizer(name: str, overrides: Sequence[str]) -> Choice:
    return _make_choice(name, hydra.compose("config", [f"optimizer={name}", *overrides]))


def _make_choice(name: str, cfg: DictConfig) -> Choice:
    values = limits.to_plain(cfg.optimizer, "optimizer")
    reference = (values.get("bench") or {}).get("reference", "")
    return Choice(build_optimizer_spec(name, values), str(reference))


def _compose_optimizers(names: Sequence[str], overrides: Sequence[str]) -> Iterator[Choice]:
    """All but those whose YAML leaves a value to its user (???), which are named."""
    for name in names:
        try:
            # the file alone says as much as a composed config, at half the cost
            own = {"optimizer": read_file_values("optimizer", name)}
            if overrides or "${" in repr(own):  # it needs other keys, such as budget.steps
                yield _compose_optimizer(name, overrides)
            else:
                yield _make_choice(name, OmegaConf.create(own))
        except MissingMandatoryValue as error:
            _print_left_out(name, str(error))


def _compose_task(name: str, overrides: Sequence[str]) -> Choice:
    cfg = hydra.compose("config", [f"task={name}", *overrides], return_hydra_config=True)
    return Choice(build_trial_spec(cfg, cfg.hydra.runtime.choices), read_headline("task", name))


def _compose_tasks(names: Sequence[str], overrides: Sequence[str]) -> Iterator[Choice]:
    """All but those whose data is not here, which are named."""
    for name in names:
        try:
            yield _compose_task(name, overrides)
        except RefusedInput as error:
            if not isinstance(error.__cause__, MissingData):
                raise
            _print_left_out(name, str(error))


def _print_left_out(name: str, why: str) -> None:
    print(f"left out: {name}: {why.split(chr(10), maxsplit=1)[0]}", file=sys.stderr)
