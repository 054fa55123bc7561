"""The figures of docs/adam.md, from trials that optbench recorded.

Run the three sweeps that docs/adam.md names, then ``python -m reports.pages.adam_figures [URI]``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import Study

ON, OFF = "#000000", "#D55E00"  # Okabe and Ito's black and vermilion


def trials(uri: str, study: str) -> pd.DataFrame:
    """One row a trial: its hyperparameters and the mean training loss of its last 10 steps.

    A diverged trial has an infinite loss: it stays in the median over seeds.
    """
    table = Study.load(study, uri).trials.copy()
    table["loss"] = table["train/loss"].fillna(np.inf)
    table["beta2"] = table["hp.betas.1"]
    return table


def lines(axes: Axes, table: pd.DataFrame, x: str, switch: str, labels: tuple[str, str]) -> None:
    """Median over seeds against ``x``, with the range of the seeds, switch on and off."""
    for value, colour, label in ((True, ON, labels[0]), (False, OFF, labels[1])):
        seeds = table[table[switch] == value].groupby(x)["loss"]
        middle, low, high = seeds.median(), seeds.min(), seeds.max()
        axes.plot(middle.index, middle, "o-", color=colour, label=label, markersize=4)
        axes.fill_between(middle.index, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set(xscale="log", yscale="log")
    axes.grid(alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)


def bias_correction(uri: str) -> Figure:
    """Loss against the learning rate, one panel a β₂."""
    table = trials(uri, "adam_bias_correction")
    figure = Figure(figsize=(10, 2.9), layout="constrained")
    panels = figure.subplots(1, table["beta2"].nunique(), sharey=True)
    for axes, (beta2, rows) in zip(panels, table.groupby("beta2"), strict=True):
        lines(axes, rows, "hp.lr", "hp.bias_correction", ("corrected", "not corrected"))
        axes.set(title=f"β₂ = {beta2}", xlabel="learning rate")
    panels[0].set_ylabel("training loss after 200 steps")
    panels[0].legend(frameon=False)
    return figure


def single(uri: str, study: str, x: str, switch: str, labels: tuple[str, str]) -> Figure:
    """One panel: loss against ``x``, switch on and off."""
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.subplots()
    lines(axes, trials(uri, study), x, switch, labels)
    name = {"hp.eps": "ε or ε̂", "hp.lr": "learning rate"}[x]
    axes.set(xlabel=name, ylabel="training loss after 200 steps")
    axes.legend(frameon=False)
    return figure


def main() -> None:
    uri = sys.argv[1] if len(sys.argv) > 1 else "sqlite:///outputs/optbench.db"
    here = Path(__file__).parents[2] / "docs"
    eps_labels = ("ε̂ beside √v", "ε beside √v̂ (Algorithm 1)")
    figures = {
        "adam_bias_correction": bias_correction(uri),
        "adam_epsilon": single(uri, "adam_epsilon", "hp.eps", "hp.eps_inside_root", eps_labels),
        "adam_amsgrad": single(uri, "adam_amsgrad", "hp.lr", "hp.amsgrad", ("AMSGrad", "Adam")),
    }
    for name, figure in figures.items():
        figure.savefig(here / f"{name}.png", dpi=130)
        print(here / f"{name}.png")


if __name__ == "__main__":
    main()
