"""From records to a directory: HTML page, tables (CSV, Markdown, LaTeX), figures (SVG, PNG).

The same records give the same bytes: no clock, no random id, no order but the tables' own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from bench.spec import PROTOCOL_VERSION, RefusedInput, Status, TrialRecord
from reports.figures import learning_curves, sensitivity, style, to_target
from reports.formats import answer, as_csv, as_latex, as_markdown, display, short
from reports.leaderboard import Leaderboard, entrants, leaderboards
from reports.selection import attempts, points, selected, status_counts
from reports.table import family, tables

CAPTIONS = {
    "Learning curves": "Each optimizer at its selected point: mean over seeds, band from worst to "
    "best seed. A cross marks where a first seed broke off; the line ends there. "
    "Of many optimizers only Adam and the six ranked highest are named, the others grey.",
    "Learning-rate sensitivity": "Final validation metric against the learning rate tried: "
    "mean over finished seeds, band from worst to best. A cross in the strip below: a "
    "seed diverged at that rate, and the dot above it shows the survivors only.",
    "Steps and time to target": "Each optimizer at its selected point: one dot a seed, bar at the "
    "median over all seeds, misses included as ∞ and counted at the side.",
}


@dataclass(frozen=True)
class Drawing:
    """One figure as the page needs it."""

    name: str
    title: str
    caption: str
    svg: Markup


def render(records: Sequence[TrialRecord], directory: Path | str) -> Path:
    """Write the report of one study and return the path of its ``index.html``.

    Raises RefusedInput for a study without trials.
    """
    if not records:
        raise RefusedInput("the study has no trials yet: run some with optbench -m … study=NAME")
    directory = Path(directory)
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    trials, curves = tables(records)
    boards = leaderboards(trials)
    write_tables(trials, curves, boards, directory)
    drawings = write_figures(trials, curves, boards, directory / "figures")
    index = directory / "index.html"
    index.write_text(page(records, trials, boards, drawings), encoding="utf-8", newline="\n")
    return index


def write_tables(
    trials: pd.DataFrame, curves: pd.DataFrame, boards: Sequence[Leaderboard], directory: Path
) -> None:
    """``trials.csv``, ``curves.csv``, ``leaderboard.csv``, ``.md`` and ``.tex``."""
    texts = {
        "trials.csv": trials.to_csv(index=False, lineterminator="\n"),
        "curves.csv": curves.to_csv(index=False, lineterminator="\n"),
        "leaderboard.csv": as_csv(boards),
        "leaderboard.md": as_markdown(boards),
        "leaderboard.tex": as_latex(boards),
    }
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8", newline="\n")


def write_figures(
    trials: pd.DataFrame, curves: pd.DataFrame, boards: Sequence[Leaderboard], directory: Path
) -> list[Drawing]:
    """Every figure that has something to show, as ``<name>.svg`` and ``<name>.png``."""
    colours, reported = style.palette(entrants(boards)), selected(trials)
    figures: dict[str, Figure | None] = {
        "learning_curves": learning_curves.plot(learning_curves.info(reported, curves), colours),
        "sensitivity": sensitivity.plot(sensitivity.info(trials), colours),
        "to_target": to_target.plot(to_target.info(reported), colours),
    }
    drawings = []
    for (name, figure), (title, caption) in zip(figures.items(), CAPTIONS.items(), strict=True):
        if figure is None:
            continue
        text = style.svg(figure)
        (directory / f"{name}.svg").write_text(text, encoding="utf-8", newline="\n")
        (directory / f"{name}.png").write_bytes(style.png(figure))
        drawings.append(Drawing(name, title, caption, Markup(style.inline(text, caption))))
    return drawings


def page(
    records: Sequence[TrialRecord],
    trials: pd.DataFrame,
    boards: Sequence[Leaderboard],
    drawings: Sequence[Drawing],
) -> str:
    """The HTML page; everything from the store is escaped."""
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        study=trials["study"].iloc[0],
        counts=status_counts(trials),
        answers=[answer(board) for board in boards],
        boards=[(board, display(board)) for board in boards],
        drawings=drawings,
        failures=_failures(trials),
        broken=int((trials["status"] != Status.FINISHED).sum()),
        provenance=_provenance(records, trials),
        versions=_versions(trials),
        protocol=PROTOCOL_VERSION,
    )


def _failures(trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Every trial that did not finish; seeds with the same outcome share an entry."""
    standing = set(attempts(trials)["run_id"])
    broken = trials[trials["status"] != Status.FINISHED]
    broken = broken.assign(rerun=~broken["run_id"].isin(standing))
    outcome = ["comparison", "optimizer", "point", "status", "reason", "traceback", "rerun"]
    entries = broken.groupby(outcome)["seed"].agg(list).reset_index()
    return [{str(key): value for key, value in row.items()} for row in entries.to_dict("records")]


def _versions(trials: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Environment entries with all values that occur: ``("threads", ["1", "2"])``."""
    return [
        (name.removeprefix("env."), sorted({str(value) for value in trials[name].dropna()}))
        for name in family(trials, "env.")
    ]


def _provenance(records: Sequence[TrialRecord], trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Per comparison its shared setting, and per optimizer its configuration and points tried."""
    configs = {record.run_id: record.config for record in records}
    tried, rows = points(trials), attempts(trials)
    rows["hash"] = "seed " + rows["seed"].astype(str) + ": " + rows["config_hash"]
    hashes = rows.groupby(["comparison", "optimizer", "point"])["hash"].agg(list)
    entries = []
    for comparison, group in tried.groupby("comparison", sort=True):
        any_run = rows.loc[rows["comparison"] == comparison, "run_id"].iloc[0]
        setting = {k: v for k, v in configs[any_run].items() if k not in ("optimizer", "seed")}
        optimizers = []
        for name, own in group.groupby("optimizer", sort=True):
            chosen = own.loc[own["selected"], "point"].iloc[0]
            at_point = (rows["optimizer"] == name) & (rows["point"] == chosen)
            run = rows.loc[at_point & (rows["comparison"] == comparison), "run_id"].iloc[0]
            listed = [
                row
                | {"hashes": hashes[comparison, name, row["point"]], "val": short(row["val_mean"])}
                for row in own.to_dict("records")
            ]
            config = _json(configs[run]["optimizer"])
            optimizers.append({"name": name, "config": config, "points": listed})
        entries.append(
            {"comparison": comparison, "setting": _json(setting), "optimizers": optimizers}
        )
    return entries


def _json(config: Mapping[str, Any]) -> str:
    return json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False, default=str)
