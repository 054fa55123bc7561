"""From the words of the command line to optimizers, by Hydra's own composition. No torch here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import hydra
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from bench.config import schema
from bench.config.files import file_values
from bench.config.optimizer import optimizer_spec
from bench.spec import OptimizerSpec, RefusedInput
from bench.suggest import suggest

ALL = "all"


class Chosen(NamedTuple):
    """An optimizer of the command line and the link that its YAML has."""

    spec: OptimizerSpec
    reference: str


class OwnFolder(SearchPathPlugin):
    """Hydra's way of searching a further folder, which its own entry point has an option for."""

    folder: ClassVar[Path | None] = None

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        if self.folder is not None:
            search_path.append("command-line", f"file://{self.folder}")


def chosen(words: Sequence[str], config_dir: str | None = None) -> list[Chosen]:
    """``["optimizer=lion,adam", "optimizer.lr=0.1"]`` as optimizers, checked.

    Raises:
        RefusedInput, or Hydra's own exceptions: something is not there or misspelt.
    """
    names, overrides = _parsed(words)
    with _hydra(config_dir):
        if names != [ALL]:
            return [_composed(name, overrides) for name in names]
        options = GlobalHydra.instance().config_loader().get_group_options("optimizer")
        return list(_complete(options, overrides))


def _parsed(words: Sequence[str]) -> tuple[list[str], list[str]]:
    names: list[str] = []
    overrides: list[str] = []
    for word in words:
        key, equals, value = word.partition("=")
        if key == "optimizer" and not names and value:
            names = value.split(",")
        elif key.startswith("optimizer.") and equals:
            overrides.append(word)
        else:
            raise RefusedInput(_misunderstood(word, key, repeated=bool(names)))
    if not names:
        raise RefusedInput("optimizer: no value; write optimizer=NAME, or optimizer=all")
    return names, overrides


def _misunderstood(word: str, key: str, repeated: bool) -> str:
    if key != "optimizer":
        known = ["optimizer", "--config-dir", "--json", "--markdown", "--limit"]
        return f"{word}: no such key; {suggest(key, known)}, and optimizer.KEY"
    return f"{word}: {'given twice; write optimizer=A,B' if repeated else 'no value'}"


@contextmanager
def _hydra(config_dir: str | None) -> Iterator[None]:
    if config_dir is not None and not Path(config_dir).is_dir():
        raise RefusedInput(f"--config-dir {config_dir}: no such folder")
    schema.register()
    Plugins.instance().register(OwnFolder)
    OwnFolder.folder = None if config_dir is None else Path(config_dir).resolve()
    try:
        with hydra.initialize_config_module("conf", version_base="1.3"):
            yield
    finally:
        OwnFolder.folder = None


def _composed(name: str, overrides: Sequence[str]) -> Chosen:
    return _chosen(name, hydra.compose("config", [f"optimizer={name}", *overrides]))


def _chosen(name: str, cfg: DictConfig) -> Chosen:
    values: Any = OmegaConf.to_container(cfg.optimizer, resolve=True, throw_on_missing=True)
    return Chosen(
        optimizer_spec(name, values), str((values.get("bench") or {}).get("reference", ""))
    )


def _complete(names: Sequence[str], overrides: Sequence[str]) -> Iterator[Chosen]:
    """All but those whose YAML leaves a value to its user (???), which are named."""
    for name in names:
        try:
            # the file alone says as much as a composed config, at half the cost
            own = {} if overrides else {"optimizer": file_values("optimizer", name)}
            yield _chosen(name, OmegaConf.create(own)) if own else _composed(name, overrides)
        except MissingMandatoryValue as error:
            words = str(error).split("\n", maxsplit=1)[0]
            print(f"left out: {name}: {words}", file=sys.stderr)
