"""Versions of packages, and hashes of a user's own source, behind dotted paths.

A user can edit a module between two runs, and so change the result. Its source, and that of the
user's modules that it imports, is part of a trial's hash. The files are read, not imported:
refusing a mistake must not take seconds.
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
    """Find every dotted path in YAMLs, those of nested components included."""
    return sorted(
        {str(v) for part in parts for k, v in flat(part).items() if k.endswith("_target_")}
    )


def hash_user_source(paths: Iterable[str]) -> str:
    """Hash the user's own modules behind dotted paths to 16 digits; empty without any."""
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
    """Read versions as ``timm 1.0.9`` of installed top-level modules other than ours and torch."""
    names = sorted(set(modules) - PROJECT_PACKAGES - TORCH)
    return ", ".join(f"{name} {version}" for name in names if (version := _read_version(name)))


def describe_code(*parts: Mapping[str, Any]) -> str:
    """Describe the versions and the user's source behind all that one YAML names."""
    paths = find_targets(*parts)
    pieces = [read_versions(path.partition(".")[0] for path in paths), hash_user_source(paths)]
    return ", ".join(filter(None, pieces))


@cache
def _read_version(module: str) -> str:
    """Read the version of the package that brings a module; empty for a user's own."""
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        packages = metadata.packages_distributions().get(module, [])
        return metadata.version(packages[0]) if packages else ""


def _collect_files(path: str, files: dict[str, Path]) -> None:
    """Collect the user's modules along a dotted path, and those that they import, by name."""
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
    """Find each of the user's packages and modules that importing a dotted path runs."""
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
    """Find the names that a file imports, in functions too; none where it cannot be read."""
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
    """Return True where all files of a module are a user's."""
    paths = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ())
    return bool(paths) and all(is_user_code(str(path)) for path in paths)
