"""Lightning without TorchMetrics, and TorchMetrics for whoever wants it."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def said(code: str) -> str:
    return subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).strip()


def test_nothing_of_torchmetrics_is_loaded_and_it_can_be_afterwards():
    code = """
import sys
from bench.runtime.lightning import pl
print(sorted({"torchmetrics", "torchvision", "scipy.signal", "matplotlib"} & set(sys.modules)))
import torchmetrics
print(float(torchmetrics.MeanMetric()(3.0)), torchmetrics.__file__ is not None)
"""
    assert said(code).splitlines() == ["[]", "3.0 True"]


def test_where_it_was_there_before_lightning_knows_it():
    code = """
import torchmetrics
from bench.runtime.lightning import pl
from pytorch_lightning.trainer.connectors.logger_connector import result
print(result.Metric is torchmetrics.Metric, sys.modules["torchmetrics"] is torchmetrics)
"""
    assert said("import sys" + code) == "True True"


def test_it_is_imported_nowhere_else():
    found = set()
    for folder in ("bench", "tasks", "reports"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Import | ast.ImportFrom):
                    continue
                names = [alias.name for alias in node.names]
                names.append(getattr(node, "module", None) or "")
                if any(name.split(".")[0] == "pytorch_lightning" for name in names):
                    found.add(path.relative_to(ROOT).as_posix())
    assert found == {"bench/runtime/lightning.py"}
