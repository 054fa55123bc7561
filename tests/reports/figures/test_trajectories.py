"""Trajectories: which trial is drawn, what of it, contour lines, and what the page adds."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from bench.spec import CurvePoint
from reports.analysis.study import Study
from reports.figures import embedding, paper, style, trajectories
from reports.figures.contours import PIXEL, list_levels, simplify, trace_contours
from reports.output.render import render
from tasks.landscapes import LANDSCAPES
from tests.helpers.landscapes import trial


def drawn(study):
    return trajectories.plot(trajectories.tabulate(study), style.assign_colours(study.entrants))


def data_of(panel):
    """Rows of every table of a panel's chart, by layer."""
    tables = [layer.get("data") for layer in panel.chart.to_dict()["layer"]]
    return [[row.split(",") for row in one["values"].splitlines()] for one in tables]


PATH = [(-8.0, 0.5), (-4.0, 0.1), (-2.0, 0.0)]


def test_places_values_and_the_seed_that_all_have():
    records = [
        *(trial([(x + seed, y) for x, y in PATH], seed=seed) for seed in (1, 2, 3)),
        *(trial(PATH, optimizer="sgd", seed=seed) for seed in (0, 2, 3)),
    ]
    table = trajectories.tabulate(Study.of(records))
    assert len(table) == 6
    assert set(table["seed"]) == {2}
    assert set(table["n"]) == {3}
    adam = table[table["entrant"] == "adam"]
    assert adam["step"].tolist() == [2, 4, 6]
    assert adam[["x", "y"]].to_numpy().tolist() == [[-6.0, 0.5], [-2.0, 0.1], [0.0, 0.0]]
    assert adam["value"].tolist() == pytest.approx([(36 + 25) / 2, (4 + 1) / 2, 0.0])
    (panel,) = drawn(Study.of(records))
    assert (panel.title, panel.note, panel.last_step) == ("valley", "Seed 2 of 3 trials.", 6)


def test_entrants_without_a_seed_in_common_are_said_to_be():
    records = [trial(PATH, seed=1), *(trial(PATH, optimizer="sgd", seed=s) for s in (4, 5))]
    (panel,) = drawn(Study.of(records))
    assert panel.note == "adam: seed 1 of 1 trial; sgd: seed 4 of 2 trials."


def test_a_panel_a_landscape_and_none_without(record):
    other = record(metric="loss", direction="minimize")
    assert drawn(Study.of([other])) == []
    both = Study.of([other, trial(PATH), trial(PATH, task="saddle")])
    assert [panel.title for panel in drawn(both)] == ["saddle", "valley"]


def test_records_from_before_places_were_measured_have_no_picture():
    made = trial(PATH)
    old = tuple(CurvePoint(p.step, {"val/loss": p.values["val/loss"]}) for p in made.result.curve)
    study = Study.of([replace(made, result=replace(made.result, curve=old))])
    assert trajectories.tabulate(study)["x"].isna().all()
    assert drawn(study) == []


def test_a_trial_that_leaves_or_breaks_off_is_said_to_and_is_not_squeezed_in():
    away = [(-11.0, 2.0), (-11.0, -3.5), (-11.0, 8.0), (-11.0, 80.0), (-11.0, 2e30), (-11.0, 1.0)]
    records = [
        trial(PATH),
        trial(away, optimizer="sgd", status="diverged"),
        trial([], optimizer="lion", status="diverged"),
    ]
    table = trajectories.tabulate(Study.of(records))
    assert table["y"].max() == 2e30  # the table keeps what was measured
    assert table.loc[table["entrant"] == "lion", "step"].isna().tolist() == [True]
    (panel,) = drawn(Study.of(records))
    assert panel.note == (
        "Seed 0 of 1 trial. Leaves the picture: sgd at step 4. "
        "Not drawn, as it was never measured: lion."
    )
    line, *_, cross = data_of(panel)[3:]
    xs = [row[2] for row in line if row[0] == "sgd"]
    assert xs == ["-11", "-11", "-11", "", "", "-11"]  # up to 3 + 6, a picture's height further
    assert cross[1:] == [["sgd", "12", "-11", "1"]]
    assert {name: scale["domain"] for name, scale in scales(panel).items()} == {
        "x": [-12.0, 12.0],
        "y": [-3.0, 3.0],
    }


def scales(panel):
    encoding = panel.chart.to_dict()["layer"][0]["encoding"]
    return {name: encoding[name]["scale"] for name in "xy"}


def test_a_place_that_is_nan_is_kept_and_is_a_gap():
    study = Study.of([trial([(-8.0, 0.5), (math.nan, 0.1), (-2.0, 0.0)])])
    assert trajectories.tabulate(study)["x"].isna().tolist() == [False, True, False]
    (panel,) = drawn(study)
    assert [row[2] for row in data_of(panel)[3][1:]] == ["-8", "", "-2"]


def test_ten_optimizers_of_many_steps_stay_small():
    turns = np.linspace(0, 60, 3000)
    spiral = [(float(9 * math.cos(t)), float(2 * math.sin(t))) for t in turns]
    records = [trial(spiral, optimizer=name) for name in ("adam", *(f"o{i}" for i in range(9)))]
    (panel,) = drawn(Study.of(records))
    _, _, _, line, head, found = data_of(panel)
    assert len(line) == 1 + 10 * trajectories.DRAWN
    assert len(found) == 1 + 10 * trajectories.TARGETS
    steps = [int(row[1]) for row in line if row[0] == "o8"]
    assert (steps[0], steps[-1]) == (2, 6000)
    assert line[-1][0] == "o0"  # of those with a colour the first is on top, but for the reference
    assert head == line
    assert len(json.dumps(panel.chart.to_dict())) < 600_000


def test_levels_are_1_2_and_5_times_powers_of_ten():
    assert list_levels(3.8) == [0.1, 0.2, 0.5, 1.0, 2.0]
    assert list_levels(5.0) == [0.1, 0.2, 0.5, 1.0, 2.0]


@pytest.mark.parametrize("name", LANDSCAPES)
def test_the_function_has_its_level_on_a_contour(name):
    landscape = LANDSCAPES[name]
    table = trace_contours(landscape)
    x, y = table["x"].to_numpy(), table["y"].to_numpy()
    (left, right), (below, above) = landscape.bounds
    assert ((left <= x) & (x <= right) & (below <= y) & (y <= above)).all()
    # off by less than half the width of a cell of the grid: the value lies between neighbours'
    dx, dy = (right - left) / 360, (above - below) / 360
    near = [landscape.function(x + i * dx, y + j * dy) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    level = table["level"].to_numpy()
    assert (np.min(near, axis=0) <= level).all()
    assert (level <= np.max(near, axis=0)).all()


def test_contours_of_the_valley_are_ellipses():
    table = trace_contours(LANDSCAPES["valley"])
    ring = table[table["level"] == 10]
    radius = np.hypot(ring["x"], 10 * ring["y"])
    assert radius.to_numpy() == pytest.approx(math.sqrt(20), rel=2e-2)
    assert ring["line"].nunique() == 1
    assert ring[["x", "y"]].iloc[0].tolist() == ring[["x", "y"]].iloc[-1].tolist()  # closed


def test_a_contour_is_drawn_along_itself():
    (panel,) = drawn(Study.of([trial(PATH)]))
    text = paper.render_svg(paper.concatenate([panel]))
    paths = [re.findall(r"(-?[\d.]+),(-?[\d.]+)", d) for d in re.findall(r' d="(M[^"A]+)"', text)]
    rings = [np.array(path, float) for path in paths if len(path) > 10]
    areas = [
        abs((x * np.roll(y, 1) - y * np.roll(x, 1)).sum()) / 2 for x, y in (r.T for r in rings)
    ]
    axes = math.sqrt(20) * paper.WIDTH / 24, math.sqrt(0.2) * trajectories.HEIGHT / 6  # of level 10
    assert any(area == pytest.approx(math.pi * axes[0] * axes[1], rel=0.03) for area in areas)


def test_a_line_keeps_its_shape_within_a_pixel():
    angle = np.linspace(0, 2 * math.pi, 2000)
    circle = 0.5 + 0.4 * np.column_stack([np.cos(angle), np.sin(angle)])
    kept = simplify(circle)
    assert 10 < len(kept) < 100
    assert kept[[0, -1]].tolist() == circle[[0, -1]].tolist()
    middles = (kept[1:] + kept[:-1]) / 2
    assert (0.4 - np.hypot(*(middles - 0.5).T)).max() < PIXEL
    straight = np.column_stack([np.linspace(0, 1, 1000), np.zeros(1000)])
    assert len(simplify(straight)) < 10


def test_the_page_has_a_slider_where_steps_are_shown_and_paper_all_of_them(record):
    study = Study.of([trial(PATH), trial(PATH, optimizer="sgd")])
    panels = drawn(study)
    section = embedding.build_section(
        [("trajectories", trajectories, panels)], style.assign_colours(study.entrants)
    )
    assert section.figures[0].last_step == 6
    spec = section.payload["specs"]["trajectories-0"]
    assert {"name": "until", "value": 6} in spec["params"]
    filtered = [embedding.SO_FAR in layer.get("transform", []) for layer in spec["layer"]]
    assert filtered == [False] * 3 + [True] * 3  # contours, start and minima stay
    assert "until" not in json.dumps(panels[0].chart.to_dict())


def test_a_report_without_landscapes_says_nothing_of_them(record, tmp_path):
    html = render([record(), record(optimizer="sgd")], tmp_path).read_text(encoding="utf-8")
    assert 'id="trajectories"' not in html
    assert 'class="player"' not in html
