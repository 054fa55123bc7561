"""Trials with times and memory of their own: those that did not train in a stack."""

from __future__ import annotations

import pandas as pd

from reports.analysis.study import Study

STACKED = "Not measured: trials of a stack share clock and memory."


def select_unstacked(study: Study) -> pd.DataFrame:
    """Select from ``Study.reported`` the trials that were not part of a stack."""
    return study.reported[study.reported["stack_size"].isna()]
