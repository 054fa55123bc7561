"""The looks of a study as its records tell them: how far it was when verdicts could be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.spec import Phase, Status, TrialRecord, digest, protocol
from bench.spec.looks import TOTAL, Ended, format_rate, list_looks, spend
from bench.spec.printable import counted
from bench.sweeps.plan import Plan

Row = tuple[str, str, bool]
"""Setting, entrant, and whether it was tuned: what a row of a leaderboard reports."""

HAS_RESULT = (Status.FINISHED, Status.DIVERGED)


def collect_looks(records: Iterable[TrialRecord]) -> dict[Row, list[int]]:
    """Collect how many results each row had at each look that was spent."""
    rows: dict[Row, list[tuple[int, Ended]]] = {}
    for record in protocol.select_records(records):
        tuning, ended = record.tuning, record.result
        if record.phase is Phase.REPORT and tuning is not None and ended.status in HAS_RESULT:
            place = record.config["seed"] if tuning.index is None else tuning.repeat
            key = _name_row(record)
            rows.setdefault(key, []).append((place, Ended(ended.generation, tuning.planned)))
    return {key: _list_looks(key, own) for key, own in rows.items()}


def find_spent(plan: Plan, records: Iterable[TrialRecord]) -> list[int]:
    """Find the looks that were spent before a plan: results of the row that was looked at most.

    They are tunings where the plan tunes, else seeds of the default.
    """
    looks = collect_looks(records)
    spent: list[list[int]] = [[]]
    for base in plan.bases:
        config, tunings = base.config(), len(plan.repeats_of(base))
        row = digest(protocol.setting(config)), protocol.entrant(config), tunings > 0
        now = tunings or plan.reporting_seeds
        spent.append([one for one in looks.get(row, []) if one < now])
    return max(spent, key=len)


def describe_spent(records: Iterable[TrialRecord]) -> str:
    """Describe what looks at a study have spent of its error rate; empty where nothing is."""
    looks = collect_looks(records)
    tuned = [own for (*_, is_tuned), own in looks.items() if is_tuned]
    own = min(tuned or list(looks.values()), key=lambda each: (-len(each), each), default=[])
    if not own:
        return ""
    unit = "tuning" if tuned else "seed"
    after = ", then ".join([*map(str, own[:-1]), counted(own[-1], unit)])
    rates = [spend(look) for look in range(len(own))]
    return (
        f"verdicts could be read after {after}: {format_rate(sum(rates))} of the error rate of "
        f"{format_rate(TOTAL)} are spent, the next look has {format_rate(spend(len(own)))}"
    )


def _list_looks(row: Row, results: Sequence[tuple[int, Ended]]) -> list[int]:
    least = protocol.MINIMUM_TUNINGS if row[2] else protocol.MINIMUM_SEEDS
    in_order = [ended for _, ended in sorted(results)]
    return [size for (size,) in list_looks([in_order], least)]


def _name_row(record: TrialRecord) -> Row:
    setting = digest(protocol.setting(record.config))
    tuning = record.tuning
    return setting, protocol.entrant(record.config), tuning is not None and tuning.index is not None
