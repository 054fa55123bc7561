"""Costs of entrants that were measured alone, beside the arms that a report shows.

Trials of a stack have no time of their own, and trials of several machines have times that do not
compare: ``optbench-report study=NAME costs=true`` measures each entrant again, all on one machine
and in turns (``bench.trial.cost``), and keeps the numbers with the study.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.spec import digest
from reports.data.ids import ARM, IDS

COLUMNS = [
    *["comparison", "entrant", "point", "step_time_ms", "state_mib", "steps_measured"],
    *["device", "reason", *IDS],
]
"""Milliseconds a step, median over rounds; MiB of tensors that the optimizer keeps; training steps
that were timed; what it ran on; why there is no number, else empty."""

Config = Mapping[str, Any]


def _digest(config: Config) -> str:
    """Digest what has one cost: a trial whatever its seed and phase."""
    return digest({name: value for name, value in config.items() if name not in ("seed", "phase")})


def choose_configs(reported: pd.DataFrame, configs: Mapping[str, Config]) -> dict[str, Config]:
    """Choose each entrant's config at its reported point; the key is the digest of its cost.

    Args:
        reported: ``Study.reported``; of repeated tunings the first point counts.
        configs: a trial's config by its run_id.
    """
    chosen = [configs[run_id] for run_id in _first(reported)["run_id"]]
    return {_digest(config): config for config in chosen}


def tabulate_costs(
    reported: pd.DataFrame,
    configs: Mapping[str, Config],
    measured: Mapping[str, Mapping[str, Any]],
) -> pd.DataFrame:
    """List the measured costs of reported entrants; those never measured have no row."""
    rows: list[dict[Any, Any]] = []
    for arm in _first(reported).to_dict("records"):
        cost = measured.get(_digest(configs[arm["run_id"]]))
        if cost is not None:
            rows.append({**cost, **arm})
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"step_time_ms": "float64", "state_mib": "float64"})


def _first(reported: pd.DataFrame) -> pd.DataFrame:
    return reported.drop_duplicates(ARM)[["comparison", "entrant", "point", "run_id", *IDS]]
