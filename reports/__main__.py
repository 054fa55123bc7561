"""``optbench-report``: the comparison report of a study, from what its trials recorded.

usage: optbench-report study=NAME[,NAME] [key=value ...]

  study=NAME,NAME    the studies to report, as given to optbench -m … study=NAME; what two of them
                     ran counts once
  task=A,B           only trials of these tasks
  optimizer=A,B      only trials of these optimizers; without the reference (adam) nothing is tested
  compare=A,B        beside baselines: files *.json or *.json.gz, or names of shipped ones; also
                     --compare FILE. Without study= the baselines alone
  export=FILE        write the studies as such a baseline (*.json, *.json.gz) and no report; a
                     baseline that is there is replaced, any other file is not
  costs=true         measure time of a step and memory of the state of each entrant alone on this
                     machine, about a second each, and keep the numbers with the studies
  data_dir=FOLDER    where that finds data sets    (default: $OPTBENCH_DATA, else data)
  trainer.accelerator=NAME  what it measures on    (default: cpu)
  tracking.uri=URI   where trials were recorded    (default: sqlite:///outputs/optbench.db)
  output=DIRECTORY   where the report is written   (default: outputs/NAME/report; of several
                     studies outputs/NAME+NAME/report, of baselines alone outputs/NAME/report)

Writes index.html, trials (.csv, .parquet), curves.parquet, leaderboard (.csv, .json, .md, .tex),
overall.csv, pairs.csv, best_of_k.csv, costs.csv and figures/, and prints the answer and the tables.
The report of one whole study is also attached to it in the store; one that is filtered, of several
studies or beside baselines is not. The same trials give the same bytes.
Exit codes: 0 done, 1 the store was lost meanwhile, 2 refused input.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from bench.runtime import exit_codes
from bench.runtime.arguments import parse_arguments, parse_list, parse_switch
from bench.spec import Hardware, RefusedInput
from bench.tracking.uri import DEFAULT

if TYPE_CHECKING:
    from reports.analysis.study import Study


class Measuring(NamedTuple):
    """Where costs are measured: the folder of data sets, and Lightning's word for the device."""

    data_dir: str
    accelerator: str


FILTERS = ("task", "optimizer")
MEASURING = ("data_dir", "trainer.accelerator")
KEYS = ("study", *FILTERS, "compare", "export", "costs", *MEASURING, "tracking.uri", "output")


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Entry point of ``optbench-report``; ends the process with its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if any(word in ("-h", "--help") for word in words):
        print(__doc__)
        sys.exit(0)
    try:
        given = parse_arguments(words, KEYS, needed=("study", "compare"))
        _check(given)
        with exit_codes.exit_with_code():
            _answer(given)
    except RefusedInput as refusal:
        print(f"optbench-report: {refusal}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0)


def make_report(
    uri: str,
    study: str,
    directory: Path | str | None = None,
    *,
    filters: Mapping[str, Sequence[str]] | None = None,
    compare: Sequence[str] = (),
    measure: Measuring | None = None,
) -> Path:
    """Read a study or several, write the report, print the leaderboards.

    A report of one whole study is attached to it in the store; one of a study in which nothing ran
    is a page that says so.

    Args:
        study: its name, or names with commas between.
        directory: where to; None: ``outputs/<name>/report``.
        filters, compare: as ``Study.load`` takes them.
        measure: where to measure costs; None: they are not measured.

    Returns the path of ``index.html``. Raises RefusedInput for what is not there.
    """
    from reports.analysis.study import Study  # with pandas, which a refused word need not wait for
    from reports.data.load import NoTrials

    try:
        loaded = Study.load(study, uri, filters=filters, compare=compare)
    except NoTrials as nothing:
        from reports.output.render import render_empty

        name = study.replace(",", "+")
        index = render_empty(name, directory or Path("outputs", name, "report"))
        print(nothing, "", index, sep="\n")
        return index
    studies = [name for name in study.split(",") if name]
    if measure is not None:
        loaded = _measured(loaded, uri, studies, measure)
    from bench import tracking
    from reports.output.mlflow_summary import summary
    from reports.output.render import render
    from reports.output.terminal import print_study

    index = render(loaded, directory or Path("outputs", loaded.name, "report"))
    if len(studies) == 1 and not filters and not compare:
        tracking.attach_report(uri, study, index.parent)
        tracking.summarize(uri, study, **summary(loaded))
    print_study(loaded)
    print(*loaded.joined, "", index, sep="\n")
    return index


def _check(given: Mapping[str, str]) -> None:
    """Refuse words that do not go together, before anything is read."""
    measures = parse_switch(given, "costs")
    for key in MEASURING:
        if key in given and not measures:
            raise RefusedInput(f"{key}={given[key]}: only costs=true heeds it; add that")
    for key in ("compare", "costs", "output"):
        if "export" in given and key in given:
            raise RefusedInput(
                f"{key}={given[key]}: export= writes the studies' own trials and no report; "
                f"leave out {key}="
            )


def _answer(given: Mapping[str, str]) -> None:
    """What the words ask for."""
    studies, uri = ",".join(parse_list(given, "study")), given.get("tracking.uri", DEFAULT)
    filters = {key: parse_list(given, key) for key in FILTERS if key in given}
    if "export" in given:
        _export(uri, studies, Path(given["export"]), filters)
        return
    measure = None
    if parse_switch(given, "costs"):
        folder = given.get("data_dir", os.environ.get("OPTBENCH_DATA", "data"))
        measure = Measuring(folder, given.get("trainer.accelerator", "cpu"))
    compare = parse_list(given, "compare")
    make_report(
        uri, studies, given.get("output"), filters=filters, compare=compare, measure=measure
    )


def _export(uri: str, studies: str, path: Path, filters: Mapping[str, Sequence[str]]) -> None:
    from reports.data import baseline
    from reports.data.load import described, gather

    baseline.check_path(path)
    records = gather(studies.split(","), uri, filters, ()).records
    asked = f"optbench-report study={studies} {described(filters)}".strip()
    count = baseline.write(records, path, {"command": asked})
    print(f"{path}: {count} trials, {path.stat().st_size / 1e3:.1f} kB")


def _measured(study: Study, uri: str, studies: Sequence[str], where: Measuring) -> Study:
    """The study with the costs of its entrants, measured now and kept with each of the studies."""
    sys.path.append(str(Path.cwd()))  # a user's own module beside a user's own YAML
    from bench import tracking
    from bench.trial import cost
    from reports.data.costs import wanted
    from reports.data.load import COSTS

    configs = wanted(study.reported, study.configs)
    fresh = cost.measure_costs(
        configs,
        where.data_dir,
        Hardware(where.accelerator),
        lambda line: print(line, file=sys.stderr),
    )
    measured = {**study.measured, **fresh}
    for name in studies:
        tracking.attach_text(uri, name, COSTS, json.dumps(measured, sort_keys=True, indent=1))
    return replace(study, measured=measured)


command = exit_codes.make_command(main)

if __name__ == "__main__":
    command()
