"""The end of a sweep: its report, its failures, its exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from bench.spec import Status, TrialRecord, TrialResult, TrialSpec
from bench.sweeps.batch import list_failures
from bench.sweeps.execute import Outcomes


def check_baseline(compare: str, specs: Iterable[TrialSpec]) -> list[TrialRecord]:
    """Refuse a baseline that the report would refuse, before anything trains.

    Args:
        compare: its file or name; empty: none.
        specs: one of each kind of trial that the report will have.

    Returns:
        Its trials that the report will show.

    Raises:
        RefusedInput: it is not there, or is of other settings or another optimizer.
    """
    if not compare:
        return []
    from reports.data import baseline  # tasks and tables: a sweep without compare= needs none
    from reports.data.merge import merge_baselines

    path, nothing = baseline.find(compare), TrialResult(Status.SKIPPED)
    merged, _ = merge_baselines(
        [_plan_record(spec, nothing) for spec in specs], {baseline.name(path): baseline.read(path)}
    )
    return [record for record in merged if record.source]


def _plan_record(spec: TrialSpec, result: TrialResult) -> TrialRecord:
    rest = (spec.optimizer.point, result, spec.phase, spec.origin.tuning, spec.origin.reference)
    return TrialRecord("", spec.context.study, spec.config_hash, spec.config(), *rest)


def finish_sweep(study: str, uri: str, outcomes: Outcomes, *, report: bool, compare: str) -> None:
    """Write the report, with the baseline ``compare`` where that is given; list the failures.

    Raises:
        RefusedInput: the baseline does not fit the study.
        SystemExit: with code 1 where some trial failed.
    """
    if report:
        from reports.output.report import make_report  # pandas and Altair: a second

        beside = [compare] if compare else []
        make_report(uri, study, Path("outputs") / study / "report", compare=beside)
    if failed := list_failures(outcomes):
        print(f"{len(failed)} failed:", *failed, sep="\n  ", file=sys.stderr)
        sys.exit(1)
