"""Ids of what a trial belongs to: digests of its config, whatever else a report holds.

Tables are grouped, joined and compared by ids; labels (``reports.data.labels``) are for display.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.spec import digest, protocol

IDS = ["setting_id", "entrant_id", "point_id"]
ARM = ["setting_id", "entrant_id"]
"""Columns that name one entrant under one setting."""

Config = Mapping[str, Any]


def setting_id(config: Config) -> str:
    """Digest what has to be equal within a comparison."""
    return digest(protocol.setting(config))


def entrant_id(config: Config) -> str:
    """Digest an entrant: the optimizer's name and the whole schedule.

    Merging refuses two optimizers of one name, so the source of a trial is no part of it.
    """
    return digest({"optimizer": config["optimizer"]["name"], "schedule": config["schedule"]})


def point_id(config: Config) -> str:
    """Digest the optimizer with all its hyperparameters, whatever names the record gives them."""
    return digest(config["optimizer"])
