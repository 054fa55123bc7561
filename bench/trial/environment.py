"""The versions and hardware that a trial ran on, as text for its record."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from bench.runtime import processes

_GIT_OPTIONS: dict[str, Any] = {"text": True, "stderr": subprocess.DEVNULL}
PACKAGES = ("optbench", "torch", "pytorch-lightning", "numpy")


def describe_environment(device: torch.device, threads: int) -> dict[str, str]:
    """Describe device, threads, operating system and the versions that can move a number."""
    return {
        "device": get_device_name(device),
        "threads": str(threads),
        "cores": str(processes.cores()),
        "os": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **read_versions(),
        **read_commit(),
    }


def get_device_name(device: torch.device) -> str:
    """Return the model name of a GPU or processor, such as ``NVIDIA H100 80GB HBM3``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return _read_cpu_name() if device.type == "cpu" else device.type


@cache
def read_versions() -> dict[str, str]:
    """Read the installed version of each package that takes part in training."""
    return {package: metadata.version(package) for package in PACKAGES}


@cache
def read_commit() -> dict[str, str]:
    """Read ``commit`` of a git checkout, with ``+`` where files are changed; else nothing."""
    folder = Path(__file__).parents[2]
    if not (folder / ".git").exists():  # installed as a package: its version says it
        return {}
    git = ["git", "-C", str(folder)]
    status = [*git, "status", "--porcelain", "--untracked-files=no", "bench", "tasks"]
    try:
        head = subprocess.check_output([*git, "rev-parse", "--short=12", "HEAD"], **_GIT_OPTIONS)
        changes = subprocess.check_output(status, **_GIT_OPTIONS)
    except (OSError, subprocess.CalledProcessError):  # no git here, or nobody's repository
        return {}
    return {"commit": head.strip() + ("+" if changes.strip() else "")}


@cache
def _read_cpu_name() -> str:
    info = Path("/proc/cpuinfo")  # Linux; other platforms have a name of their own
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
