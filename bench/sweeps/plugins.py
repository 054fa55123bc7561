"""Registration of our sweepers and launchers with Hydra under the names that people type."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins

from bench.sweeps.launchers.joblib import WorkersLauncher
from bench.sweeps.launchers.ray import CONFIG, RayLauncher
from bench.sweeps.launchers.sequential import BasicLauncher
from bench.sweeps.launchers.stacked import AutoLauncher, StackedLauncher
from bench.sweeps.launchers.submitit import COMMON, SLURM, LocalLauncher, SlurmLauncher
from bench.sweeps.sweepers.ablate import AblationSweeper
from bench.sweeps.sweepers.grid import GridSweeper
from bench.sweeps.sweepers.study import StudySweeper
from bench.sweeps.sweepers.target import TargetSweeper

SWEEPERS = (GridSweeper, StudySweeper, AblationSweeper, TargetSweeper)
LAUNCHERS = (
    *(AutoLauncher, BasicLauncher, StackedLauncher, WorkersLauncher),
    *(RayLauncher, LocalLauncher, SlurmLauncher),
)


def register() -> None:
    """Register all, once, before Hydra composes."""
    # Hydra instantiates plugins only from below `hydra_plugins`: that name, without a folder. The
    # package itself is there only where another plugin is installed.
    if "hydra_plugins" not in sys.modules and find_spec("hydra_plugins") is None:
        parent = ModuleType("hydra_plugins")
        parent.__path__ = []
        sys.modules[parent.__name__] = parent
    module = ModuleType("hydra_plugins.optbench")
    sys.modules[module.__name__] = module
    for plugin in (*SWEEPERS, *LAUNCHERS):
        plugin.__module__ = module.__name__
        setattr(module, plugin.__name__, plugin)
        # Hydra's own come first; the store below overrides them
        Plugins.instance().register(plugin)
    _store(
        "hydra/sweeper",
        "basic",
        "hydra_plugins.optbench.GridSweeper",
        params=None,
        max_batch_size=None,
    )
    _store("hydra/sweeper", "study", "hydra_plugins.optbench.StudySweeper", params=None)
    _store("hydra/sweeper", "ablate", "hydra_plugins.optbench.AblationSweeper", params=None)
    _store("hydra/sweeper", "target", "hydra_plugins.optbench.TargetSweeper", params=None)
    _store("hydra/launcher", "auto", "hydra_plugins.optbench.AutoLauncher")
    _store("hydra/launcher", "basic", "hydra_plugins.optbench.BasicLauncher")
    _store("hydra/launcher", "stacked", "hydra_plugins.optbench.StackedLauncher")
    _store("hydra/launcher", "joblib", "hydra_plugins.optbench.WorkersLauncher", n_jobs=-1)
    _store("hydra/launcher", "ray", "hydra_plugins.optbench.RayLauncher", **CONFIG)
    _store("hydra/launcher", "submitit_local", "hydra_plugins.optbench.LocalLauncher", **COMMON)
    slurm = {**COMMON, **SLURM}
    _store("hydra/launcher", "submitit_slurm", "hydra_plugins.optbench.SlurmLauncher", **slurm)


def _store(group: str, name: str, target: str, /, **arguments: object) -> None:
    node = {"_target_": target, **arguments}
    ConfigStore.instance().store(group=group, name=name, node=node, provider="optbench")
