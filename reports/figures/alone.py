"""Times and memory of trials that trained alone: of a stack nobody's are its own."""

from __future__ import annotations

import pandas as pd

from reports.analysis.study import Study

STACKED = "Not measured: trials of a stack share clock and memory."


def alone(study: Study) -> pd.DataFrame:
    """Of ``Study.reported`` the trials that were not part of a stack."""
    return study.reported[study.reported["stack_size"].isna()]
