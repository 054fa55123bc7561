"""reports/pages/reproductions.py: what it says of trials whose outcome is known."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import conf
from bench.spec import TrialRecord, Tuning
from reports import Study
from reports.pages import reproductions as page
from tests.helpers.records import make_record
from tests.helpers.studies import SPACE, Landscape, reports, study, tunings

PRESETS = Path(conf.__file__).parent / "experiment"


def test_each_is_a_preset_that_runs_under_its_own_name() -> None:
    for one in page.REPRODUCTIONS:
        text = (PRESETS / f"{one.name}.yaml").read_text("utf-8")
        assert f"\nstudy: {one.name}\n" in text
        for words in one.words:
            assert f"#   optbench -m experiment={one.name} {words}".rstrip() in text


def test_an_ordering_holds_or_not_by_the_verdict_of_the_pair() -> None:
    low, high = [0.80, 0.81, 0.79, 0.80, 0.82, 0.80], [0.90, 0.91, 0.89, 0.91, 0.92, 0.90]
    apart = Study.of(reports("adam", low) + reports("lion", high))
    holds, turned = (
        page.describe_outcome(apart, *names) for names in (("lion", "adam"), ("adam", "lion"))
    )
    assert holds.startswith("**holds** (ahead in 100 % [") and holds.endswith("] of results)")
    assert turned.startswith("**the other way round** (ahead in 0 % [0, ")
    close = Study.of(reports("adam", low) + reports("lion", [v + 0.001 for v in low]))
    said = page.describe_outcome(close, "lion", "adam")
    assert said.startswith("**no clear difference** (ahead in ")
    few = Study.of(reports("adam", [0.80, 0.81]) + reports("lion", [0.90, 0.91]))
    said = page.describe_outcome(few, "lion", "adam")
    assert said.startswith("**no verdict**: 2 seeds of") and "at least 5 are needed" in said


def tuned_once(name: str, values: list[float], by: float) -> list[TrialRecord]:
    """Make trials of the older design: one choice, reported on every seed."""
    choosing = [one for one in tunings(name, [0.8]) if one.phase == "select"]
    old = [replace(one, tuning=replace(one.tuning, draw=1)) for one in choosing]
    choice = Tuning(SPACE, "sobol", 0, 4, index=1)
    return old + reports(name, [v + by for v in values], tuning=choice, point={"lr": 3e-3})


def test_an_ordering_of_tunings_and_of_an_older_study() -> None:
    values = [0.80, 0.81, 0.79, 0.805, 0.82, 0.80]
    tuned = Study.of(tunings("adam", values * 2) + tunings("lion", [v + 0.1 for v in values]))
    assert page.describe_outcome(tuned, "lion", "adam").startswith("**holds**")
    older = Study.of(
        one for name, by in (("adam", 0.0), ("lion", 0.1)) for one in tuned_once(name, values, by)
    )
    said = page.describe_outcome(older, "lion", "adam")
    assert said.startswith("**no verdict**: ") and "was tuned once" in said


def test_bias_correction_is_compared_at_the_best_rate_of_each() -> None:
    losses = {(True, 1e-3): 100.0, (True, 1e-2): 120.0, (False, 1e-3): 130.0, (False, 1e-2): None}
    trials = [
        make_record(
            seed=seed,
            metric="loss",
            direction="minimize",
            target=None,
            val=loss or 1.0,
            test=None if loss is None else loss + (1 if switch else 2) * seed,
            status="diverged" if loss is None else "finished",
            point={"lr": rate, "betas": [0.9, beta], "bias_correction": switch},
        )
        for beta in (0.99, 0.9999)
        for (switch, rate), loss in losses.items()
        for seed in range(3)
    ]
    text = "\n".join(page.write_bias_correction(Study.of(trials)))
    rows = [line for line in text.splitlines() if line.startswith("| 0.9, 0.99")]
    assert len(rows) == 2
    for row in rows:
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        assert cells[1:3] == ["101.00 (0.001)", "132.00 (0.001)"]
        assert cells[3].startswith("+31.00 [+28.5") and cells[4:] == ["never", "0.01", "3"]
    settings = "2 of 2 settings (0.9, 0.99; 0.9, 0.9999)"
    by = "each at its best rate, by an interval without 0"
    assert f"with ahead of without, {by}: at {settings}" in text
    assert f"without ahead of with, {by}: at 0 of 2 settings\n" in text
    assert f"at a smaller rate without than with: at {settings}; at a larger one: at 0" in text


def test_the_best_default_is_chosen_on_validation_and_set_beside_adam_tuned() -> None:
    numbers = np.random.default_rng(0)
    trials = study("adam", Landscape(), numbers)
    trials += study("lion", Landscape(best=1e-3), numbers, tried=0)
    trials += study("sgd", Landscape(best=1e-1), numbers, tried=0)
    table = "\n".join(page.write_defaults(Study.of(trials)))
    assert (
        "lion, of 3" in table and "adam, 5 tunings of 8 settings" in table and "10 and 5" in table
    )


FEW = ("tuning.trials=3", "reporting.seeds=5")
SMALL = {  # words that make a preset a matter of a minute or two, behind each of its commands
    "adam_figure1_imdb": (*FEW, "budget.epochs=1"),
    "adam_figure1_mnist": (*FEW, "budget.epochs=1"),
    "adam_figure2": (*FEW, "budget.steps=120", "model.hidden=[200,200]"),
    "adam_figure4": (
        *("budget.steps=150", "optimizer.lr=1e-4,1e-3,1e-2"),
        *("optimizer.betas=[0,0.9999],[0.9,0.9999]", "seed=0,1"),
    ),
    "article_formula": (*FEW, "task=digits", "budget.steps=300"),
    "choi_inclusion": ("tuning.trials=12", "reporting.seeds=5", "budget.steps=300"),
    "deepobs_fashion_mnist": ("budget={epochs:null,steps:60,eval_every:60}",),
}
DATA = os.environ.get("OPTBENCH_DATA", "")
NEEDS_DATA = set(SMALL) - {"article_formula", "choi_inclusion"}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_its_commands_run_small_and_what_the_page_claims_is_seen(optbench, uri, name) -> None:
    """Where the page says that an ordering holds, the mean of few and short trials agrees."""
    if name in NEEDS_DATA and not DATA:
        pytest.skip("OPTBENCH_DATA names no data")
    (one,) = (each for each in page.REPRODUCTIONS if each.name == name)
    for words in one.words:
        own = [*words.split(), *SMALL[name], f"data_dir={DATA or 'data'}", "report=false"]
        ended = optbench("-m", f"experiment={name}", *own)
        assert ended.code == 0, ended.err + ended.out[-2000:]
    small = Study.load(name, uri=uri)
    assert "nan" not in "".join(page.write_section(one, small))
    shipped = Study.load("", compare=[name])
    for ahead, behind in one.orders:
        if page.describe_outcome(shipped, ahead, behind).startswith("**holds**"):
            assert page.find_ordering(small, ahead, behind)["improvement"] > 0.5, (
                f"{ahead}, {behind}"
            )
    if not one.orders:
        corrections = [page.compare_corrections(study) for study in (shipped, small)]
        claimed, seen = ({(each.beta1, each.beta2): each for each in one} for one in corrections)
        for betas, each in seen.items():
            if claimed[betas].apart.low > 0:
                assert each.apart.estimate > 0, betas
            if claimed[betas].diverges[False] < claimed[betas].diverges[True]:
                assert each.diverges[False] < each.diverges[True], betas
