"""How a sweep ends: its report, then what failed, then the exit code."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from bench.spec import Outcome
from bench.sweeps.batch import failures


def conclude(study: str, uri: str, outcomes: Mapping[str, Outcome], report: bool) -> None:
    """Write the report, list the failures.

    Raises:
        SystemExit: with code 1 where some trial failed.
    """
    if report:
        from reports.__main__ import make_report

        make_report(uri, study, Path("outputs") / study / "report")
    if failed := failures(outcomes):
        print(f"{len(failed)} failed:", *failed, sep="\n  ", file=sys.stderr)
        sys.exit(1)
