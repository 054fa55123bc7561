"""What a trial ran on: versions and hardware, as text for its record."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from bench.runtime import processes

_ASKED: dict[str, Any] = {"text": True, "stderr": subprocess.DEVNULL}
PACKAGES = ("optbench", "torch", "pytorch-lightning", "numpy")


def describe(device: torch.device, threads: int) -> dict[str, str]:
    """Device, threads, operating system and the versions that can move a number."""
    return {
        "device": device_name(device),
        "threads": str(threads),
        "cores": str(processes.cores()),
        "os": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **versions(),
        **commit(),
    }


def device_name(device: torch.device) -> str:
    """``NVIDIA H100 80GB HBM3``, or the processor's model name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return _cpu_name() if device.type == "cpu" else device.type


@cache
def versions() -> dict[str, str]:
    """Installed version of each package that takes part in training."""
    return {package: metadata.version(package) for package in PACKAGES}


@cache
def commit() -> dict[str, str]:
    """``commit`` of the harness where it runs from a git checkout, ``+`` where that was changed."""
    folder = Path(__file__).parents[2]
    if not (folder / ".git").exists():  # installed as a package: its version says it
        return {}
    git = ["git", "-C", str(folder)]
    asked = [*git, "status", "--porcelain", "--untracked-files=no", "bench", "tasks"]
    try:
        head = subprocess.check_output([*git, "rev-parse", "--short=12", "HEAD"], **_ASKED)
        changes = subprocess.check_output(asked, **_ASKED)
    except (OSError, subprocess.CalledProcessError):  # no git here, or nobody's repository
        return {}
    return {"commit": head.strip() + ("+" if changes.strip() else "")}


@cache
def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")  # Linux; elsewhere the platform's own word must do
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
