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

from bench.build.user_code import PROJECT_PACKAGES, is_user_code
from bench.spec.hyperparameters import flat

TORCH = frozenset({"torch", "torchvision"})
"""Every trial computes with them: their versions stand in the environment of its record."""


def find_targets(*parts: Mapping[str, Any]) -> list[str]:
    """Every dotted path in YAMLs, those of nested components included."""
    found = {str(v) for part in parts for k, v in flat(part).items() if k.endswith("_target_")}
    return sorted(found)


def hash_user_source(paths: Iterable[str]) -> str:
    """16 hexadecimal digits of the user's own modules behind dotted paths; empty without any."""
    files: dict[str, Path] = {}
    for path in paths:
        if path.partition(".")[0] not in PROJECT_PACKAGES | TORCH:
            _collect_files(path, files)
    if not files:
        return ""
    sha = hashlib.sha256()
    for name, file in sorted(files.items()):
        sha.update(f"{name}\n".encode() + file.read_bytes().replace(b"\r\n", b"\n"))
    return sha.hexdigest()[:16]


def read_versions(modules: Iterable[str]) -> str:
    """``timm 1.0.9``: the installed packages among top-level modules, ours and torch left out."""
    found = {
        module: _read_version(module) for module in sorted(set(modules) - PROJECT_PACKAGES - TORCH)
    }
    return ", ".join(f"{module} {version}" for module, version in found.items() if version)


def describe_code(*parts: Mapping[str, Any]) -> str:
    """Both, of everything that one YAML names."""
    paths = find_targets(*parts)
    made_of = [read_versions(path.partition(".")[0] for path in paths), hash_user_source(paths)]
    return ", ".join(filter(None, made_of))


@cache
def _read_version(module: str) -> str:
    """Version of the package that brings a module; empty for a user's own."""
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        packages = metadata.packages_distributions().get(module, [])
        return metadata.version(packages[0]) if packages else ""


def _collect_files(path: str, files: dict[str, Path]) -> None:
    """The user's modules along a dotted path, and those that they import, by name."""
    for name, spec in _find_user_modules(path):
        file = Path(spec.origin) if spec.origin else None
        if file is None or name in files or file.suffix != ".py":
            continue
        files[name] = file
        package = name if spec.submodule_search_locations else name.rpartition(".")[0]
        for imported in _find_imports(file, package):
            if imported.partition(".")[0] not in PROJECT_PACKAGES | TORCH:
                _collect_files(imported, files)


def _find_user_modules(path: str) -> Iterator[tuple[str, ModuleSpec]]:
    """Each package and module that importing a dotted path runs, as far as they are a user's."""
    top, *rest = path.split(".")
    try:
        spec = util.find_spec(top)
    except (ImportError, ValueError):
        return
    name = top
    while spec is not None and _is_user_module(spec):
        yield name, spec
        if not rest or not spec.submodule_search_locations:
            return
        name = f"{name}.{rest.pop(0)}"
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))


def _find_imports(file: Path, package: str) -> Iterator[str]:
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


def _is_user_module(spec: ModuleSpec) -> bool:
    """Whether all that there is of it is a user's."""
    found = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ())
    return bool(found) and all(is_user_code(str(place)) for place in found)
