"""How a sweep ends: its report, then what failed, then the exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from bench.spec import Status, TrialRecord, TrialResult, TrialSpec
from bench.sweeps.batch import failures
from bench.sweeps.execute import Outcomes


def check(compare: str, specs: Iterable[TrialSpec]) -> None:
    """Refuse, before anything trains, a baseline that the report would refuse.

    Args:
        compare: its file or name; empty: none.
        specs: one of each kind of trial that will stand in the report.

    Raises:
        RefusedInput: it is not there, or is of other settings or another optimizer.
    """
    if not compare:
        return
    from reports.data import baseline
    from reports.data.merge import merge_baselines

    path, nothing = baseline.find(compare), TrialResult(Status.SKIPPED)
    merge_baselines(
        [_planned(spec, nothing) for spec in specs], {baseline.name(path): baseline.read(path)}
    )


def _planned(spec: TrialSpec, result: TrialResult) -> TrialRecord:
    told = (spec.optimizer.point, result, spec.phase, spec.origin.tuning, spec.origin.reference)
    return TrialRecord("", spec.context.study, spec.config_hash, spec.config(), *told)


def conclude(study: str, uri: str, outcomes: Outcomes, *, report: bool, compare: str) -> None:
    """Write the report, beside the baseline ``compare`` where that is given; list the failures.

    Raises:
        RefusedInput: the baseline does not go with the study.
        SystemExit: with code 1 where some trial failed.
    """
    if report:
        from reports.output.report import make_report

        beside = [compare] if compare else []
        make_report(uri, study, Path("outputs") / study / "report", compare=beside)
    if failed := failures(outcomes):
        print(f"{len(failed)} failed:", *failed, sep="\n  ", file=sys.stderr)
        sys.exit(1)
