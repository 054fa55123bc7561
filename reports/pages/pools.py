"""Pools of real trials for simulated reports: ``python -m reports.pages.pools FOLDER`` packs them.

FOLDER holds one ``NAME.parquet`` a task: the trials of several optimizers at many settings, each
repeated with several seeds. The columns are opt, block and index (of the Sobol draw; index −1 is
the default), seed, status, val and test (accuracies), vloss and tloss. What is packed is shipped,
so that simulations need no training.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PACKED = Path(__file__).with_name("pools.json.gz")
VALUES = ("val", "test", "vloss", "tloss")
DIGITS = 4
"""Decimals kept: more than a split of 400 examples has."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Landscape:
    """One optimizer on one task: what its settings and its default give, the larger the better.

    Attributes:
        val, test: shape (settings, seeds); −∞ for a trial that diverged.
        default_val, default_test: shape (seeds,).
    """

    val: Floats
    test: Floats
    default_val: Floats
    default_test: Floats

    def tune(
        self,
        random: np.random.Generator,
        settings: int,
        tunings: int,
        *,
        reports: int = 1,
        common_seed: bool = False,
        rerank: int = 0,
    ) -> Floats:
        """Simulate tunings; return what each reports, shape (tunings,).

        Each tries the default and other settings, drawn without replacement, once on validation.
        Its best one is reported by another trial of that setting.

        Args:
            reports: trials that report the choice, whose mean is the result; as many of them as
                other seeds were recorded.
            common_seed: all settings of a tuning are tried on one seed, as studies do; else each
                on its own. The first seeds of the default are those of the settings.
            rerank: so many of the best settings are tried on one more seed each, and their mean
                decides; 0: none.
        """
        own = np.argsort(random.random((tunings, len(self.val))), axis=1)[:, : settings - 1]
        seeds = random.integers(self.val.shape[1], size=own.shape)
        seed_of_default = random.integers(len(self.default_val), size=tunings)
        if common_seed:
            seed_of_default = seeds[:, 0]
            seeds = np.broadcast_to(seeds[:, :1], own.shape)
        tried = np.column_stack([self.default_val[seed_of_default], self.val[own, seeds]])
        if rerank:
            of_default = self.default_val[(seed_of_default + 1) % len(self.default_val)]
            of_others = self.val[own, (seeds + 1) % self.val.shape[1]]
            both = tried + np.column_stack([of_default, of_others])
            ranks = np.argsort(np.argsort(-tried, axis=1, kind="stable"), axis=1)
            tried = np.where(ranks < rerank, both, -np.inf)
        best = tried.argmax(axis=1)
        rows, place = np.arange(tunings), np.maximum(best - 1, 0)
        used = 2 if rerank else 1
        fresh = _draw_others(random, seeds[rows, place], self.val.shape[1], used, reports)
        fresh_default = _draw_others(random, seed_of_default, len(self.default_val), used, reports)
        default = self.default_test[fresh_default].mean(axis=1)
        chosen = self.test[own[rows, place][:, None], fresh].mean(axis=1)
        return np.where(best == 0, default, chosen)


def _draw_others(
    random: np.random.Generator, seeds: NDArray[np.int64], count: int, used: int, wanted: int
) -> NDArray[np.int64]:
    """Draw for each seed other ones of ``count``, neighbours on a circle, shape (seeds, wanted).

    Args:
        used: seeds from this one on that have chosen; of two seeds in all the second one reports.
    """
    left = max(1, count - used)
    steps = random.integers(left, size=len(seeds))[:, None] + np.arange(min(wanted, left))
    return (seeds[:, None] + count - left + steps % left) % count


@cache
def load_landscapes(metric: str = "accuracy") -> dict[str, Landscape]:
    """Load what is packed, by ``POOL OPTIMIZER``.

    Args:
        metric: ``accuracy``, which ties, or ``loss``.
    """
    content = json.loads(gzip.decompress(PACKED.read_bytes()))
    val, test, sign = ("val", "test", 1) if metric == "accuracy" else ("vloss", "tloss", -1)
    return {
        name: Landscape(
            *(sign * _array(one["settings"][split], sign) for split in (val, test)),
            *(sign * _array(one["default"][split], sign) for split in (val, test)),
        )
        for name, one in content.items()
    }


def pack(folder: Path) -> bytes:
    """Pack every ``.parquet`` of a folder."""
    content = {
        f"{path.stem} {optimizer}": _pack_optimizer(own)
        for path in sorted(folder.glob("*.parquet"))
        for optimizer, own in pd.read_parquet(path).groupby("opt")
    }
    text = json.dumps(content, separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)


def main() -> None:
    """Pack the folder named on the command line."""
    content = pack(Path(sys.argv[1]))
    PACKED.write_bytes(content)
    print(f"{PACKED.name}: {len(content)} bytes")


def _pack_optimizer(own: pd.DataFrame) -> dict[str, Any]:
    """Lists by split: of settings one a setting with one value a seed, null where it diverged."""
    own = own.sort_values(["block", "index", "seed"])
    ran = own["status"] == "finished"
    own = own.assign(**{name: own[name].where(ran).round(DIGITS) for name in VALUES})
    default, settings = own[own["index"] < 0], own[own["index"] >= 0]
    tables = {"default": default, "settings": settings}
    return {
        name: {
            split: _lists(table, split) if name == "settings" else _nulls(table[split])
            for split in VALUES
        }
        for name, table in tables.items()
    }


def _lists(table: pd.DataFrame, split: str) -> list[list[float | None]]:
    return [_nulls(own[split]) for _, own in table.groupby(["block", "index"])]


def _nulls(values: pd.Series) -> list[float | None]:
    return [None if math.isnan(value) else float(value) for value in values]


def _array(values: Any, sign: int) -> Floats:
    return np.where(np.isnan(given := np.array(values, dtype=float)), -sign * np.inf, given)


if __name__ == "__main__":
    main()
