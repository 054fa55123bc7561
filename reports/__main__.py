"""``optbench-report``: the comparison report of a study, from what its trials recorded.

usage: optbench-report study=NAME[,NAME] [key=value ...]

  study=NAME,NAME    the studies to report, as given to optbench -m … study=NAME; what two of them
                     ran counts once
  task=A,B           only trials of these tasks
  optimizer=A,B      only trials of these optimizers
  reference=NAME     the optimizer that the others are compared with   (default: the one that the
                     latest plan declares, where it takes part; else adam; else there is none, and
                     the pairs are the verdicts)
  compare=A,B        beside baselines: files *.json or *.json.gz, or names of shipped ones; also
                     --compare FILE. Without study= the baselines alone
  export=FILE        write the studies as such a baseline (*.json, *.json.gz) and no report; a
                     baseline that is there is replaced, any other file is not
  costs=true         measure time of a step and memory of the state of each entrant alone on this
                     machine, about a second each, and keep the numbers with the studies
  data_dir=FOLDER    where that finds data sets    (default: $OPTBENCH_DATA, else data)
  config-dir=FOLDER  where it finds YAMLs of your own, as optbench --config-dir does; what no YAML
                     declares is not run
  trainer.accelerator=NAME  what it measures on    (default: cpu)
  tracking.uri=URI   where trials were recorded    (default: sqlite:///outputs/optbench.db)
  output=DIRECTORY   where the report is written   (default: outputs/NAME/report; of several
                     studies outputs/NAME+NAME/report, of baselines alone outputs/NAME/report)

Writes index.html, trials (.csv, .parquet), curves.parquet, leaderboard (.csv, .json, .md, .tex),
overall.csv, pairs.csv, best_of_k.csv, costs.csv and figures/, and prints the answer and the tables.
The report of one whole study is also attached to it in the store; one that is filtered, of several
studies, beside baselines or with reference= is not. The same trials give the same bytes.
Exit codes: 0 done, 1 the store was lost meanwhile, 2 refused input.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from bench.runtime import exit_codes
from bench.runtime.arguments import parse_arguments, parse_list, parse_switch
from bench.spec import RefusedInput
from bench.spec.printable import escape_unprintable
from bench.tracking.uri import DEFAULT

FILTERS = ("task", "optimizer")
COST_KEYS = ("data_dir", "config-dir", "trainer.accelerator")
KEYS = (
    "study",
    *FILTERS,
    "reference",
    "compare",
    "export",
    "costs",
    *COST_KEYS,
    "tracking.uri",
    "output",
)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run ``optbench-report``, and end the process with its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if any(word in ("-h", "--help") for word in words):
        print(__doc__)
        sys.exit(0)
    try:
        given = parse_arguments(words, KEYS, needed=("study", "compare"))
        _check(given)
        with exit_codes.exit_with_code():
            _run(given)
    except RefusedInput as refusal:
        lines = str(refusal).split("\n")
        print(
            *(f"optbench-report: {escape_unprintable(one)}" for one in lines),
            sep="\n",
            file=sys.stderr,
        )
        sys.exit(2)
    sys.exit(0)


def _check(given: Mapping[str, str]) -> None:
    """Refuse words that do not go together, before anything is read."""
    measures = parse_switch(given, "costs")
    for key in COST_KEYS:
        if key in given and not measures:
            raise RefusedInput(f"{key}={given[key]}: only costs=true heeds it; add that")
    for key in ("compare", "costs", "output", "reference"):
        if "export" in given and key in given:
            raise RefusedInput(
                f"{key}={given[key]}: export= writes the studies' own trials and no report; "
                f"leave out {key}="
            )


def _run(given: Mapping[str, str]) -> None:
    """Write the report or the baseline that the words ask for."""
    from reports.output import report  # pandas and altair, which a refused word need not wait for

    studies, uri = ",".join(parse_list(given, "study")), given.get("tracking.uri", DEFAULT)
    filters = {key: parse_list(given, key) for key in FILTERS if key in given}
    if "export" in given:
        report.export_baseline(uri, studies, Path(given["export"]), filters)
        return
    measure = None
    if parse_switch(given, "costs"):
        folder = given.get("data_dir", os.environ.get("OPTBENCH_DATA", "data"))
        accelerator = given.get("trainer.accelerator", "cpu")
        measure = (folder, accelerator, given.get("config-dir"))
    compare = parse_list(given, "compare")
    report.make_report(
        uri,
        studies,
        given.get("output"),
        filters=filters,
        compare=compare,
        measure=measure,
        reference=given.get("reference", ""),
    )


command = exit_codes.make_command(main)

if __name__ == "__main__":
    command()
