"""Validity of verdicts by simulation, docs/validity.md: ``python -m reports.pages.validity``.

Everything is simulated, and judged by the code of real reports: equal optimizers, whose every claim
is false; a bootstrap of the shipped league, for what a design can show; and the coverage of the
intervals. The options are ``--reports`` (of the default design; others take an eighth) and
``--seed``. 2000 reports take about half an hour in two processes. With ``--design``, ``--tuning``
or ``--test`` one idea is tried instead (``reports.pages.contest``).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy import special

from bench.spec.protocol import MINIMUM_TUNINGS
from reports.pages import DOCS, controls
from reports.pages.contest import (
    TESTS,
    TODAY,
    TUNINGS,
    describe,
    quick_rank_sum,
    tabulate_ideas,
    try_idea,
)
from reports.pages.enlarging import count_false_claims, tabulate_enlarging, tabulate_stopping
from reports.pages.markdown import format_table
from reports.pages.pools import load_landscapes
from reports.pages.simulated_reports import (
    TASKS,
    count_share,
    load_league,
    run,
    simulate_equals,
    simulate_league,
)
from reports.pages.simulation import Design
from reports.stats.improvement import improvement_interval
from reports.stats.intervals import Interval
from reports.stats.shift import shift

PAGE = DOCS / "validity.md"
DEFAULT = Design(10, 20, 8)
DESIGNS = (Design(4, 8, 4), Design(5, 10, 8), Design(8, 16, 4), DEFAULT)
LARGE = Design(20, 40, 8)
RATIOS = (1, 2, 4)
"""How many times as wide the spread of one optimizer may be as that of another one."""
POWER_REPORTS = 40
IDEA_REPORTS = 200
ENLARGED_REPORTS = 500
STOPPING_REPORTS = 50
MOST_SETTINGS = 9
"""Recorded of each optimizer in the league, its default among them."""
COVERED = 1_000


def main() -> None:
    """Try the idea that is asked for, else simulate all, print progress and write the page."""
    parser = argparse.ArgumentParser(
        prog="python -m reports.pages.validity",
        description="Simulate reports: how often they claim what is false, and what they show.",
        epilog="With --design, --tuning or --test one idea is tried, and one line printed; without "
        "them the page is made anew. To try an idea of your own, add a small function to TUNINGS "
        "or TESTS in reports/pages/contest.py, where its arguments are explained.",
    )
    parser.add_argument(
        "--design",
        type=_parse_design,
        metavar="10:20x8",
        help="tunings:of the reference x settings",
    )
    parser.add_argument("--tuning", choices=TUNINGS, help="how results come about")
    parser.add_argument("--test", choices=TESTS, help="what judges them")
    parser.add_argument("--reports", type=int, help="number of simulated reports of equals")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    named = {key: getattr(asked, key) for key in ("design", "tuning", "test")}
    if any(named.values()):
        idea = replace(TODAY, **{key: value for key, value in named.items() if value})
        reports = asked.reports or IDEA_REPORTS
        print(describe(idea, try_idea(idea, reports, asked.seed), reports))
        return
    lines = write_page(asked.reports or 2_000, asked.seed)
    PAGE.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _parse_design(text: str) -> Design:
    found = re.fullmatch(r"(\d+):(\d+)x(\d+)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text}: no design. Write it like 10:20x8.")
    design = Design(*map(int, found.groups()))
    if not 2 <= design.settings <= MOST_SETTINGS:
        raise argparse.ArgumentTypeError(
            f"{text}: the league has {MOST_SETTINGS} settings. Use 2 to {MOST_SETTINGS}."
        )
    if min(design.tunings, design.reference_tunings) < MINIMUM_TUNINGS:
        raise argparse.ArgumentTypeError(
            f"{text}: a verdict needs {MINIMUM_TUNINGS} tunings or more of each. Use "
            f"{MINIMUM_TUNINGS}:{2 * MINIMUM_TUNINGS}x{design.settings}."
        )
    return design


def tabulate_false_claims(reports: int, seed: int) -> Iterator[dict[str, str]]:
    """Measure the share of reports of equal optimizers with any claim, by design."""
    for design in DESIGNS:
        row = {"design": str(design)}
        for ratio in RATIOS:
            name = f"spreads up to {ratio}:1" if ratio > 1 else "equal spreads"
            count = reports if design == DEFAULT and ratio <= 2 else max(1, reports // 8)
            simulate = partial(
                simulate_equals, seed, design=design, ratio=ratio, test=quick_rank_sum
            )
            found = run(simulate, count, f"{design}, {name}")
            row[name] = f"{count_share(found):.1%} of {count}"
        yield row


def tabulate_power(seed: int) -> Iterator[dict[str, str]]:
    """Count what reports of the bootstrapped league show, by design."""
    names, tasks = ({key[at] for key in load_league()} for at in (0, 1))
    others = len(names) - 1
    most = others * len(tasks), others, others * (others - 1) // 2
    heads = [
        f"{what} of {number}"
        for what, number in zip(("rows", "overall", "other pairs"), most, strict=True)
    ]
    for design in (*DESIGNS, LARGE):
        simulate = partial(simulate_league, seed, design=design, test=quick_rank_sum)
        found = run(simulate, POWER_REPORTS, f"league {design}")
        means = np.mean(found, axis=0)
        shown = {head: f"{mean:.1f}" for head, mean in zip(heads, means, strict=True)}
        yield {"design": str(design), "trials": str(design.trials), **shown}


def tabulate_shift_coverage(seed: int) -> Iterator[dict[str, str]]:
    """Count how often the interval of the shift covers it, between tunings on the pools."""
    names = load_landscapes()
    for pool in sorted({name.split()[0] for name in names}):
        row = {"pool": pool}
        for metric in ("accuracy", "loss"):
            own = [name for name in names if name.split()[0] == pool]
            row[metric] = f"{np.mean([cover_shift(name, metric, seed) for name in own]):.3f}"
        yield row


def cover_shift(name: str, metric: str, seed: int, times: int = COVERED) -> float:
    """Return the share of 95 % intervals that cover the shift between equals of a landscape.

    Losses do not tie, so that one side's may be shifted by any number. Accuracies stay as they are.
    """
    landscape, true = load_landscapes(metric)[name], 0.01 if metric == "loss" else 0.0
    random, inside = np.random.default_rng(seed), 0
    for _ in range(times):
        ours = landscape.tune(random, DEFAULT.settings, DEFAULT.tunings)
        theirs = landscape.tune(random, DEFAULT.settings, DEFAULT.reference_tunings)
        inside += _covers(shift(ours + true, theirs, 0.05), true)
    return inside / times


def tabulate_improvement_coverage(seed: int) -> Iterator[dict[str, str]]:
    """Count how often the interval of the probability of improvement covers it, normal results."""
    for tasks in (1, TASKS):
        for spread in (1.0, 3.0, 1 / 3):
            row = {"tasks": str(tasks), "spread of ours": f"×{spread:.3g}"}
            for theta in (0.5, 0.75, 0.9, 0.97):
                random, inside = np.random.default_rng(seed), 0
                centre = float(special.ndtri(theta)) * np.hypot(1, spread)
                for _ in range(COVERED):
                    results = [
                        (centre + spread * random.normal(size=10), random.normal(size=20))
                        for _ in range(tasks)
                    ]
                    inside += _covers(improvement_interval(results, 0.05), theta)
                row[f"θ = {theta:g}"] = f"{inside / COVERED:.3f}"
            yield row


def _covers(interval: Interval, value: float) -> bool:
    return interval.low <= value <= interval.high


def write_page(reports: int, seed: int) -> Sequence[str]:
    """Write the lines of the page."""
    tables = {
        "false": tabulate_false_claims(reports, seed),
        "power": tabulate_power(seed),
        "ideas": tabulate_ideas(IDEA_REPORTS, seed),
        "enlarging": tabulate_enlarging(ENLARGED_REPORTS, seed),
        "stopping": tabulate_stopping(seed),
        "shifts": tabulate_shift_coverage(seed),
        "improvements": tabulate_improvement_coverage(seed),
    }
    equals, twins = count_false_claims(STOPPING_REPORTS, seed)
    return TEXT.format(
        **{name: _format(rows) for name, rows in tables.items()},
        equals=f"{equals:.1%}",
        twins=f"{twins:.1%}",
        idea_reports=IDEA_REPORTS,
        stopping_reports=STOPPING_REPORTS,
        controls=controls.write_section(controls.CONTROLS, controls.CHECKED),
        power_reports=POWER_REPORTS,
        covered=COVERED,
        seed=seed,
    ).splitlines()


def _format(rows: Iterable[dict[str, str]]) -> str:
    return format_table(pd.DataFrame(list(rows)))


TEXT = """\
# What a verdict means, and what it does not

Generated by `python -m reports.pages.validity` (seed {seed}).

## The design

> Every optimizer is tuned 10 times on every task, the reference 20 times. Each tuning tries the
> optimizer's default and 7 settings of its own, on a validation seed of its own; its best setting
> is then trained once with a fresh seed and tested. Two optimizers differ where an exact rank-sum
> test over these independent results, summed over tasks for overall verdicts, shows it after
> Holm's correction over the whole report.

`10:20 × 8` stands for 10 tunings of each optimizer, 20 of the reference, and 8 settings in each,
with the default among them. A result is that of one whole tuning. It has the luck of the
settings, of the validation seed and of the reported seed in it, so nothing about this luck has to
be estimated.

- **One task.** The exact two-sample rank-sum test (Wilcoxon 1945) counts how often a random split
  of all results would separate the two sides as far. Ties share their middle rank. A diverged
  trial has the lowest rank.
- **Overall.** The rank sums of all tasks are added with weights 1/(N + 1), for N results on a
  task (van Elteren 1960), and the sum is tested exactly.
- **Whole report.** Holm's correction covers everything that the report asks: rows against the
  reference, overall comparisons and pairs. The chance of any false claim is at most 5 %.
- **Enlarging.** A study that gets more tunings is looked at again. Its looks are judged at 4 %,
  0.5 %, 0.25 %, …, each with Holm's correction of its own: together they err in at most 5 % of
  studies. What a look has shown stands, with the intervals of that look. A study that is never
  enlarged is judged at 4 %.
- **Effect sizes.** The probability of improvement says how often a result of ours beats one of
  theirs. The Hodges–Lehmann shift is the median difference in the metric's unit. Both have
  intervals at the level at which Holm judged the row, so no interval contradicts its verdict.

## What is assumed

- **Controlled exactly: the two could be exchanged.** The test is exact if two optimizers have the
  same distribution of results. It assumes no normal distribution and no equal variance between
  tasks.
- **Not controlled exactly: equally good, with other spreads.** Two optimizers may win half of
  their comparisons each while one of them varies far more. A single pair with extreme spreads can
  exceed its level. The table below shows how far. A reference with twice the tunings is a
  compromise: four times as many would find more, and would err more often where spreads differ.
- **Results of an optimizer are independent.** Every tuning has settings and seeds of its own. The
  first tunings of two optimizers share their seeds, and so on. Where a seed helps or hurts both,
  their difference varies less than the test allows for: it errs on the careful side.

## False claims

Reports of 16 equal optimizers on 8 tasks: 120 rows, 15 overall comparisons, 105 other pairs. Each
task is a landscape of real trials: an optimizer on digits (300 or 100 steps), sst2 or modular
addition, up to 128 settings and 4 seeds each. Every optimizer is tuned on it by the design. The
share of reports with *any* claim:

{false}

With unequal spreads all distributions are made symmetric around one median, so that every
probability of improvement is one half. Each optimizer's spread on each task is then multiplied by
a factor, drawn on the log scale: up to 2:1 from 0.71 to 1.41, up to 4:1 from 0.5 to 2. The rate of
false claims may then exceed 5 %, and it grows with the ratio: these optimizers are equally good,
yet they could not be exchanged.

## What a design can show

{power_reports} reports are bootstrapped from the shipped league
(`reports/baselines/laptop.json.gz`), with the 16 optimizers that ran on all 8 tasks. Each has
eight recorded settings, noise from ten trials, and its ten default trials. *Trials* are those of
an optimizer on a task. The mean number of verdicts that are better or worse, before the edge rule:

{power}

More tunings show more. Fewer than four show nothing: there is no verdict.

## Ideas at equal price

Each row changes one thing of today's design, at nearly the same price. *Trials* are those of 16
optimizers on a task, ten of every default among them. False claims are simulated as above, in
{idea_reports} reports. The league is the one above. *Pools* are the five optimizers that ran in all
four pools, with their real seeds: 16 rows and 4 overall comparisons.
`python -m reports.pages.validity --help` says how to try an idea of your own.

{ideas}

Nothing helps clearly in the league and in the pools, so the design stays as it is.

- **Several report trials** show more rows, with two trials about a tenth in the league and hardly
  any in the pools. Fewer tunings show fewer overall differences.
- **One seed in a tuning** is what studies have. The league flatters it, as its settings share their
  noise; in the pools it makes no difference.
- **Another seed for the best two** (`tuning.rerank=2`) leaves fewer tunings, which show less. It is
  an option for optimizers whose seeds collapse.
- **The reference**: once as many tunings show fewer rows; three or four times as many hardly more.
- **Fewer settings a tuning** show a little more, of optimizers that are tuned less.
- **Other tests.** Weights of tasks change little. Normal scores show less, and Savage scores, to
  which only the best results matter, show hardly a row.

## Enlarging

A study of 16 equal optimizers on 8 tasks is enlarged three times. Each look spends its part of the
error rate, and what one claimed stands. The share of studies with any claim so far:

{enlarging}

## Enlarging until decided

Could a study enlarge only what is not decided? It would begin at 5:10 × 8. A row that shows no
difference would go on to 10:20 and to 20:40, and the reference while any row on the task is
undecided. Such studies of optimizers of the league, beside the fixed design that shows as many rows
on the same results (its price is interpolated between designs):

{stopping}

It costs more than the fixed design. Undecided rows pay the whole price, and what a later look
shows has to pass an eighth of the first look's rate or less. So studies have no such option. Its
claims are no worse: a false one in {equals} of {stopping_reports} studies of equal optimizers, and
in {twins} of as many studies of eight optimizers of the league with a twin of each.

## Do the intervals cover?

The shift, 95 % intervals at 10:20 × 8, {covered} comparisons of equal optimizers in each landscape
of a pool. Losses of one side are shifted by 0.01. Accuracies tie and are not shifted:

{shifts}

The probability of improvement θ, 95 % intervals, 10 normal results against 20, with the spread of
ours in units of theirs:

{improvements}

Intervals are too narrow where the smaller side varies three times as much as the larger one.

{controls}

## Limits

- The league's bootstrap has eight settings for each optimizer. A new tuning draws others, so its
  results vary more than these.
- A claim speaks of these tasks, budgets and search spaces. Other tasks are not sampled.
- Several reports on the same trials have a chance of 5 % each. So does a study to which tasks or
  optimizers are added until it shows something: plan them before.
- *No clear difference* is no proof of equality. Its interval says what is ruled out.
"""

if __name__ == "__main__":
    main()
