"""Numbers behind the figures, and the promises of the drawings: determinism, colours, escaping."""

import itertools
import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import vl_convert

from bench.spec import RefusedInput, Tuning
from reports.analysis.study import Study
from reports.data.costs import choose_configs
from reports.figures import (
    best_of_k_curves,
    default_tuned,
    embedding,
    heatmap,
    learning_curves,
    pairs_matrix,
    paper,
    performance_profile,
    rendering,
    score_forest,
    seed_dots,
    sensitivity,
    step_costs,
    style,
    time_quality,
    to_target_dots,
)
from reports.figures.registry import FIGURES, assign_colours, draw_figure
from tests.helpers import simulated, studies

GOOD = [0.90, 0.91, 0.92, 0.93, 0.94, 0.95]


def panels(figure, study):
    return figure.plot(figure.tabulate(study), assign_colours(study))


def text_of(figure, study):
    return json.dumps(specs(figure, study), ensure_ascii=False)


def tuned():
    """Three entrants, each tuned five times with eight settings."""
    numbers = np.random.default_rng(0)
    made = [studies.study(name, studies.Landscape(), numbers) for name in ("adam", "sgd", "lion")]
    return [record for records in made for record in records]


def specs(figure, study):
    return [panel.chart.to_dict() for panel in panels(figure, study) if panel.chart is not None]


def test_learning_curves_average_over_seeds(record):
    study = Study.of([record(seed=0, val=0.8), record(seed=1, val=0.9)])
    table = learning_curves.tabulate(study)
    last = table[(table["metric"] == "val/accuracy") & (table["steps"] == 300)].iloc[0]
    assert last[["mean", "low", "high", "n"]].tolist() == pytest.approx([0.85, 0.8, 0.9, 2])
    assert set(table["metric"]) == {"val/accuracy", "train/loss"}


def test_a_line_ends_where_its_first_seed_broke_off(record):
    records = [record(seed=0, evaluations=10), record(seed=1, evaluations=10, status="diverged")]
    study = Study.of(records)
    table = learning_curves.tabulate(study)
    loss = table[table["metric"] == "train/loss"]
    assert loss["steps"].max() == 150
    assert loss["broken"].all()


def test_sensitivity_takes_the_best_point_of_each_rate_and_counts_divergence(record):
    records = [
        record(point={"lr": 0.1, "eps": 1.0}, val=0.5),
        record(point={"lr": 0.1, "eps": 2.0}, val=0.7),
        record(point={"lr": 0.2}, status="diverged"),
        record(optimizer="sgd", point={"lr": 0.3}),
    ]
    table = sensitivity.tabulate(Study.of(records))
    assert table["entrant"].unique().tolist() == ["adam"]  # sgd tried one rate only
    assert set(table["hyperparameter"]) == {"lr", "eps"}
    table = table[table["hyperparameter"] == "lr"]
    assert table["x"].tolist() == [0.1, 0.2]
    assert table["mean"].iloc[0] == pytest.approx(0.7)
    assert math.isnan(table["mean"].iloc[1])
    assert table["diverged"].tolist() == [0, 1]


def test_to_target_keeps_misses(record):
    study = Study.of([record(), record(seed=1, steps_to_target=None)])
    assert to_target_dots.tabulate(study)["steps_to_target"].tolist() == [200, math.inf]


def test_sensitivity_shows_every_declared_range(record):
    space = {
        "lr": {"log": [1e-4, 1e-1]},
        "betas.1": {"one_minus": {"log": [1e-3, 1e-1]}},
        "nesterov": {"choice": [True, False]},
        "eps": {"log": [1e-9, 1e-7]},
    }
    tried = [
        {"lr": 1e-3, "betas": [0.9, 0.99], "nesterov": True},
        {"lr": 1e-2, "betas": [0.9, 0.95], "nesterov": False},
    ]
    records = [
        record(
            point=point,
            phase="select",
            val=0.5 + i / 10,
            test=None,
            tuning=Tuning(space, "sobol", 0, 2, repeat=0, index=i),
        )
        for i, point in enumerate(tried)
    ]
    table = sensitivity.tabulate(Study.of(records)).set_index("hyperparameter")
    assert set(table.index) == {"lr", "1 − betas.1", "nesterov"}  # eps never varied
    assert table.loc["lr", ["range_low", "range_high"]].to_numpy()[0].tolist() == [1e-4, 1e-1]
    assert table.loc["1 − betas.1", "x"].tolist() == pytest.approx([0.01, 0.05])
    assert table.loc["nesterov", "level"].tolist() == ["False", "True"]
    assert len(panels(sensitivity, Study.of(records))) == 3


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_band_of_best_of_k_is_quantiles_of_draws(direction):
    values = [0.1, 0.5, 0.7, 0.9, math.nan]
    sign = 1 if direction == "maximize" else -1
    draws = itertools.product([sign * v for v in values], repeat=3)
    best = sorted(
        max(finite) for draw in draws if (finite := [v for v in draw if not math.isnan(v)])
    )
    for q in (0.1, 0.25, 0.5, 0.9, 1.0):
        place = max(1, math.ceil(q * len(best) - 1e-9))
        assert best_of_k_curves.quantile_of_best(values, 3, direction, q) == pytest.approx(
            sign * best[place - 1]
        )
    assert math.isnan(best_of_k_curves.quantile_of_best([math.nan], 2, direction, 0.5))


def test_the_band_of_best_of_k_stays_within_what_was_measured():
    table = best_of_k_curves.tabulate(Study.of(tuned()))
    tried = Study.of(tuned()).points["val_mean"]
    assert table["low"].min() >= tried.min()
    assert table["high"].max() <= tried.max()
    assert (table["low"] <= table["expected"]).all()


def test_curves_against_seconds_say_why_they_are_missing(record):
    alone = panels(learning_curves, Study.of([record()]))
    assert [p.variant for p in alone] == [v for v in learning_curves.AGAINST for _ in range(2)]
    assert all(p.chart is not None for p in alone)
    stacked = panels(learning_curves, Study.of([record(summary={"stack_size": 8.0})]))
    missing = [p for p in stacked if p.chart is None]
    assert [p.variant for p in missing] == ["seconds"] * 2
    assert all("stack" in p.note for p in missing)


def test_gradients_count_what_a_step_takes(record):
    table = learning_curves.tabulate(Study.of([record(summary={"gradients": 600.0})]))
    assert (table["gradients"] == 2 * table["steps"]).all()


def test_many_evaluations_are_thinned_with_both_ends(record):
    study = Study.of([record(steps=3000, evaluations=1000)])
    (spec, *_) = specs(learning_curves, study)
    rows = spec["data"]["values"].splitlines()
    assert len(rows) == 1 + learning_curves.DRAWN
    assert rows[1].startswith("adam,3,")
    assert rows[-1].startswith("adam,3000,")


def test_a_target_that_nobody_reached_is_a_line(record):
    (panel,) = panels(to_target_dots, Study.of([record(steps_to_target=None)]))
    assert panel.chart is None
    assert panel.note == "None of 1 trials reached val/accuracy 0.85 within 300 steps."


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_to_draw_is_said_in_a_line(record, name):
    study = Study.of([record(status="failed", target=None)])
    assert panels(FIGURES[name], study) == []
    with pytest.raises(RefusedInput, match=FIGURES[name].EMPTY):
        draw_figure(study, name)


def test_colours_are_distinct_and_adam_is_ink():
    names = ["adam", *(f"o{i}" for i in range(30))]
    colours = style.assign_colours(names)
    assert colours["adam"] == style.INK
    assert len({colours[name] for name in names[:7]}) == 7
    assert set(colours) == set(names)
    assert style.assign_colours(["sgd"]) == {"sgd": style.OKABE_ITO[0]}  # who did not run has none


def test_ink_is_the_references_whatever_its_schedule_and_nobodys_without_one(record):
    records = [record(optimizer=name, seed=seed) for name in ("adam", "sgd") for seed in range(3)]
    scheduled = assign_colours(Study.of(simulated.with_schedule(records, "cosine")))
    assert scheduled == {"adam+cosine": style.INK, "sgd+cosine": style.OKABE_ITO[0]}
    for reference, inked in (("sgd", ["sgd"]), ("", ["adam"]), ("lion", ["adam"])):
        study = Study.of([replace(one, reference=reference) for one in records])
        colours = assign_colours(study)
        assert set(colours) == {"adam", "sgd"}
        assert [name for name, colour in colours.items() if colour == style.INK] == inked
    alone = Study.of([record(optimizer=name, seed=0, reference="") for name in ("lion", "sgd")])
    assert style.INK not in assign_colours(alone).values()


@pytest.mark.parametrize("name", FIGURES)
def test_a_caption_has_at_most_thirty_words_and_only_the_fields(name):
    figure = FIGURES[name]
    assert len(figure.CAPTION.split()) <= 30
    for text in (figure.TITLE, figure.CAPTION, figure.EMPTY):
        assert not re.search(r"withheld|entrant|broke|luck|\bpoints?\b|[Nn]obody", text), text


def test_a_figure_as_a_chart_and_the_name_of_none(study):
    chart = draw_figure(Study.of(study), "learning_curves").to_dict()
    assert len(chart["concat"]) == 4  # two tasks, metric and loss, against steps
    with pytest.raises(
        RefusedInput, match=r"figure=learning_curve: no such figure.*learning_curves"
    ):
        draw_figure(Study.of(study), "learning_curve")


def test_scores_name_whom_they_leave_out(record):
    records = [
        record(task=task, optimizer=name, seed=seed, test=0.9 + i / 100)
        for task in ("digits", "langid")
        for i, name in enumerate(("adam", "sgd", "lion"))
        for seed in range(3)
        if (task, name) != ("langid", "lion")
    ]
    made = panels(score_forest, Study.of(records))
    assert [p.title for p in made] == ["Final value", "Speed", "Probability of improvement"]
    assert ["Incomplete, so not scored: lion." in p.note for p in made] == [True, True, False]
    table = score_forest.tabulate(Study.of(records)).set_index(["score", "entrant"])
    assert table.loc[("value", "sgd"), "value"] == pytest.approx(math.log2(0.1 / 0.09))
    assert table.loc[("improvement", "sgd"), "value"] == 1.0
    assert table.loc[("improvement", "lion"), ["value", "n"]].tolist() == [1.0, 1]  # of its task


def test_the_level_of_a_verdict_is_said_beside_its_interval():
    """Two separated pairs of six and one between them: Holm judges at less than 5 %."""
    others = {"sgd": -0.3, "lion": -0.6}
    records = studies.reports("adam", GOOD) + [
        one for name, by in others.items() for one in studies.reports(name, [v + by for v in GOOD])
    ]
    study = Study.of(records)
    table = score_forest.tabulate(study).set_index(["score", "entrant"])
    assert table.loc["value", "level"].tolist() == [0.95] * 3
    level = 1 - 0.04 / 3  # three hypotheses of equal p at a first look
    assert table.loc[("improvement", "sgd"), "level"] == pytest.approx(level)
    assert panels(score_forest, study)[-1].note == "Bars at the level of each verdict: 99 %."
    assert "99 %" in json.dumps(panels(score_forest, study)[-1].chart.to_dict())


def test_without_a_reference_there_are_pairs_and_no_score(record):
    records = [
        replace(one, reference="")
        for name in ("lion", "sgd")
        for one in studies.reports(name, GOOD)
    ]
    study = Study.of(records)
    for figure in (score_forest, heatmap):
        assert panels(figure, study) == []
    assert len(panels(pairs_matrix, study)) == 1


def heat(ours, theirs, **options):
    """One heatmap cell of plain seeds, and the page's text of it; None is a diverged trial."""
    made = studies.reports("adam", theirs, **options) + studies.reports("sgd", ours, **options)
    study = Study.of(made)
    (cell,) = heatmap.tabulate(study).to_dict("records")
    return cell, text_of(heatmap, study)


def test_a_heatmap_cell_is_the_median_log_ratio_of_remaining_losses():
    cell, drawn = heat([0.8, 0.9, 0.95], [0.6, 0.6, 0.8])
    # losses .2 .1 .05 against .4 .4 .2: log2 ratios 1 1 0, 2 2 1, 3 3 2
    assert cell["ratio"] == pytest.approx(2.0)
    assert cell["shift"] == pytest.approx(0.2)  # 0 .1 .15 .2 .2 .3 .3 .35 .35
    assert (cell["n"], cell["unfinished"], cell["claim"]) == (3, 0, "no verdict")
    assert "+2.00" in drawn and "+2.00*" not in drawn
    minimized, _ = heat([0.1] * 5, [0.4] * 5, metric="loss", direction="minimize", target=None)
    assert minimized["ratio"] == pytest.approx(2.0)
    equal, _ = heat([1.0] * 5, [1.0] * 5)
    assert equal["ratio"] == 0.0  # nothing remains on either side


def test_a_star_stands_exactly_where_a_difference_is_shown():
    assert "+1.00*" in heat([0.8 + i / 1e4 for i in range(8)], [0.6 + i / 1e4 for i in range(8)])[1]
    assert "*" not in heat([0.8] * 8, [0.8] * 8)[1].split("columns")[0]


def test_a_far_value_does_not_turn_the_heatmap_against_its_verdict():
    """Nine of ten results are better, and the mean is worse by thousands."""
    options = {"metric": "loss", "direction": "minimize", "target": None}
    near = [0.20 + i / 1000 for i in range(9)]
    theirs = [0.40 + i / 1000 for i in range(10)]
    for last in (1e6, None):
        cell, drawn = heat([*near, last], theirs, **options)
        assert cell["claim"] == "better"
        assert cell["ratio"] == pytest.approx(0.9, abs=0.1)
        assert "*†" in drawn if last is None else "*" in drawn


def test_who_mostly_diverges_is_infinitely_worse_on_the_heatmap():
    cell, drawn = heat([None] * 6 + [0.99] * 2, [0.8] * 8)
    assert (cell["ratio"], cell["unfinished"]) == (-math.inf, 6)
    assert "−∞†" in drawn or "−∞*†" in drawn
    assert heat([0.8] * 8, [None] * 8)[0]["ratio"] == math.inf
    assert heat([None] * 8, [None] * 7)[0]["ratio"] == 0.0


def test_a_skipped_optimizer_is_called_so_on_the_heatmap(record):
    made = [record(optimizer=n, seed=s) for n in ("adam", "sgd") for s in range(5)]
    made += [
        record(optimizer="muon", seed=s, status="skipped", reason="no matrix") for s in range(5)
    ]
    table = heatmap.tabulate(Study.of(made)).set_index("entrant")
    assert table.loc["muon", ["n", "unfinished"]].tolist() == [0, 0]
    assert math.isnan(table.loc["muon", "ratio"])
    drawn = text_of(heatmap, Study.of(made))
    assert "skipped" in drawn and "†" not in drawn


def test_a_heatmap_has_no_number_without_a_common_scale():
    options = {"metric": "loss", "direction": "minimize", "target": None}
    study = Study.of(
        studies.reports("adam", [-1.0] * 5, **options)
        + studies.reports("sgd", [-2.0] * 5, **options)
    )
    assert heatmap.tabulate(study)["ratio"].isna().all()
    assert panels(heatmap, study) == []


def test_no_cell_of_a_heatmap_points_against_its_probability_of_improvement():
    numbers = np.random.default_rng(0)
    for _ in range(60):
        sides = [
            [None if numbers.random() < 0.2 else round(v, 1) for v in numbers.uniform(0, 1, n)]
            for n in (5, 7)
        ]
        study = Study.of(studies.reports("sgd", sides[0]) + studies.reports("adam", sides[1]))
        (row,) = (one for one in study.leaderboards[0].rows if one.arm.entrant == "sgd")
        (cell,) = heatmap.tabulate(study).to_dict("records")
        assert cell["ratio"] * (row.improvement.estimate - 0.5) >= 0


def test_pairs_stand_both_ways_round(study):
    table = pairs_matrix.tabulate(Study.of(study)).set_index(["ours", "theirs"])
    assert len(table) == 6
    for ours, theirs in itertools.combinations(("adam", "lion", "sgd"), 2):
        one, other = table.loc[(ours, theirs)], table.loc[(theirs, ours)]
        assert one["improvement"] == pytest.approx(1 - other["improvement"], nan_ok=True)
        assert one["low"] == pytest.approx(1 - other["high"], nan_ok=True)
        assert (one["win"], one["tie"], one["loss"]) == (other["loss"], other["tie"], other["win"])
        assert one["p_holm"] == pytest.approx(other["p_holm"], nan_ok=True)
        assert (one["ours_id"], one["theirs_id"]) == (other["theirs_id"], other["ours_id"])


def test_a_pair_says_how_often_it_is_ahead_its_tasks_and_its_p():
    ahead = studies.reports("adam", GOOD) + studies.reports("sgd", [v - 0.5 for v in GOOD])
    drawn = text_of(pairs_matrix, Study.of(ahead))
    # separated samples of six: p = 2 / C(12, 6), and one test in the report, at 4 of 5 %
    p = 2 / math.comb(12, 6) * 5 / 4
    assert f"100 %|1–0–0|p {p:.3f}" in drawn
    assert f"0 %|0–0–1|p {p:.3f}" in drawn
    few = studies.reports("adam", GOOD[:3]) + studies.reports("sgd", [0.1, 0.2, 0.3])
    assert "100 %|0–0–0|–" in text_of(pairs_matrix, Study.of(few))


def test_a_pair_is_coloured_only_where_the_test_tells_them_apart():
    def colours(gap):
        noise = np.random.default_rng(0).normal(0, 0.002, (2, 10))
        records = [
            one
            for i, name in enumerate(("adam", "sgd"))
            for one in studies.reports(name, (0.8 + gap * i + noise[i]).tolist())
        ]
        (spec,) = specs(pairs_matrix, Study.of(records))
        rows = (spec.get("data") or spec["layer"][-1]["data"])["values"].splitlines()
        return [row.split(",")[3] for row in rows[1:]], rows[0].split(",")[3]

    shades, name = colours(0.05)
    assert name == "shade"
    assert sorted(map(float, shades)) == [-1.5, 1.5]  # all results apart: the ends of the scale
    assert colours(0.0)[0] == ["", ""]


def test_the_front_is_whom_nobody_beats_in_both(record):
    entrants = {"adam": (1.0, 0.9), "sgd": (0.5, 0.8), "lion": (2.0, 0.85), "muon": (3.0, 0.95)}
    records = [
        record(optimizer=name, seed=seed, step_time_ms=time, test=test)
        for name, (time, test) in entrants.items()
        for seed in range(2)
    ]
    table = time_quality.tabulate(Study.of(records)).set_index("entrant")
    assert table.index[table["front"]].tolist() == ["adam", "muon", "sgd"]  # lion: slower, worse
    assert table.loc["sgd", "seconds"] == pytest.approx(0.15)


def test_costs_that_were_measured_alone_come_first(record):
    study = Study.of([record(seed=s, summary={"stack_size": 4.0}) for s in range(5)])
    (config,) = choose_configs(study.reported, study.configs)
    cost = {"step_time_ms": 0.5, "state_mib": 0.25, "steps_measured": 900, "device": "cpu"}
    measured = replace(study, measured={config: {**cost, "reason": ""}})
    rows = step_costs.tabulate(measured).set_index("cost")
    assert rows["value"].to_dict() == {"state_mib": 0.25, "step_time_ms": 0.5}
    assert rows["n"].tolist() == [900, 900]
    assert len(panels(step_costs, measured)) == 2


def test_costs_are_those_of_trials_that_trained_alone(record):
    records = [
        record(seed=0, step_time_ms=1.0),
        record(seed=1, step_time_ms=3.0),
        record(seed=2, step_time_ms=0.1, summary={"stack_size": 8.0}),
    ]
    (row,) = step_costs.tabulate(Study.of(records)).to_dict("records")
    assert (row["value"], row["low"], row["high"], row["n"]) == (2.0, 1.0, 3.0, 2)
    assert panels(step_costs, Study.of(records[2:])) == []


def test_default_stands_beside_tuned():
    made = Study.of(tuned())
    table = default_tuned.tabulate(made)
    assert table.groupby("entrant")["row"].agg(list).tolist() == [["default", "tuned"]] * 3
    board = made.leaderboards[0].table
    for row in table.to_dict("records"):
        same = (board["entrant"] == row["entrant"]) & (board["row"] == row["row"])
        assert row["value"] == board.loc[same, "test_mean"].iloc[0]
        counts = (row["results"], row["tunings"], row["settings"])
        assert counts == ((5, 5, 8) if row["row"] == "tuned" else (10, 0, 0))


def test_a_dot_of_a_tuned_optimizer_is_the_result_of_a_tuning():
    values = [0.90, 0.91, None, 0.93]
    study = Study.of(studies.tunings("adam", values))
    table = seed_dots.tabulate(study)
    assert table["seed"].tolist() == [1000, 1001, 1002, 1003]
    assert table["value"].tolist() == pytest.approx([0.90, 0.91, math.nan, 0.93], nan_ok=True)
    assert "1 of 4 did not finish" in text_of(seed_dots, study)


def test_every_seed_is_a_dot_or_is_counted(record):
    values = [0.9, 0.91, None]
    study = Study.of(studies.reports("adam", values))
    assert seed_dots.tabulate(study)["value"].notna().tolist() == [True, True, False]
    (spec,) = specs(seed_dots, study)
    text = json.dumps(spec)
    assert "1 of 3 did not finish" in text
    assert all(run[:8] in text for run in study.trials.loc[:1, "run_id"])


def test_of_many_seeds_the_extremes_are_drawn(record):
    n = 200
    values = np.random.default_rng(0).permutation(np.linspace(0.5, 0.9, n)).tolist()
    (spec,) = specs(seed_dots, Study.of(studies.reports("adam", values)))
    source = spec.get("data") or spec["layer"][0]["data"]
    rows = [row.split(",") for row in source["values"].splitlines()]
    drawn = [float(row[rows[0].index("value")]) for row in rows[1:]]
    assert len(drawn) == seed_dots.DRAWN
    assert (min(drawn), max(drawn)) == (0.5, 0.9)


def test_a_profile_needs_two_who_race(record):
    assert panels(performance_profile, Study.of([record()])) == []
    two = [record(), record(optimizer="sgd", steps_to_target=100)]
    table = performance_profile.tabulate(Study.of(two)).set_index(["entrant", "tau"])
    assert table.loc[("sgd", 1.0), "share"] == 1.0
    assert table.loc[("adam", 1.0), "share"] == 0.0  # twice the steps
    assert table.loc["adam"]["share"].iloc[-1] == 1.0


def test_paper_is_the_same_twice(study):
    texts = [paper.render_svg(draw_figure(Study.of(study), "sensitivity")) for _ in range(2)]
    assert texts[0] == texts[1]
    assert rendering.render_png(texts[0]) == rendering.render_png(texts[1])


def test_names_of_a_study_are_never_fields_or_expressions(record):
    hostile = "a.b[0]$'\"];alert(1)//<\u2028"
    records = [
        record(
            task=hostile,
            optimizer=name,
            seed=seed,
            point={hostile: float(seed + 1)},
            metric=hostile,
            status=status,
        )
        for name in ("adam", hostile)
        for seed, status in enumerate(["finished", "finished", "diverged"])
    ]
    study = Study.of(records)

    def walk(node, key=""):
        if isinstance(node, dict):
            for name, value in node.items():
                walk(value, name)
        elif isinstance(node, list):
            for value in node:
                walk(value, key)
        elif key in ("field", "filter", "expr", "labelExpr", "signal", "name", "update", "test"):
            assert "alert" not in str(node)

    for figure in FIGURES.values():
        for spec in specs(figure, study):
            walk(spec)
            walk(vl_convert.vegalite_to_vega({**spec, "config": style.CONFIG}))  # its own too


def test_the_page_has_each_table_once_and_no_legend(study):
    made = Study.of(study)
    colours = style.assign_colours(made.entrants)
    drawn = [(name, f, f.plot(f.tabulate(made), colours)) for name, f in FIGURES.items()]
    section = embedding.build_section(drawn, colours)
    specs = section.payload["specs"]
    assert set(specs) == {view.id for f in section.figures for view in f.views if view.id}
    assert '"data": {"values"' not in json.dumps(specs)
    assert not [s for s in specs.values() if "hidden" not in [p["name"] for p in s["params"]]]
    assert len(section.payload["tables"]) < len(specs)  # three variants of a curve share theirs
    assert json.loads(json.dumps(section.payload, allow_nan=False)) == section.payload


def test_curves_of_a_task_without_a_loss_are_drawn(record):
    records = [
        record(seed=s, metric="mae", direction="minimize", point={"lr": 0.1 + s}) for s in (0, 1)
    ]
    for one in records:
        for point in one.result.curve:
            for name in ("train/loss", "val/loss", "test/loss"):
                point.values.pop(name, None)
    study = Study.of(records)
    assert set(learning_curves.tabulate(study)["metric"]) == {"val/mae"}
    for figure in (learning_curves, sensitivity, to_target_dots):
        assert specs(figure, study)
