"""What a component is made of beyond its dotted path: a package's version, or a user's own source.

A module that lies in no installed package can be edited between two runs, and with it the result:
the source of it, and of the user's modules that it imports, is part of a trial's hash. They are
found and read, not imported, so that a mistake is still answered at once.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import metadata, util
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from bench.build.user_code import OURS, own
from bench.spec.hyperparameters import flat

TORCH = frozenset({"torch", "torchvision"})
"""Every trial computes with them: their versions stand in the environment of its record."""


def targets(*parts: Mapping[str, Any]) -> list[str]:
    """Every dotted path in YAMLs, those of nested components included."""
    found = {str(v) for part in parts for k, v in flat(part).items() if k.endswith("_target_")}
    return sorted(found)


def source(paths: Iterable[str]) -> str:
    """16 hexadecimal digits of the user's own modules behind dotted paths; empty without any."""
    files: dict[str, Path] = {}
    for path in paths:
        if path.partition(".")[0] not in OURS | TORCH:
            _collect(path, files)
    if not files:
        return ""
    sha = hashlib.sha256()
    for name, file in sorted(files.items()):
        sha.update(f"{name}\n".encode() + file.read_bytes().replace(b"\r\n", b"\n"))
    return sha.hexdigest()[:16]


def versions(modules: Iterable[str]) -> str:
    """``timm 1.0.9``: the installed packages among top-level modules, ours and torch left out."""
    found = {module: _version(module) for module in sorted(set(modules) - OURS - TORCH)}
    return ", ".join(f"{module} {version}" for module, version in found.items() if version)


def code(*parts: Mapping[str, Any]) -> str:
    """Both, of everything that one YAML names."""
    paths = targets(*parts)
    made_of = [versions(path.partition(".")[0] for path in paths), source(paths)]
    return ", ".join(filter(None, made_of))


@cache
def _version(module: str) -> str:
    """Version of the package that brings a module; empty for a user's own."""
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        packages = metadata.packages_distributions().get(module, [])
        return metadata.version(packages[0]) if packages else ""


def _collect(path: str, files: dict[str, Path]) -> None:
    """The user's modules along a dotted path, and those that they import, by name."""
    for name, spec in _along(path):
        file = Path(spec.origin) if spec.origin else None
        if file is None or name in files or file.suffix != ".py":
            continue
        files[name] = file
        package = name if spec.submodule_search_locations else name.rpartition(".")[0]
        for imported in _imports(file, package):
            if imported.partition(".")[0] not in OURS | TORCH:
                _collect(imported, files)


def _along(path: str) -> Iterator[tuple[str, ModuleSpec]]:
    """Each package and module that importing a dotted path runs, as far as they are a user's."""
    top, *rest = path.split(".")
    try:
        spec = util.find_spec(top)
    except (ImportError, ValueError):
        return
    name = top
    while spec is not None and _own(spec):
        yield name, spec
        if not rest or not spec.submodule_search_locations:
            return
        name = f"{name}.{rest.pop(0)}"
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))


def _imports(file: Path, package: str) -> Iterator[str]:
    """Dotted names that a file imports, in functions too; none of one that cannot be read."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _own(spec: ModuleSpec) -> bool:
    """Whether all that there is of it is a user's."""
    found = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ())
    return bool(found) and all(own(str(place)) for place in found)
