"""Figures of docs that Matplotlib draws: every panel, every line, and the files' names."""

from __future__ import annotations

import itertools
import shutil

from reports import Study
from reports.pages import DOCS, adam_figures, stacked_figure
from tests.helpers.records import make_record

PNG = b"\x89PNG"


def sweep(switch: str, x: str) -> Study:
    """Two values of β₂ and of ``x``, the switch on and off, two seeds; one trial diverged."""
    return Study.of(
        make_record(
            seed=seed,
            point={x: value, "betas": [0.9, beta2], switch: on},
            metric="loss",
            direction="minimize",
            target=None,
            status="diverged" if (beta2, value, on, seed) == (0.99, 1e-2, False, 1) else "finished",
        )
        for beta2, value, on, seed in itertools.product(
            (0.99, 0.999), (1e-3, 1e-2), (True, False), (0, 1)
        )
    )


STUDIES = {
    "adam_bias_correction": sweep("bias_correction", "lr"),
    "adam_epsilon": sweep("eps_inside_root", "eps"),
    "adam_amsgrad": sweep("amsgrad", "lr"),
}


def test_the_three_figures_of_adam(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(adam_figures, "DOCS", tmp_path)
    monkeypatch.setattr(adam_figures.Study, "load", lambda study, uri: STUDIES[study])
    monkeypatch.setattr("sys.argv", ["adam_figures"])
    adam_figures.main()
    assert capsys.readouterr().out.split() == [f"{tmp_path / name}.png" for name in STUDIES]
    for name in STUDIES:
        assert (tmp_path / f"{name}.png").read_bytes().startswith(PNG)


def test_one_panel_a_beta_with_a_line_for_on_and_for_off(monkeypatch) -> None:
    monkeypatch.setattr(adam_figures.Study, "load", lambda study, uri: STUDIES[study])
    figure = adam_figures.draw_bias_correction("sqlite:///any.db")
    assert [axes.get_title() for axes in figure.axes] == ["β₂ = 0.99", "β₂ = 0.999"]
    for axes in figure.axes:
        assert [line.get_label() for line in axes.lines] == ["corrected", "not corrected"]
        assert axes.get_xscale() == axes.get_yscale() == "log"


def test_the_figure_of_stacked_trials_is_drawn_from_its_table(tmp_path, monkeypatch) -> None:
    shutil.copy(DOCS / "stacked.csv", tmp_path)
    monkeypatch.setattr(stacked_figure, "DOCS", tmp_path)
    stacked_figure.main()
    assert (tmp_path / "stacked.png").read_bytes().startswith(PNG)
