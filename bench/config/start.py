"""Hydra over ``conf/`` and a user's folder, for commands that Hydra itself does not start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import hydra
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from bench.config import schema
from bench.config.folders import guard_folders
from bench.spec import RefusedInput


class UserFolder(SearchPathPlugin):
    """Hydra's way of searching a further folder, which its own entry point has an option for."""

    folder: ClassVar[Path | None] = None

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        if self.folder is not None:
            search_path.append("command-line", f"file://{self.folder}")


@contextmanager
def start_hydra(config_dir: str | None) -> Iterator[None]:
    """Let Hydra compose from ``conf/`` and the folder, while this lasts.

    Raises:
        RefusedInput: there is no such folder.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        raise RefusedInput(f"--config-dir {config_dir}: no such folder")
    schema.register()
    Plugins.instance().register(UserFolder)
    UserFolder.folder = None if config_dir is None else Path(config_dir).resolve()
    try:
        with guard_folders(), hydra.initialize_config_module("conf", version_base="1.3"):
            yield
    finally:
        UserFolder.folder = None
