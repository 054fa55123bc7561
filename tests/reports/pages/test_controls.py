"""reports/pages/controls.py: what the section says of studies whose outcome is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from reports import Study
from reports.data import baseline
from reports.pages import controls, validity
from reports.pages.controls import CONTROLS, Control
from reports.pages.markdown import replace_section
from tests.helpers.studies import tunings

LOW = [0.80, 0.81, 0.79, 0.805, 0.82, 0.795]
NAMES = ("adam", "lion")


def make(name="mine", *, nulls=False, tunings=6):
    asked = {"nulls": (("lion", "adam"),)} if nulls else {"orders": (("lion", "adam"),)}
    return Control(name, "digits", "budget.steps=300", NAMES, tunings=tunings, settings=4, **asked)


def export(control, by, *, few=False):
    """Ship a study in which lion's results lie above adam's by some amount."""
    own = LOW[:3] if few else LOW
    reference = [value - 0.001 * at for at in (0, 1) for value in own]
    trials = tunings("adam", reference) + tunings("lion", [value + by for value in own])
    baseline.write(trials, control.path, {"command": "made by hand"})


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(controls, "FOLDER", tmp_path)


def read_row(section):
    """Read the one row of a section's table, by its columns."""
    head, _, row = (line for line in section.splitlines() if line.startswith("|"))
    names, cells = ([cell.strip() for cell in line.split("|")[1:-1]] for line in (head, row))
    return dict(zip(names, cells, strict=True))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("by", "nulls", "verdict", "shown", "summary"),
    [
        (0.1, False, "better, p = ", "yes", "**Shown: 1 of 1 ordering. "),
        (-0.1, False, "worse, p = ", "**no: the other way round**", "**Shown: 0 of 1 ordering. "),
        (
            0.0,
            False,
            "no clear difference, p = ",
            "**no**: these results do not",
            "**Shown: 0 of 1",
        ),
        (
            0.0,
            True,
            "no clear difference, p = ",
            controls.NOTHING,
            " Without a claim: 1 of 1 null.**",
        ),
        (0.1, True, "better, p = ", "**a false claim**", " Without a claim: 0 of 1 null.**"),
    ],
)
def test_a_control_is_shown_or_not_by_the_verdict_of_its_study(by, nulls, verdict, shown, summary):
    control = make(nulls=nulls)
    export(control, by)
    section = controls.write_section([control])
    row = read_row(section)
    assert row["verdict"].startswith(verdict)
    assert row["shown?"].startswith(shown)
    assert summary in section
    assert row["control"] == ("lion against adam" if nulls else "lion ahead of adam")
    assert (row["task"], row["design"]) == ("digits, 300 steps", "6:12 × 4")
    assert row["tests"] == "1"
    assert row["smallest p"] == f"{2 / math.comb(18, 6):.2g}"
    assert row["level"] == f"{Study.load('', compare=[str(control.path)]).level:.2g}"
    assert row["ahead"].endswith("]")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("nulls", [False, True])
def test_what_has_no_verdict_says_why(nulls):
    control = make(nulls=nulls, tunings=3)
    export(control, 0.1, few=True)
    row = read_row(controls.write_section([control]))
    assert row["verdict"] == "no verdict"
    assert row["shown?"] == "**no verdict**: 3 tunings of lion; at least 4 are needed"
    assert (row["tests"], row["level"], row["simulated power"]) == ("0", "n/a", "n/a")


@pytest.mark.usefixtures("folder")
def test_what_is_no_control_is_shown_and_counts_for_nothing():
    one, other = make("one"), make("other")
    export(one, 0.1)
    export(other, 0.0)
    section = controls.write_section([one], [other])
    assert "**Shown: 1 of 1 ordering. " in section
    before, after = section.split("Thought to be controls, and none")
    assert "| yes " in before and "**no**: these results" not in before
    assert "**no**: these results" in after


@pytest.mark.usefixtures("folder")
def test_what_has_not_run_says_so_beside_its_plan():
    section = controls.write_section([make("nowhere")])
    row = read_row(section)
    assert row["shown?"] == "has not run yet"
    assert row["design"] == "6:12 × 4" and row["smallest p"] == f"{2 / math.comb(18, 6):.2g}"
    assert row["verdict"] == row["level"] == row["simulated power"] == "n/a"
    assert "**Shown: 0 of 1 ordering." in section


def test_power_is_that_of_recorded_trials(monkeypatch):
    (control,) = (one for one in CONTROLS if one.name == "sotu_adam")
    ours, theirs = (validity.load_league()[name, "sotu"] for name in ("soap", "adam"))
    random, level = np.random.default_rng(9), 0.002
    p = [
        stats.mannwhitneyu(
            ours.tune(random, 8, 5),
            theirs.tune(random, 8, 10) + 1e-9 * random.normal(size=10),  # without ties
            method="exact",
        ).pvalue
        for _ in range(300)
    ]
    expected = np.mean(np.array(p) <= level)
    assert 0.5 < expected < 0.95
    monkeypatch.setattr(controls, "DRAWS", 400)
    power, is_recorded = controls.measure_power(control, ("soap", "adam"), level)
    assert is_recorded
    assert power == pytest.approx(expected, abs=0.09)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda one: one.name)
def test_every_ordering_is_likely_to_be_shown(control, monkeypatch):
    monkeypatch.setattr(controls, "DRAWS", 100)
    level = 0.005 if control.tunings else 0.04  # of a study with one test
    for pair in control.orders:
        power, _ = controls.measure_power(control, pair, level)
        assert power >= 0.8, pair


def test_there_are_enough_controls_with_names_of_their_own():
    assert sum(len(one.orders) for one in CONTROLS) >= 8
    assert len({one.task for one in CONTROLS if one.nulls}) >= 3
    assert len({one.name for one in CONTROLS}) == len(CONTROLS)


def test_a_section_is_replaced_alone():
    page = "# T\n\n## A\n\none\n\n### Part\n\n## AB\n\ntwo\n\n## C\n\nthree\n"
    assert replace_section(page, "## A", "## A\n\nnew\n\n") == (
        "# T\n\n## A\n\nnew\n\n## AB\n\ntwo\n\n## C\n\nthree\n"
    )
    assert replace_section(page, "## C", "## C\n\nnew") == page.replace("three", "new")
    assert replace_section(page, "## D", "## D\n\nnew") == f"{page}\n## D\n\nnew\n"
    again = replace_section(page, "## AB", "## AB\n\nnew")
    assert replace_section(again, "## AB", "## AB\n\nnew") == again


def test_the_shipped_page_has_what_the_shipped_files_say():
    page = controls.PAGE.read_text("utf-8")
    same = replace_section(page, controls.TITLE, controls.write_section(CONTROLS, controls.CHECKED))
    assert page == same, "run: python -m reports.pages.controls"
