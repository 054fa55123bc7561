"""A report from start to end: read the store, write the pages, print the answer, attach it all."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import bench.tracking
from bench.spec import Hardware, protocol
from bench.spec.printable import escape_unprintable
from bench.tracking import ReadOnlyStore
from reports.analysis.study import Study
from reports.data import baseline
from reports.data.costs import choose_configs
from reports.data.load import COSTS, NoTrials, describe_filters, load_own
from reports.output.mlflow_summary import summarize_study
from reports.output.render import render, render_empty
from reports.output.terminal import print_study

Measure = tuple[str, str, str | None]
"""Folder of data sets, Lightning's accelerator, and a folder of YAMLs beside the shipped ones, with
which costs are measured; only what a YAML declares is run."""


def make_report(
    uri: str,
    study: str,
    directory: Path | str | None = None,
    *,
    filters: Mapping[str, Sequence[str]] | None = None,
    compare: Sequence[str] = (),
    measure: Measure | None = None,
    reference: str = "",
) -> Path:
    """Read one or several studies, write the report and print the leaderboards.

    The report of one whole study is attached to it in the store. A study in which nothing ran gets
    a page that says so.

    Args:
        study: its name, or names with commas between.
        directory: folder to write to; None: ``outputs/<name>/report``.
        filters, compare, reference: as ``Study.load`` takes them.
        measure: folders and accelerator with which to measure costs; None:
            they are not measured.

    Returns the path of ``index.html``. Raises RefusedInput for what is not there.
    """
    try:
        loaded = Study.load(study, uri, filters=filters, compare=compare, reference=reference)
    except NoTrials as nothing:
        name = study.replace(",", "+")
        index = render_empty(name, directory or Path("outputs", name, "report"))
        print(nothing, "", index, sep="\n")
        return index
    studies = [name for name in study.split(",") if name]
    if measure is not None:
        loaded = _measure_costs(loaded, uri, studies, measure)
    index = render(loaded, directory or Path("outputs", loaded.name, "report"))
    if len(studies) == 1 and not (filters or compare or reference):
        with suppress(ReadOnlyStore):  # its notice has said so
            bench.tracking.attach_report(uri, study, index.parent)
            bench.tracking.summarize(uri, study, **summarize_study(loaded))
    print_study(loaded)
    print(*loaded.joined, "", index, sep="\n")
    return index


def export_baseline(
    uri: str, studies: str, path: Path, filters: Mapping[str, Sequence[str]]
) -> None:
    """Write the trials of studies as a baseline, and print its size."""
    baseline.check_path(path)
    own = load_own(studies.split(","), uri, filters)
    if own.broken:
        print(*own.broken, sep="\n", file=sys.stderr)
    command = f"optbench-report study={studies} {describe_filters(filters)}".strip()
    count = baseline.write(own.records, path, {"command": command}, own.plans)
    print(f"{path}: {count} trials, {path.stat().st_size / 1e3:.1f} kB")


def _measure_costs(study: Study, uri: str, studies: Sequence[str], measure: Measure) -> Study:
    """Measure the costs of the entrants, and store them with each study."""
    from bench.config.declared import find_undeclared  # Hydra and torch: no other report needs them
    from bench.trial import cost

    data_dir, accelerator, config_dir = measure
    sys.path.append(str(Path.cwd()))  # a user's own module beside a user's own YAML
    chosen = choose_configs(study.reported, study.configs)
    undeclared = find_undeclared(chosen, config_dir)
    if undeclared:
        print(_describe_undeclared(undeclared, chosen), file=sys.stderr)
    fresh = cost.measure_costs(
        {name: config for name, config in chosen.items() if name not in undeclared},
        data_dir,
        Hardware(accelerator),
        lambda line: print(line, file=sys.stderr),
    )
    measured = {**study.measured, **fresh}
    text = json.dumps(measured, sort_keys=True, indent=1)
    with suppress(ReadOnlyStore):
        for name in studies:
            bench.tracking.attach_text(uri, name, COSTS, text)
    return replace(study, measured=measured)


def _describe_undeclared(undeclared: Mapping[str, str], chosen: Mapping[str, Any]) -> str:
    """Describe in a line what is not measured, for what is run has to stand in a YAML here."""
    name, difference = next(iter(undeclared.items()))
    task, _, entrant = protocol.entrant_key(chosen[name])
    return escape_unprintable(
        f"costs=true: {len(undeclared)} of {len(chosen)} configurations were not measured, because "
        f"no YAML here declares them (first: {task} · {entrant}: {difference}). Name the folder of "
        "your YAMLs: --config-dir my_conf"
    )
