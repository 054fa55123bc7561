"""Figure of docs/stacked.md from docs/stacked.csv, which ``bench.speed.stacked`` prints.

python -m reports.pages.stacked_figure
"""

import pandas as pd
from matplotlib.figure import Figure

from reports.pages import DOCS

WAYS = {  # column: label and colour, Okabe and Ito's
    "stacked_s": ("stacked", "#000000"),
    "bare_s": ("bare loop, no records", "#009E73"),
    "basic_s": ("basic launcher", "#D55E00"),
    "joblib_s": ("joblib, 2 workers", "#0072B2"),
}


def main() -> None:
    """Draw the figure."""
    table = pd.read_csv(DOCS / "stacked.csv")
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    for column, (label, colour) in WAYS.items():
        axes.plot(table["trials"], table[column], "o-", color=colour, label=label, markersize=4)
    axes.set(xscale="log", yscale="log", xlabel="trials in the sweep", ylabel="seconds")
    axes.set_xticks(table["trials"], [str(trials) for trials in table["trials"]])
    axes.set_yticks([1, 10], ["1", "10"])
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(DOCS / "stacked.png", dpi=160)


if __name__ == "__main__":
    main()
