"""What a trial ran on: versions and hardware, as text for its record."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

import torch

PACKAGES = ("optbench", "torch", "pytorch-lightning", "numpy")


def describe(device: torch.device, threads: int) -> dict[str, str]:
    """Device, threads, operating system and the versions that can move a number."""
    return {
        "device": device_name(device),
        "threads": str(threads),
        "cores": str(os.cpu_count()),
        "os": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **versions(),
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
def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")  # Linux; elsewhere the platform's own word must do
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
