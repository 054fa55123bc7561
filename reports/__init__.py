"""Reports of a study. In a notebook: ``from reports import Study; s = Study.load("mine")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.output.notebook import Study

__all__ = ["Study"]


def __getattr__(name: str) -> Any:
    """Import ``Study`` on first use: ``optbench-report --help`` should not wait for pandas."""
    if name == "Study":
        from reports.output.notebook import Study  # pandas and altair take seconds

        return Study
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
