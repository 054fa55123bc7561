"""``Study.overall`` for people: who stands where over all comparisons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from reports.analysis.study import Study
from reports.text.effects import format_overall_improvement
from reports.text.numbers import MISSING, interval, whole


def list_standings(study: Study) -> list[dict[str, str]]:
    """List a row an entrant: log2 ratios as ratios, an incomplete entrant without any."""
    reference = study.reference or "the reference"
    return [
        {
            "optimizer": row["entrant"],
            "row": str(row["row"]),
            "rank": whole(row["rank"]) if row["complete"] else "incomplete",
            "tasks": f"{row['tasks']} of {row['of']}",
            "overall": _format_claim(row),
            f"ahead of {reference}": format_overall_improvement(row),
            "better": whole(row["better"]),
            "no clear difference": whole(row["unclear"]),
            "worse": whole(row["worse"]),
            "no verdict": whole(row["no_verdict"] + row["not_asked"]),
            f"error ÷ {reference}'s [95 %]": _ratio(row, "value", -1),
            f"speed × {reference}'s [95 %]": _ratio(row, "speed", 1),
            "profile area": _between(row, "profile_area"),
            "rank by profile": _ranks(row),
            "finished": f"{row['finished']} of {row['trials']}",
        }
        for row in study.overall.to_dict("records")
    ]


def _format_claim(row: Mapping[Any, Any]) -> str:
    """The verdict over the tasks that both ran, with their number where it is not all."""
    some = f" (of {row['tested_tasks']} tasks)" if 0 < row["tested_tasks"] < row["of"] else ""
    return f"{row['claim']}{some}"


def _between(row: Mapping[Any, Any], name: str) -> str:
    return interval(row[name], row[f"{name}_low"], row[f"{name}_high"], 2)


def _ratio(row: Mapping[Any, Any], name: str, sign: int) -> str:
    """A log2 score as a ratio, turned over where ``sign`` is negative."""
    if math.isnan(row[name]):
        return MISSING
    estimate, one, other = (
        float(np.exp2(sign * row[key])) for key in (name, f"{name}_low", f"{name}_high")
    )
    return interval(estimate, min(one, other), max(one, other), 2)


def _ranks(row: Mapping[Any, Any]) -> str:
    """``2``, or ``2 (1 to 3)``: what it becomes when another entrant is left out."""
    if math.isnan(row["profile_rank"]):
        return MISSING
    low, high = row["rank_low"], row["rank_high"]
    alone = math.isnan(low) or low == high
    return whole(row["profile_rank"]) + ("" if alone else f" ({whole(low)} to {whole(high)})")
