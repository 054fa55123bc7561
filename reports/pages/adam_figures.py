"""Figures of docs/adam.md, from trials in a store.

Run the three sweeps that docs/adam.md names, then ``python -m reports.pages.adam_figures [URI]``.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.tracking.uri import DEFAULT
from reports import Study
from reports.pages import DOCS

ON, OFF = "#000000", "#D55E00"  # Okabe and Ito's black and vermilion


def load_trials(uri: str, study: str) -> pd.DataFrame:
    """Load one row per trial: hyperparameters, and the mean training loss of the last 10 steps.

    A diverged trial has an infinite loss: it stays in the median over seeds.
    """
    table = Study.load(study, uri).trials.copy()
    table["loss"] = table["train/loss"].fillna(np.inf)
    table["beta2"] = table["hp.betas.1"]
    return table


def draw_lines(
    axes: Axes, table: pd.DataFrame, x: str, switch: str, labels: tuple[str, str]
) -> None:
    """Draw the median over seeds against ``x`` with their range, for switch on and off."""
    for value, colour, label in ((True, ON, labels[0]), (False, OFF, labels[1])):
        seeds = table[table[switch] == value].groupby(x)["loss"]
        middle, low, high = seeds.median(), seeds.min(), seeds.max()
        axes.plot(middle.index, middle, "o-", color=colour, label=label, markersize=4)
        axes.fill_between(middle.index, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set(xscale="log", yscale="log")
    axes.grid(alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)


def draw_bias_correction(uri: str) -> Figure:
    """Draw loss against the learning rate, one panel per β₂."""
    table = load_trials(uri, "adam_bias_correction")
    figure = Figure(figsize=(10, 2.9), layout="constrained")
    panels = figure.subplots(1, table["beta2"].nunique(), sharey=True)
    for axes, (beta2, rows) in zip(panels, table.groupby("beta2"), strict=True):
        draw_lines(axes, rows, "hp.lr", "hp.bias_correction", ("corrected", "not corrected"))
        axes.set(title=f"β₂ = {beta2}", xlabel="learning rate")
    panels[0].set_ylabel("training loss after 200 steps")
    panels[0].legend(frameon=False)
    return figure


def draw_panel(uri: str, study: str, x: str, switch: str, labels: tuple[str, str]) -> Figure:
    """Draw loss against ``x`` in one panel, for switch on and off."""
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.subplots()
    draw_lines(axes, load_trials(uri, study), x, switch, labels)
    name = {"hp.eps": "ε or ε̂", "hp.lr": "learning rate"}[x]
    axes.set(xlabel=name, ylabel="training loss after 200 steps")
    axes.legend(frameon=False)
    return figure


def main() -> None:
    """Draw all three figures."""
    uri = sys.argv[1] if len(sys.argv) > 1 else DEFAULT
    eps_labels = ("ε̂ beside √v", "ε beside √v̂ (Algorithm 1)")
    figures = {
        "adam_bias_correction": draw_bias_correction(uri),
        "adam_epsilon": draw_panel(uri, "adam_epsilon", "hp.eps", "hp.eps_inside_root", eps_labels),
        "adam_amsgrad": draw_panel(uri, "adam_amsgrad", "hp.lr", "hp.amsgrad", ("AMSGrad", "Adam")),
    }
    for name, figure in figures.items():
        figure.savefig(DOCS / f"{name}.png", dpi=130)
        print(DOCS / f"{name}.png")


if __name__ == "__main__":
    main()
