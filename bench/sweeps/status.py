"""``optbench-status``: how far a study is, what failed and why, and what the next call would do.

usage: optbench-status study=NAME [tracking.uri=URI]

  study=NAME         the study, as given to optbench -m … study=NAME
  tracking.uri=URI   where its trials are recorded   (default: sqlite:///outputs/optbench.db)

Exit codes: 0 done, 2 refused input.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from bench import tracking
from bench.runtime import exit_codes
from bench.runtime.arguments import parse_arguments
from bench.spec import ENDS, Phase, RefusedInput, Status, TrialRecord, digest, protocol
from bench.spec.declared import count_planned
from bench.spec.printable import counted
from bench.sweeps.looks import describe_spent
from bench.tracking.uri import DEFAULT, check_uri, sqlite_path

KEYS = ("study", "tracking.uri")


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run ``optbench-status``; ends the process with its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or any(word in ("-h", "--help") for word in words):
        print(__doc__)
        sys.exit(0 if words else 2)
    try:
        given = parse_arguments(words, KEYS)
        with exit_codes.exit_with_code():
            lines = describe_study(given.get("tracking.uri", DEFAULT), given["study"])
        print(*lines, sep="\n")
    except RefusedInput as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0)


def describe_study(uri: str, study: str) -> list[str]:
    """Return the lines that are printed.

    Raises:
        RefusedInput: there is no such store or study.
    """
    check_uri(uri)
    path = sqlite_path(uri)
    if path is not None and not Path(path).is_file():
        raise RefusedInput(f"tracking.uri={uri}: there is no file {path}; run optbench first")
    found = tracking.read_study(uri, study, curves=False)
    records = protocol.select_records(found.records)
    plans, broken = tracking.read_plans(uri, study)
    planned = count_planned(plans)
    now = select_current(records)
    lines = [f"study {study}: {_count_statuses(records)}"]
    lines += [f"  {line}" for line in (found.unreadable, broken) if line]
    lines += [*_list_phases(now, planned), *_list_failures(records)]
    if former := len(records) - len(now):
        lines.append(
            f"  {counted(former, 'more report trial')} of settings that are not the choice any more"
        )
    if spent := describe_spent(records) if planned else "":
        lines.append(f"  {spent}")
    return [*lines, _describe_next(now, planned)]


def select_current(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Leave out report trials of settings that a tuning chose before a failed trial ran again."""
    tunings: dict[tuple[str, str, int], dict[int, list[TrialRecord]]] = {}
    for record in records:
        if record.phase is Phase.SELECT and record.tuning and record.tuning.index is not None:
            tried = tunings.setdefault(_tuning_key(record), {})
            tried.setdefault(record.tuning.index, []).append(record)
    chosen = {tuning: _choose_index(tried) for tuning, tried in tunings.items()}
    return [
        record
        for record in records
        if record.phase is not Phase.REPORT
        or record.tuning is None
        or record.tuning.index in (None, chosen.get(_tuning_key(record), record.tuning.index))
    ]


def _tuning_key(record: TrialRecord) -> tuple[str, str, int]:
    """Return the tuning that a trial belongs to: setting, entrant and repeat."""
    setting = digest(protocol.setting(record.config))
    repeat = record.tuning.repeat if record.tuning else 0
    return setting, protocol.entrant(record.config), repeat


def _choose_index(tried: Mapping[int, Sequence[TrialRecord]]) -> int:
    """Return the index of the point that one tuning chose so far."""
    indices = sorted(tried)
    first = tried[indices[0]][0]
    ranks = first.tuning is not None and first.tuning.rank == "steps_to_target"
    target = first.config["task"]["target_metric"]
    metric, direction = f"val/{target['metric']}", target["direction"]
    values = [[record.result.final_value(metric) for record in tried[index]] for index in indices]
    steps = [[_steps(record) for record in tried[index]] for index in indices]
    return indices[protocol.choose_point(values, direction, steps if ranks else None)]


def _steps(record: TrialRecord) -> float:
    return record.result.summary.get("steps_to_target", math.inf)


def _list_phases(records: Sequence[TrialRecord], planned: Mapping[str, int]) -> list[str]:
    lines = []
    for phase in Phase:
        own = [record for record in records if record.phase is phase]
        total = planned.get(phase, 0)
        if own or total:
            of = f" of {total}" if total else ""
            counts = _count_statuses(own) or "none yet"
            lines.append(f"  {phase:<8} {len(_drop_failed(own))}{of} done: {counts}")
    return lines


def _list_failures(records: Sequence[TrialRecord]) -> list[str]:
    """List each reason once, with the number of its trials and the first of them by seed."""
    failed = [record for record in records if record.result.status is Status.FAILED]
    failed.sort(key=lambda record: (record.config["task"]["name"], record.config["seed"]))
    by_reason = Counter(record.result.reason for record in failed)
    lines = []
    for reason, count in by_reason.most_common():
        first = next(record for record in failed if record.result.reason == reason)
        config = first.config
        name = f"{config['task']['name']} · {protocol.entrant(config)} · seed {config['seed']}"
        more = f" and {count - 1} more" if count > 1 else ""
        lines.append(f"  failed: {name}{more}: {reason}")
    return lines


def _describe_next(records: Sequence[TrialRecord], planned: Mapping[str, int]) -> str:
    """Say what the same command would do."""
    failed = sum(record.result.status is Status.FAILED for record in records)
    again = f"{failed} failed {'trial' if failed == 1 else 'trials'} again" if failed else ""
    if not any(planned.values()):
        return f"  the same command runs {again or 'what its grid has beyond this'}"
    missing = 0
    for phase in (Phase.SELECT, Phase.REPORT):
        ran = [record for record in records if record.phase is phase]
        missing += max(0, planned[phase] - len(ran))
    parts = [part for part in (again, f"{missing} missing trials" if missing else "") if part]
    return f"  the same command runs {' and '.join(parts)}" if parts else "  complete"


def _drop_failed(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [record for record in records if record.result.status is not Status.FAILED]


def _count_statuses(records: Sequence[TrialRecord]) -> str:
    """Return ``12 finished, 1 diverged``."""
    counts = Counter(record.result.status for record in records)
    return ", ".join(f"{counts[one]} {one}" for one in ENDS if counts[one])


command = exit_codes.make_command(main)

if __name__ == "__main__":
    command()
