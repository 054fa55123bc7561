"""Numbers behind the figures, and the promises of the drawings: determinism, colours, alt texts."""

import itertools
import math

import pytest

from reports.figures import learning_curves, sensitivity, style, to_target
from reports.study import Study


def test_learning_curves_average_over_seeds(record):
    study = Study.of([record(seed=0, val=0.8), record(seed=1, val=0.9)])
    table = learning_curves.info(study)
    last = table[(table["metric"] == "val/accuracy") & (table["step"] == 300)].iloc[0]
    assert last[["mean", "low", "high", "n"]].tolist() == pytest.approx([0.85, 0.8, 0.9, 2])
    assert set(table["metric"]) == {"val/accuracy", "train/loss"}


def test_a_line_ends_where_its_first_seed_broke_off(record):
    records = [record(seed=0, evaluations=10), record(seed=1, evaluations=10, status="diverged")]
    study = Study.of(records)
    table = learning_curves.info(study)
    loss = table[table["metric"] == "train/loss"]
    assert loss["step"].max() == 150
    assert loss["broken"].all()


def test_sensitivity_takes_the_best_point_of_each_rate_and_counts_divergence(record):
    records = [
        record(point={"lr": 0.1, "eps": 1.0}, val=0.5),
        record(point={"lr": 0.1, "eps": 2.0}, val=0.7),
        record(point={"lr": 0.2}, status="diverged"),
        record(optimizer="sgd", point={"lr": 0.3}),
    ]
    table = sensitivity.info(Study.of(records))
    assert table["entrant"].unique().tolist() == ["adam"]  # sgd tried one rate only
    assert table["lr"].tolist() == [0.1, 0.2]
    assert table["mean"].iloc[0] == pytest.approx(0.7)
    assert math.isnan(table["mean"].iloc[1])
    assert table["diverged"].tolist() == [0, 1]


def test_to_target_keeps_misses(record):
    study = Study.of([record(), record(seed=1, steps_to_target=None)])
    assert to_target.info(study)["steps_to_target"].tolist() == [200, math.inf]


def test_nothing_to_draw_is_no_figure(record):
    study = Study.of([record(status="failed", target=None)])
    assert learning_curves.plot(learning_curves.info(study), {}) is None
    assert sensitivity.plot(sensitivity.info(study), {}) is None
    assert to_target.plot(to_target.info(study), {}) is None


def test_colours_are_distinct_and_adam_is_ink():
    names = ["adam", *(f"o{i}" for i in range(30))]
    colours = style.palette(names)
    assert colours["adam"] == style.INK
    assert len({colours[name] for name in names[:7]}) == 7
    assert set(colours) == set(names)
    assert style.palette(["sgd"])["sgd"] == style.OKABE_ITO[0]


def test_inline_svg_is_described_and_follows_the_page(record):
    study = Study.of([record(), record(seed=1)])
    colours = style.palette(["adam"])
    texts = [style.svg(to_target.plot(to_target.info(study), colours)) for _ in range(2)]
    assert texts[0] == texts[1]
    inline = style.inline(texts[0], 'says "what" & why')
    assert inline.startswith("<svg")
    assert 'aria-label="says &#34;what&#34; &amp; why"' in inline
    assert "currentColor" in inline
    assert style.INK not in inline


def test_labels_are_spread_inside_the_panel():
    places = style._spread([0.95, 0.97, 0.99, 1.0], gap=0.1)
    assert max(places) <= 1.0 + 1e-6
    assert all(b - a > 0.09 for a, b in itertools.pairwise(places))


def test_curves_of_a_task_without_a_loss_are_drawn(record):
    records = [
        record(seed=s, metric="mae", direction="minimize", point={"lr": 0.1 + s}) for s in (0, 1)
    ]
    for one in records:
        for point in one.result.curve:
            for name in ("train/loss", "val/loss", "test/loss"):
                point.values.pop(name, None)
    study = Study.of(records)
    colours = style.palette(study.entrants)
    assert set(learning_curves.info(study)["metric"]) == {"val/mae"}
    for figure in (learning_curves, sensitivity, to_target):
        assert style.svg(figure.plot(figure.info(study), colours))
