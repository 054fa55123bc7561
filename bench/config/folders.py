"""Folders of YAMLs: the shipped ones, and a user's own, which never redefine a shipped name.

Hydra takes the first file of a name, and the shipped folder comes first: a user's own
``optimizer/lion.yaml`` would be passed over without a word. Were it the other way round, it would
redefine the shipped tasks, suites and experiments that say ``lion``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from hydra._internal.core_plugins import file_config_source, importlib_resources_config_source
from hydra._internal.core_plugins.structured_config_source import StructuredConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource

import bench
from bench.config.limits import MAX_BYTES, check_yaml, limit_interpolations
from bench.spec import RefusedInput

SHIPPED = ("hydra.conf", "conf")
"""Packages whose YAMLs are no user's."""
ENDINGS = (".yaml", ".yml")
"""Hydra reads only the first, but a person who writes the second means the same."""
MAX_LINES = 5
"""Files that one refusal names."""


class UserFileSource(file_config_source.FileConfigSource):
    """A folder that ``--config-dir``, ``--config-path`` or ``hydra.searchpath`` names."""

    def __init__(self, provider: str, path: str) -> None:
        super().__init__(provider, path)
        refuse_shipped_names(Path(self.path))

    def load_config(self, config_path: str) -> ConfigResult:
        _check_file(Path(self.path), self._normalize_file_name(config_path))
        return super().load_config(config_path)


class PackageSource(importlib_resources_config_source.ImportlibResourcesConfigSource):
    """A package of YAMLs: a shipped one, or one that ``hydra.searchpath=[pkg://…]`` names."""

    def __init__(self, provider: str, path: str) -> None:
        super().__init__(provider, path)
        if self.path == "conf":
            _refuse_other_conf()
        elif self.path not in SHIPPED and self.available():
            refuse_shipped_names(resources.files(self.path))

    def load_config(self, config_path: str) -> ConfigResult:
        if self.path not in SHIPPED:
            _check_file(resources.files(self.path), self._normalize_file_name(config_path))
        return super().load_config(config_path)


@contextmanager
def guard_folders() -> Iterator[None]:
    """Check every folder, file and interpolation that Hydra reads within this context."""
    Plugins.instance()  # registers Hydra's own sources
    types = SourcesRegistry.instance().types
    before = dict(types)
    types.update({"file": UserFileSource, "pkg": PackageSource})
    try:
        with limit_interpolations():
            yield
    finally:
        types.update(before)


def refuse_shipped_names(folder: Traversable) -> None:
    """Refuse a folder with files whose names are shipped in the same group, chosen or not.

    Names that differ in case alone are one file on macOS and Windows, so they count as equal.

    Raises:
        RefusedInput: naming each file.
    """
    if not folder.is_dir() or _is_shipped(folder):
        return
    lines = []
    for group, names in sorted(_list_shipped().items()):
        place = folder.joinpath(*group.split("/")) if group else folder
        if not place.is_dir():
            continue
        for file in sorted(place.iterdir(), key=lambda one: one.name):
            stem, dot, ending = file.name.rpartition(".")
            if dot + ending.lower() in ENDINGS and _fold(stem) in names and file.is_file():
                lines.append(
                    f"{_show(file)}: this name is shipped. Rename your file, for example "
                    f"{stem}_mine.yaml."
                )
    if len(lines) > MAX_LINES:
        more = len(lines) - MAX_LINES
        lines[MAX_LINES:] = [f"{_show(folder)}: {more} more names are shipped. Rename these files."]
    if lines:
        raise RefusedInput("\n".join(lines))


def _list_shipped() -> dict[str, set[str]]:
    """List the names of each group, as ``_fold`` writes them."""
    names: dict[str, set[str]] = {}
    # what Python modules have registered can grow, the packages cannot
    for group, name in (*_list_packaged(), *_walk(StructuredConfigSource("", "structured://"))):
        names.setdefault(group, set()).add(_fold(name))
    return names


@cache
def _list_packaged() -> tuple[tuple[str, str], ...]:
    source = importlib_resources_config_source.ImportlibResourcesConfigSource
    return tuple(one for package in SHIPPED for one in _walk(source("", f"pkg://{package}")))


def _walk(source: ConfigSource, group: str = "") -> Iterator[tuple[str, str]]:
    """Yield the group and name of everything in a source."""
    for name in source.list(group, ObjectType.CONFIG):
        yield group, name
    for inner in source.list(group, ObjectType.GROUP):
        yield from _walk(source, f"{group}/{inner}" if group else inner)


def _fold(name: str) -> str:
    """Return what names share that a file system may take for one."""
    return unicodedata.normalize("NFKC", name).casefold()


def _is_shipped(folder: Traversable) -> bool:
    ours = Path(str(resources.files("conf")))
    return isinstance(folder, Path) and folder.samefile(ours)


def _refuse_other_conf() -> None:
    """Refuse a package ``conf`` of somebody else, such as the working folder's with python -m."""
    found = Path(str(resources.files("conf")))
    if not found.samefile(Path(str(bench.__file__)).parents[1] / "conf"):
        raise RefusedInput(
            f"{found}: this package hides the conf of optbench. Rename it, for example my_conf."
        )


def _check_file(folder: Traversable, name: str) -> None:
    """Refuse a YAML that is beyond the limits."""
    file = folder.joinpath(*name.split("/"))
    with file.open("rb") as opened:
        check_yaml(_show(file), opened.read(MAX_BYTES + 1))


def _show(file: Traversable) -> str:
    """Return a path as a person typed it: from the working folder where it lies there."""
    path = Path(str(file))
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
