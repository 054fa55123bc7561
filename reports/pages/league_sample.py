"""Run a tenth of the shipped league again and compare: ``make league``.

Every tenth trial in the file's order is rebuilt from its recorded config, trained alone in a worker
process and set beside what the file says; tasks whose data is not here are named and left out. Exit
code 1 where a trial ends otherwise, or where the mean difference on a task is not within its 95 %
interval of 0.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial

from bench import tracking
from bench.build import components
from bench.spec import Outcome, Phase, RefusedInput, Status, TrialRecord, TrialSpec
from bench.sweeps import batch
from bench.sweeps.display import show_phase
from bench.sweeps.launchers.workers import run_in_workers
from bench.sweeps.progress import OnTrialEnd
from reports.data import baseline
from reports.stats.intervals import mean
from reports.text.numbers import interval, number
from tasks.data.dataset import MissingData

NAME = "laptop"
EVERY = 10
STUDY, URI = "league_sample", "sqlite:///outputs/optbench.db"
DATA = os.environ.get("OPTBENCH_DATA", "data")
WORKERS = 2


def main() -> None:
    sample = baseline.read(baseline.find(NAME))[::EVERY]
    specs = [
        TrialSpec.from_config(
            record.config, study=STUDY, data_dir=DATA
        )  # the same config_hash, or refused
        for record in sample
    ]
    tasks = {spec.task.name: spec for spec in specs}
    here = [name for name, spec in tasks.items() if _is_here(spec)]
    shipped = [record for record in sample if _task(record) in here]
    specs = [spec for spec in specs if spec.task.name in here]

    def launch(pending: Sequence, on_end: OnTrialEnd) -> list[Outcome]:
        return run_in_workers(pending, URI, WORKERS, on_end)

    batch.run(specs, URI, launch, make_callback=partial(show_phase, "again"))
    again = {record.config_hash: record for record in tracking.read(URI, STUDY)}
    pairs = [(record, again[record.config_hash]) for record in shipped]
    agree = [_compared(task, pairs) for task in here]
    sys.exit(0 if all(agree) else 1)


def _is_here(spec: TrialSpec) -> bool:
    try:
        components.dataset(spec.task.name, spec.task.data, spec.data_dir, download=False)
    except RefusedInput as error:
        if not isinstance(error.__cause__, MissingData):
            raise
        print(f"left out: {spec.task.name}: {str(error).partition(chr(10))[0]}")
        return False
    return True


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
