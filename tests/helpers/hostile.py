"""Baselines as an attacker would write them: valid hashes over whatever was put in."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.spec import TrialRecord, digest
from reports.data import baseline
from tests.helpers.studies import reports

GOOD = [0.90, 0.91, 0.92, 0.905, 0.915]


def good_records() -> list[TrialRecord]:
    return [*reports("adam", GOOD), *reports("lion", GOOD)]


def content(records: list[TrialRecord] | None = None) -> dict[str, Any]:
    """A baseline as plain data."""
    made: dict[str, Any] = json.loads(baseline.dumps(records or good_records(), {}))
    return made


def forge(change: Any, records: list[TrialRecord] | None = None) -> dict[str, Any]:
    """A baseline whose records were changed, with hashes that go with the change."""
    return content([rehash(change(record)) for record in records or good_records()])


def rehash(record: TrialRecord) -> TrialRecord:
    return replace(record, config_hash=digest(record.config))


def with_config(record: TrialRecord, path: str, value: Any) -> TrialRecord:
    """A record with another value at a dotted path of its config; a missing key is added."""
    config = copy.deepcopy(dict(record.config))
    *parents, last = path.split(".")
    inner: Any = config
    for name in parents:
        inner = inner[name]
    inner[last] = value
    return rehash(replace(record, config=config))


def set_at(plain: Any, path: str, value: Any) -> Any:
    """A copy of plain data with another value at a dotted path, whose places may be numbers."""
    changed = copy.deepcopy(plain)
    *parents, last = [int(one) if one.isdigit() else one for one in path.split(".")]
    inner = changed
    for name in parents:
        inner = inner[name]
    if value is DELETED:
        del inner[last]
    else:
        inner[last] = value
    return changed


DELETED = object()


def save(path: Path, plain: Any) -> Path:
    """Write plain data, text or bytes; packed where the name says so."""
    data = plain if isinstance(plain, bytes) else None
    if data is None:
        data = (plain if isinstance(plain, str) else json.dumps(plain)).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def nested(canary: Path) -> Mapping[str, Any]:
    """Values that run a command or import a module where Hydra, YAML or pickle sees them."""
    command = f"touch {canary}"
    system = {"_target_": "os.system", "command": command}
    return {
        "os.system": system,
        "os.system by position": {"_target_": "os.system", "_args_": [command]},
        "subprocess": {"_target_": "subprocess.check_output", "args": ["touch", str(canary)]},
        "builtins.exec": {"_target_": "builtins.exec", "_args_": [f"open({str(canary)!r}, 'w')"]},
        "builtins.eval": {"_target_": "builtins.eval", "_args_": [f"open({str(canary)!r}, 'w')"]},
        "builtins.open": {"_target_": "builtins.open", "file": str(canary), "mode": "w"},
        "in a list": [0.9, system],
        "in a list of lists": [[[system]]],
        "deep in mappings": {"a": {"b": {"c": system}}},
        "under a component": {"_target_": "torch.optim.SGD", "lr": system},
        "partial": {**system, "_partial_": True},
        "not recursive": {**system, "_recursive_": False},
        "converted": {**system, "_convert_": "all"},
        "called": {**system, "_call_": True},
        "arguments without a target": {"_args_": [command]},
        "hydra.utils.instantiate": {"_target_": "hydra.utils.instantiate", "_args_": [system]},
        "hydra.utils.call": {"_target_": "hydra.utils.call", "config": system},
        "hydra.utils.get_method": {"_target_": "hydra.utils.get_method", "path": "os.system"},
        "functools.partial": {"_target_": "functools.partial", "_args_": ["os.system", command]},
        "pathlib": {"_target_": "pathlib.Path.touch", "self": str(canary)},
        "numpy.load": {"_target_": "numpy.load", "file": "evil.npy", "allow_pickle": True},
        "torch.load": {"_target_": "torch.load", "f": "evil.pt", "weights_only": False},
        "pickle": {"_target_": "pickle.loads", "_args_": ["cos\nsystem\n(S'touch x'\ntR."]},
        "a local module": {"_target_": "evil_module.Evil"},
        "a local function": {"_target_": "evil_module.run", "_partial_": True},
    }


TARGETS = (
    *("os.system", "builtins.exec", "subprocess.run", "evil_module.Evil", "evil_module.run"),
    *("hydra.utils.instantiate", "../evil_module.Evil", "./evil_module.py", "evil_module"),
    *("/tmp/evil_module.Evil", "torch.hub.load", "shutil.rmtree", "importlib.import_module"),
)
"""Dotted paths for a component itself."""

TEXTS = (
    *("!!python/object/apply:os.system ['touch canary']", "${oc.env:HOME}", "${now:%d}"),
    *("${oc.create:{_target_: os.system}}", "../../evil", "/etc/passwd", "evil_module"),
    *("adam,_target_=os.system", "adam hydra.run.dir=/tmp", "{{ 7*7 }}", "$(touch canary)"),
    *("`touch canary`", "; touch canary", "adam.yaml", "../optimizer/adam", "file:///tmp/evil"),
)
"""Texts for names, code and versions."""

EVIL_MODULE = """import pathlib
pathlib.Path(__file__).with_name("canary").touch()
class Evil:
    def __init__(self, *arguments, **options): pathlib.Path({canary!r}).touch()
def run(*arguments, **options): pathlib.Path({canary!r}).touch()
"""
