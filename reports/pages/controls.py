"""Control studies, the section Controls of docs/validity.md: ``python -m reports.pages.controls``.

A positive control asks for an ordering that is known, a null control for a difference where there
is none. ``python -m bench.controls`` runs them and writes the section. Each is a study of its own,
with its own Holm correction, and a baseline in ``reports/baselines/controls``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.spec.printable import counted
from reports.analysis.study import Study
from reports.analysis.verdict import Claim
from reports.data import baseline
from reports.figures import pairs_matrix
from reports.pages import DOCS
from reports.pages.markdown import describe_origin, format_table, replace_section
from reports.pages.pools import Landscape, load_landscapes
from reports.pages.simulated_reports import load_league
from reports.stats.intervals import Interval
from reports.stats.power import power
from reports.stats.rank_sum import rank_sum, smallest_p
from reports.text.effects import format_improvement

PAGE = DOCS / "validity.md"
TITLE = "## Controls"
FOLDER = Path(str(baseline.SHIPPED)) / "controls"
LEAGUE_STEPS = {"sotu": 500, "sst2": 400, "modular_addition": 1000, "digits": 1000}
"""Budgets of tasks in ``conf/suite/laptop.yaml``, at which the league ran."""
POOLS = {("sst2", 100): "sst2", ("modular_addition", 300): "modular_addition"}
"""Pools of real trials by task and budget."""
DRAWS = 500
"""Simulated studies of a control: its power is right to .05."""
EFFECT = 0.9
"""Probability of improvement whose power is said where no landscapes are recorded."""
SEEDS = 10
"""Seeds of every default, as ``reporting.seeds`` has it."""
ADAM = "adam"
AGAIN = "adam_again"
"""A YAML beside the files, where ``--config-dir`` finds it."""
MISSING = "n/a"
SHOWN, NOTHING = "yes", "no, as it should be"

Pair = tuple[str, str]
"""Two optimizers; of an ordering the one first that is known to be ahead."""


@dataclass(frozen=True)
class Control:
    """A control study.

    Attributes:
        name: of the study and of its file.
        task, budget, more: what runs: the task, its budget in words, other words.
        optimizers: names.
        reference: the optimizer that the others are compared with; it is tuned twice as often.
        tunings, settings: of every optimizer; without tunings defaults are compared on ten seeds.
        orders: what is known.
        nulls: pairs that are the same optimizer.
    """

    name: str
    task: str
    budget: str
    optimizers: tuple[str, ...]
    more: tuple[str, ...] = ()
    reference: str = ADAM
    tunings: int = 5
    settings: int = 8
    orders: tuple[Pair, ...] = ()
    nulls: tuple[Pair, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """What stands behind ``optbench`` on the command line."""
        tuning = (f"tuning.repeats={self.tunings}",) if self.tunings else ()
        return (
            *("-m", "hydra/sweeper=study", f"study={self.name}"),
            *(f"task={self.task}", self.budget, *self.more),
            *(f"optimizer={','.join(self.optimizers)}", f"reference={self.reference}"),
            *(f"tuning.trials={self.settings if self.tunings else 0}", *tuning),
        )

    @property
    def path(self) -> Path:
        """The file of its trials."""
        return FOLDER / f"{self.name}.json.gz"

    @property
    def design(self) -> str:
        """``5:10 × 8``: tunings of an optimizer, of the reference, and settings of each."""
        if not self.tunings:
            return f"{SEEDS}:{SEEDS} seeds, untuned"
        return f"{self.tunings}:{2 * self.tunings} × {self.settings}"

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return (*self.orders, *self.nulls)

    def name_pair(self, pair: Pair) -> str:
        """Name what is asked: ``soap ahead of adam``, ``torch_adam against adam``."""
        return f" {'against' if pair in self.nulls else 'ahead of'} ".join(pair)

    def count(self, optimizer: str) -> int:
        """Count the results of an optimizer."""
        if not self.tunings:
            return SEEDS
        return self.tunings * (2 if optimizer == self.reference else 1)

    def sizes(self, pair: Pair) -> tuple[int, int]:
        """Count the results of two optimizers."""
        return self.count(pair[0]), self.count(pair[1])


SOTU = (
    *("task.data.length=64", "task.data.validation=16384", "+task.data.test=65536"),
    *("model.dim=48", "model.layers=1", "batch_size=8", "budget.eval_every=125"),
)
"""Words of the small GPT in ``conf/suite/laptop.yaml``."""

CONTROLS = (
    Control(
        *("sst2_adam", "sst2", "budget.steps=100", (ADAM, "sgd", "momentum")),
        orders=((ADAM, "sgd"), (ADAM, "momentum")),
    ),
    Control(
        *("sst2_momentum", "sst2", "budget.steps=400", ("adagrad", "momentum")),
        reference="momentum",
        orders=(("adagrad", "momentum"),),
    ),
    Control(
        *("sst2_nesterov", "sst2", "budget.steps=400", ("adagrad", "nesterov")),
        reference="nesterov",
        tunings=8,
        orders=(("adagrad", "nesterov"),),
    ),
    Control(
        *("sotu_adam", "sotu", "budget.steps=500", (ADAM, "soap", "lion"), SOTU),
        orders=(("soap", ADAM), (ADAM, "lion")),
    ),
    Control(
        *("sotu_sgd", "sotu", "budget.steps=500", (ADAM, "sgd"), SOTU),
        tunings=8,
        orders=((ADAM, "sgd"),),
    ),
    Control(
        *("modular_addition", "modular_addition", "budget.steps=1000", (ADAM, "sgd", "momentum")),
        tunings=10,
        orders=((ADAM, "sgd"), (ADAM, "momentum")),
    ),
    Control(
        *("bias_correction", "mnist_vae", "budget.epochs=1", (ADAM, "adam_uncorrected")),
        # Figure 4 of Adam's paper; the words leave nothing but the correction to differ
        ("optimizer.lr=1e-2", "optimizer.betas=[0.9,0.9999]", "optimizer.eps=1e-8"),
        tunings=0,
        orders=((ADAM, "adam_uncorrected"),),
    ),
    *(
        Control(
            *(f"null_{task}", task, f"budget.steps={LEAGUE_STEPS[task]}"),
            (ADAM, AGAIN, "torch_adam"),
            nulls=((AGAIN, ADAM), ("torch_adam", ADAM)),
        )
        for task in ("digits", "sst2", "modular_addition")
    ),
)

CHECKED = (
    Control(
        *("modular_addition_300", "modular_addition", "budget.steps=300"),
        (ADAM, "sgd", "momentum", "lion"),
        tunings=10,
        orders=((ADAM, "sgd"), (ADAM, "momentum"), (ADAM, "lion")),
    ),
)
"""Studies that were thought to be controls and are none."""

INTRODUCTION = """\
{title}

Made by `python -m bench.controls`, which runs these studies on real tasks and exports them to
`reports/baselines/controls`. Each has its own Holm correction. A positive control asks for an
ordering that is known. A null control asks for a difference between Adam and itself, under another
name (`{again}`) or as PyTorch ships it (`torch_adam`).

{outcome}
"""

NOT_CONTROLS = """\
Thought to be controls, and none: after 300 steps most tunings of modular_addition still end at
chance, Adam's too. The pool, of 24 settings, promised more than a new tuning finds.

{table}
"""

NOTES = """\
- *Level*: what Holm's correction asks of the first test at the first look. *Smallest p*: what the
  design can reach.
- *Simulated power*: the chance that a control is shown alone, at this level, in {draws} studies
  drawn from recorded trials of both optimizers: those of the league, of sst2 in 100 steps and
  modular_addition in 300 steps those of the pools. Elsewhere it is the chance to show a
  probability of improvement of {effect:g} between normal results.
- *Ahead*: how often a result of the first is the better one, with the interval at its level.
"""


def main() -> None:
    """Write the section into the page."""
    page = replace_section(
        PAGE.read_text(encoding="utf-8"), TITLE, write_section(CONTROLS, CHECKED)
    )
    PAGE.write_text(page, encoding="utf-8")


def write_section(controls: Sequence[Control], checked: Sequence[Control] = ()) -> str:
    """Write the section from the exported studies, without a line at its end.

    Args:
        checked: studies that are no controls; they count for nothing.
    """
    studies = {one.name: _load(one) for one in (*controls, *checked)}
    rows = [row for one in controls for row in tabulate(one, studies[one.name])]
    others = [row for one in checked for row in tabulate(one, studies[one.name])]
    introduction = INTRODUCTION.format(title=TITLE, again=AGAIN, outcome=_summarize(controls, rows))
    parts = [introduction, format_table(pd.DataFrame(rows)) + "\n"]
    if others:
        parts.append(NOT_CONTROLS.format(table=format_table(pd.DataFrame(others))))
    parts.append(NOTES.format(draws=DRAWS, effect=EFFECT))
    ran = [study for study in studies.values() if study is not None]
    return "\n".join([*parts, _describe_trials(ran)]).rstrip()


def _load(control: Control) -> Study | None:
    """Load the exported study; None where it has not run."""
    return Study.load("", compare=[str(control.path)]) if control.path.is_file() else None


def tabulate(control: Control, study: Study | None) -> Iterator[dict[str, str]]:
    """Make the rows of a control, one for each pair."""
    level = math.nan if study is None else study.level
    for pair in control.pairs:
        planned = {
            "control": control.name_pair(pair),
            "task": f"{control.task}, {_format_budget(control.budget)}",
            "design": control.design,
            "tests": MISSING if study is None else str(study.tests),
            "level": _format_p(level),
            "smallest p": _format_p(smallest_p([control.sizes(pair)])),
            "simulated power": format_power(control, pair, level),
        }
        yield planned | _describe_outcome(study, pair, pair in control.nulls)


def _describe_outcome(study: Study | None, pair: Pair, is_null: bool) -> dict[str, str]:
    """Describe verdict and effect of a pair, and whether it is as it has to be."""
    if study is None:
        return {"verdict": MISSING, "ahead": MISSING, "shown?": "has not run yet"}
    row = find_pair(study, pair)
    claim = Claim(row["claim"])
    p = "" if math.isnan(row["p_holm"]) else f", p = {_format_p(row['p_holm'])}"
    effect = Interval(row["improvement"], row["low"], row["high"], 0)
    return {
        "verdict": f"{claim}{p}",
        "ahead": format_improvement(effect),
        "shown?": _judge_null(claim, row["reason"]) if is_null else _judge(claim, row["reason"]),
    }


def find_pair(study: Study, pair: Pair) -> Mapping[Any, Any]:
    """Find the pair's row of the report as seen by its first."""
    pairs = pairs_matrix.tabulate(study)
    own = pairs[(pairs["ours"] == pair[0]) & (pairs["theirs"] == pair[1])]
    (row,) = own.to_dict("records")
    return row


def _judge(claim: Claim, reason: str) -> str:
    """Say if an ordering is shown, and why it is not."""
    if claim is Claim.BETTER:
        return SHOWN
    if claim is Claim.WORSE:
        return "**no: the other way round**"
    if claim is Claim.UNCLEAR:
        return "**no**: these results do not separate the two"
    return f"**no verdict**: {reason}"


def _judge_null(claim: Claim, reason: str) -> str:
    """Say if nothing is shown, and why that cannot be said."""
    if claim is Claim.UNCLEAR:
        return NOTHING
    if claim in (Claim.BETTER, Claim.WORSE):
        return "**a false claim**"
    return f"**no verdict**: {reason}"


def _summarize(controls: Sequence[Control], rows: Sequence[Mapping[str, str]]) -> str:
    """Count what is shown and what is not."""
    ended = [row["shown?"] for row in rows]
    orders = sum(len(one.orders) for one in controls)
    nulls = sum(len(one.nulls) for one in controls)
    return (
        f"**Shown: {ended.count(SHOWN)} of {counted(orders, 'ordering')}. "
        f"Without a claim: {ended.count(NOTHING)} of {counted(nulls, 'null')}.**"
    )


def _describe_trials(studies: Sequence[Study]) -> str:
    """Say what ran and how long it trained."""
    if not studies:
        return ""
    trials = sum(len(study.trials) for study in studies)
    seconds = sum(float(study.trials["train_time_s"].sum()) for study in studies)
    made = describe_origin([record for study in studies for record in study.records])
    return (
        f"{counted(trials, 'trial')} trained for {seconds / 60:.0f} minutes, added up over "
        f"processes. Made with {made}."
    )


def _format_budget(words: str) -> str:
    """``400 steps`` of ``budget.steps=400``."""
    unit, _, count = words.removeprefix("budget.").partition("=")
    return counted(int(count), unit.removesuffix("s"))


def _format_p(p: float) -> str:
    return MISSING if math.isnan(p) else f"{p:.2g}"


def format_power(control: Control, pair: Pair, level: float) -> str:
    """Format the chance that a pair is shown alone: ``97 %``, or ``58 % at 0.9``."""
    if math.isnan(level):
        return MISSING
    found, is_recorded = measure_power(control, pair, level)
    return f"{found:.0%}".replace("%", " %") + ("" if is_recorded else f" at {EFFECT:g}")


def measure_power(control: Control, pair: Pair, level: float) -> tuple[float, bool]:
    """Simulate the chance that a pair is shown alone, and tell if recorded trials say so.

    Without any of one of the two, results are normal with a probability of improvement of .9.
    """
    sizes = control.sizes(pair)
    landscapes = [_find_landscape(control, name) for name in pair]
    ahead, behind = landscapes
    if ahead is None or behind is None or not control.tunings:
        return power([sizes], EFFECT, level), False
    random, shown = np.random.default_rng(0), 0
    for _ in range(DRAWS):
        test = rank_sum(
            ahead.tune(random, control.settings, sizes[0]),
            behind.tune(random, control.settings, sizes[1]),
        )
        shown += test.p <= level and test.improvement > 0.5
    return shown / DRAWS, True


def _find_landscape(control: Control, optimizer: str) -> Landscape | None:
    """Find the recorded trials of an optimizer on the control's task and budget."""
    steps = int(control.budget.partition("=")[2])
    if pool := POOLS.get((control.task, steps)):
        return load_landscapes().get(f"{pool} {optimizer}")
    if LEAGUE_STEPS.get(control.task) == steps:
        return load_league().get((optimizer, control.task))
    return None


if __name__ == "__main__":
    main()
