"""Import of Lightning without TorchMetrics; no other file imports it.

Lightning imports TorchMetrics to recognise its metrics among what is logged, and TorchMetrics
imports torchvision, SciPy's signal processing and Matplotlib: more than half of the time until a
small trial starts, and 100 MiB, for what the harness never logs. A stub has the two classes that
Lightning asks for, and is gone once Lightning is imported: whoever imports TorchMetrics later gets
the real one. Where TorchMetrics was imported before, nothing changes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

NAME = "torchmetrics"


class Metric:
    """A class that no logged value is an instance of."""


class MetricCollection:
    """Another such class."""


@contextmanager
def _stub_torchmetrics() -> Iterator[None]:
    if NAME in sys.modules:
        yield
        return
    module = ModuleType(NAME)
    module.__spec__ = ModuleSpec(NAME, None)
    module.__dict__.update(Metric=Metric, MetricCollection=MetricCollection)
    sys.modules[NAME] = module
    try:
        yield
    finally:
        del sys.modules[NAME]


with _stub_torchmetrics():
    import pytorch_lightning as pl
    from pytorch_lightning.plugins.environments import LightningEnvironment

__all__ = ["LightningEnvironment", "pl"]
