"""reports/pages/league.py: the page and the README's first screen, of a study made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from reports import Study
from reports.figures.registry import FIGURES
from reports.pages import league
from tests.helpers.studies import Landscape, study, tunings


@pytest.fixture(scope="module")
def made() -> Study:
    numbers = np.random.default_rng(0)
    peaks = {"adam": 3e-3, "lion": 1e-3, "sgd": 1e-1}
    return Study.of(
        trial
        for name, peak in peaks.items()
        for trial in study(name, Landscape(best=peak), numbers)
    )


def test_the_page_has_every_optimizer_task_and_figure(made: Study) -> None:
    text = "\n".join(league.write_sections(made))
    assert f"{len(made.trials)} trials" in text
    assert f"## {made.leaderboards[0].comparison}" in text
    for name in league.SHOWN:
        assert f"![{FIGURES[name].TITLE}](league_{name}.png)" in text
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert {"adam", "lion", "sgd"} <= {row[0] for row in cells if row}
    (adam,) = (row for row in cells if row[:1] == ["adam"] and row[-1] == "reference")
    assert len(adam) > 5


def test_pairs_that_differ_are_listed_with_the_better_one_first() -> None:
    values = [0.80, 0.81, 0.79, 0.805, 0.82, 0.80]
    by = {"adam": 0.0, "lion": 0.1, "sgd": -0.1}
    apart = Study.of(
        trial for name, ahead in by.items() for trial in tunings(name, [v + ahead for v in values])
    )
    text = "\n".join(league.write_sections(apart))
    assert "Of 3 pairs of tuned optimizers" in text and ", 3 are shown to differ" in text
    for pair in ("lion ahead of adam", "lion ahead of sgd", "adam ahead of sgd"):
        assert f"- {pair} (1 task): 100 % [" in text
    assert "99 % interval" in text  # three hypotheses of one p, so each is judged at 4 / 3 %


def test_who_does_not_differ_is_in_no_list(made: Study) -> None:
    text = "\n".join(league.write_sections(made))
    shown = made.pairs["claim"].isin(["better", "worse"]).sum()
    assert text.count(" ahead of ") - text.count("| ahead of ") >= shown
    assert f"{shown or 'none'} are shown to differ" in text


def test_the_first_screen_replaces_what_stands_between_its_marks(
    made: Study, tmp_path, monkeypatch
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{league.START}\nold\n{league.END}\nafter\n", "utf-8")
    monkeypatch.setattr(league, "DOCS", tmp_path)
    monkeypatch.setattr(league, "README", readme)
    monkeypatch.setattr(league, "load_shipped", lambda name: made)
    league.main()
    text = readme.read_text("utf-8")
    assert text.startswith(f"before\n{league.START}\n3 optimizers on the 1 tasks of")
    assert text.endswith(f"\n{league.END}\nafter\n") and "old" not in text
    assert "is tuned 5 times on every task. Each tuning tries the optimizer's default" in text
    assert f"{len(made.trials)} trials" in text
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {f"league_{name}.png" for name in league.SHOWN}
