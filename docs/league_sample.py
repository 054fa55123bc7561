"""Run a tenth of the shipped league again and compare: ``make league``.

Every tenth trial in the file's order is rebuilt from its recorded config, trained alone in a worker
process and set beside what the file says. Exit code 1 where a trial ends otherwise, or where the
mean difference on a task is not within its 95 % interval of 0.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench import tracking
from bench.rebuild import trial_spec
from bench.spec import Outcome, Phase, Status, TrialRecord
from bench.sweeps import batch
from bench.sweeps.launchers import Told
from bench.sweeps.workers import run_in_workers
from reports import baseline
from reports.numbers import interval, number
from reports.stats.intervals import mean

NAME = "embedded"
EVERY = 10
STUDY, URI = "league_sample", "sqlite:///outputs/optbench.db"
WORKERS = 2


def main() -> None:
    shipped = baseline.read(baseline.find(NAME))[::EVERY]
    specs = [
        trial_spec(record.config, study=STUDY, data_dir="data")  # the same config_hash, or refused
        for record in shipped
    ]

    def launch(pending: Sequence, told: Told) -> list[Outcome]:
        return run_in_workers(pending, URI, WORKERS, told)

    batch.run(specs, URI, launch)
    again = {record.config_hash: record for record in tracking.read(URI, STUDY)}
    pairs = [(record, again[record.config_hash]) for record in shipped]
    agree = [_compared(task, pairs) for task in sorted({_task(one) for one in shipped})]
    sys.exit(0 if all(agree) else 1)


def _task(record: TrialRecord) -> str:
    return str(record.config["task"]["name"])


def _compared(task: str, pairs: Sequence[tuple[TrialRecord, TrialRecord]]) -> bool:
    """Print a task's line; whether file and rerun agree."""
    own = [pair for pair in pairs if _task(pair[0]) == task]
    other = [one for one, two in own if one.result.status is not two.result.status]
    both = [
        (_final(one), _final(two))
        for one, two in own
        if one.result.status is two.result.status is Status.FINISHED
    ]
    differences = [two - one for one, two in both]
    found = mean(differences)
    equal = sum(difference == 0 for difference in differences)
    print(
        f"{task}: {len(own)} trials, {len(other)} ended otherwise, {equal} of {len(both)} equal to "
        f"the last digit, largest difference {number(max(map(abs, differences)), 4)}, mean "
        f"{interval(found.estimate, found.low, found.high, 5, sign=True)}"
    )
    return not other and not found.excludes(0.0)


def _final(record: TrialRecord) -> float:
    """The target metric at the end: on test, of a tuning trial on validation."""
    split = "val" if record.phase is Phase.SELECT else "test"
    metric = record.config["task"]["target_metric"]["metric"]
    return record.result.final(f"{split}/{metric}")


if __name__ == "__main__":
    main()
