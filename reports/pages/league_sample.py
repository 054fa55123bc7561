"""Sample of the shipped league, run again and compared with the file: ``make league``.

Every tenth trial in the file's order trains again, by one ``optbench`` sweep per task. Tasks whose
data is missing are named and left out. Exit code 1 if a trial ends otherwise, or if the mean
difference on a task is not within its 95 % interval of 0.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import yaml

from bench import tracking
from bench.spec import Phase, Status, TrialRecord, digest
from bench.tracking.uri import DEFAULT
from reports.data import baseline
from reports.pages import DOCS
from reports.stats.intervals import mean
from reports.text.numbers import interval, number

NAME = "laptop"
EVERY = 10
STUDY = "league_sample"
SUITE = DOCS.parent / "conf" / "suite" / f"{NAME}.yaml"
SWEEP = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "report=false", f"study={STUDY}")
"""Each trial trains alone, in one of two worker processes."""


def main() -> None:
    """Run and compare task by task; end the process with the exit code."""
    sample = sorted(baseline.read(baseline.find(NAME))[::EVERY], key=_get_task)
    agree = [check_task(task, list(records)) for task, records in groupby(sample, _get_task)]
    sys.exit(0 if all(agree) else 1)


def check_task(task: str, shipped: Sequence[TrialRecord]) -> bool:
    """Run the trials of one task again and print a line; tell if file and rerun agree."""
    if refusal := run_again(task, shipped):
        print(f"left out: {task}: {refusal}")
        return "data_dir" in refusal  # its data is missing; any other refusal is a disagreement
    return compare(task, shipped, tracking.read(DEFAULT, STUDY))


def run_again(task: str, records: Iterable[TrialRecord]) -> str:
    """Run the trials by ``optbench``; return the first line of its refusal, else nothing."""
    words = yaml.safe_load(SUITE.read_text("utf-8"))[task]
    with tempfile.TemporaryDirectory() as folder:
        names = [write_experiment(record, Path(folder, "experiment")) for record in records]
        command = [sys.executable, "-m", "bench", "-m", "--config-dir", folder, f"task={task}"]
        ended = subprocess.run(
            [*command, *words, f"experiment={','.join(names)}", *SWEEP],
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    print(ended.stderr, end="", file=sys.stderr)
    return ended.stderr.partition("\n")[0] if ended.returncode == 2 else ""


def write_experiment(record: TrialRecord, folder: Path) -> str:
    """Write optimizer, point and seed of a trial as a preset; return its name."""
    optimizer = record.config["optimizer"]
    names = {name.partition(".")[0] for name in record.point}
    values = {name: optimizer["arguments"][name] for name in sorted(names - {"rest"})}
    if "rest" in names:
        values["bench"] = {"rest": optimizer["rest"]["arguments"]}
    preset = {
        "defaults": [{"override /optimizer": optimizer["file"]}],
        "optimizer": values,
        "seed": record.config["seed"],
    }
    path = folder / f"again_{record.config_hash}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"# @package _global_\n{yaml.safe_dump(preset)}", "utf-8")
    return path.stem


def compare(task: str, shipped: Iterable[TrialRecord], rerun: Iterable[TrialRecord]) -> bool:
    """Print a task's line; tell if file and rerun agree."""
    again = {_identify(record): record for record in rerun}
    pairs = [(record, again.get(_identify(record))) for record in shipped]
    both = [(one, two) for one, two in pairs if two and one.result.status is two.result.status]
    finished = [pair for pair in both if pair[0].result.status is Status.FINISHED]
    differences = [
        _get_final_value(two, one.phase) - _get_final_value(one, one.phase) for one, two in finished
    ]
    average = mean(differences)
    equal = sum(difference == 0 for difference in differences)
    largest = max(map(abs, differences), default=math.nan)
    print(
        f"{task}: {len(pairs)} trials, {len(pairs) - len(both)} ended otherwise, "
        f"{equal} of {len(finished)} equal to "
        f"the last digit, largest difference {number(largest, 4)}, mean "
        f"{interval(average.estimate, average.low, average.high, 5, sign=True)}"
    )
    return len(both) == len(pairs) and not average.excludes(0.0)


def _get_task(record: TrialRecord) -> str:
    return str(record.config["task"]["name"])


def _identify(record: TrialRecord) -> str:
    """Return the digest of a config without its phase: the rerun explores, and trains the same."""
    return digest({name: value for name, value in record.config.items() if name != "phase"})


def _get_final_value(record: TrialRecord, phase: Phase) -> float:
    """Return the target metric at the end, on test; of a tuning trial on validation."""
    split = "val" if phase is Phase.SELECT else "test"
    metric = record.config["task"]["target_metric"]["metric"]
    return record.result.final_value(f"{split}/{metric}")


if __name__ == "__main__":
    main()
