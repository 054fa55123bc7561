"""Lightning, without what TorchMetrics brings: the one place where it is imported.

Lightning imports TorchMetrics to recognise its metrics among what is logged, and TorchMetrics
imports torchvision, SciPy's signal processing and Matplotlib: more than half of the time until a
small trial starts, and 100 MiB, for what the harness never logs. So a stand-in with the two classes
that Lightning asks for is there while Lightning is imported, and gone when that is done: whoever
imports TorchMetrics, gets it. Where it was imported before, nothing is changed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

NAME = "torchmetrics"


class Metric:
    """What no logged value is an instance of."""


class MetricCollection:
    """Likewise."""


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
