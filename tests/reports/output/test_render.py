"""The written report: complete, self-contained, escaped, the same bytes every time."""

import random
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pandas as pd
import pytest
import yaml

from bench.spec import RefusedInput
from reports.analysis.study import Study
from reports.figures.registry import FIGURES as ALL
from reports.figures.registry import OPTIONAL
from reports.output.render import render
from reports.text.procedure import describe_procedure
from tests.helpers.studies import reports, tunings

FIGURES = set(ALL) - {"best_of_k", "default_tuned"} - OPTIONAL  # of a sweep: nothing is tuned

FILES = {
    *["index.html", "trials.csv", "leaderboard.csv", "leaderboard.md"],
    *["trials.parquet", "curves.parquet", "leaderboard.json"],
    *["best_of_k.csv", "overall.csv", "pairs.csv"],
    "leaderboard.tex",
    *[f"figures/{name}.{kind}" for name in FIGURES for kind in ("svg", "png")],
}


def written(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


class Tags(HTMLParser):
    """Opening tags with their attributes; fails on a tag that is closed out of order."""

    def __init__(self):
        super().__init__()
        self.seen, self.open = [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "br", "img", "path", "use"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in ("path", "use"):
            assert self.open.pop() == tag


def tags_of(html):
    parser = Tags()
    parser.feed(html)
    assert parser.open == []
    return parser.seen


@pytest.fixture(scope="module")
def directory(study, tmp_path_factory):
    return render(study, tmp_path_factory.mktemp("report")).parent


@pytest.fixture
def html(directory):
    return (directory / "index.html").read_text(encoding="utf-8")


def test_same_records_same_bytes(study, directory, tmp_path):
    render(random.Random(0).sample(study, len(study)), tmp_path)
    one, two = written(directory), written(tmp_path)
    assert set(one) == FILES
    assert one == two


def test_html_loads_nothing_and_runs_only_its_own_scripts(html):
    tags = tags_of(html)
    assert not {"link", "iframe", "img", "object"} & {tag for tag, _ in tags}
    assert not [a for tag, a in tags if tag == "script" and set(a) - {"type", "id"}]
    loaded = [a.get(key, "") for _, a in tags for key in ("src", "href", "xlink:href")]
    assert not [url for url in loaded if re.match(r"(https?:)?//", url or "")]
    written = re.sub(r"<script[^>]*>.*?</script>", "", html, flags=re.DOTALL)
    assert "url(http" not in written
    assert not re.search(r"\son\w+=", written)


def test_html_ids_are_unique_and_anchors_exist(html):
    tags = tags_of(html)
    ids = [a["id"] for _, a in tags if "id" in a]
    anchors = {a["href"][1:] for tag, a in tags if tag == "a" and a["href"].startswith("#")}
    assert len(set(ids)) == len(ids)
    assert anchors <= set(ids)
    sections = {a["id"] for tag, a in tags if tag == "section"}
    assert sections <= anchors | set(ALL)


def test_a_trial_of_a_stack_has_no_step_time_of_its_own(record, tmp_path):
    records = [
        record(seed=0, step_time_ms=1.2345),
        record(seed=1, step_time_ms=7.6543, summary={"stack_size": 8.0}),
    ]
    html = render(records, tmp_path).read_text(encoding="utf-8")
    rows = re.findall(r"<tr[^>]*>.*?</tr>", html[html.index('id="trials"') :], re.DOTALL)
    assert any("1.23" in row for row in rows)
    assert not any("7.65" in row for row in rows)


def test_html_answers_first_and_shows_every_failure(html):
    assert html.index("No verdict: ") < html.index("<table>")
    assert html.index("no verdict on digits and langid") < html.index("<table>")
    assert "train/loss is nan at step 150" in html
    assert "RuntimeError" in html
    assert "34 finished, 1 diverged, 1 failed" in html


def test_hostile_text_is_escaped(record, tmp_path):
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    records = [
        record(optimizer=hostile, status="failed", reason=hostile, traceback=hostile),
        record(optimizer=hostile, seed=1, point={"x": hostile}, environment={"device": hostile}),
        record(task=hostile),
        record(task="$a^{b$"),
    ]
    html = render(records, tmp_path).read_text(encoding="utf-8")
    tags = [tag for tag, _ in tags_of(html)]
    assert tags.count("script") == 4  # the figures' data, Vega, and two of ours
    assert "img" not in tags
    assert "&lt;script&gt;" in html


def test_csvs_read_back(study, directory):
    trials, board = (pd.read_csv(directory / f"{name}.csv") for name in ("trials", "leaderboard"))
    assert len(trials) == len(study)
    assert len(board) == 6
    assert set(board["verdict"]) <= {"reference", "no verdict"}


def test_no_trials_is_refused(tmp_path):
    with pytest.raises(RefusedInput, match="no trials"):
        render([], tmp_path)


@pytest.mark.parametrize(
    "changes",
    [{}, {"status": "diverged"}, {"status": "failed"}, {"target": None}, {"optimizer": "sgd"}],
)
def test_one_trial_is_a_report(record, tmp_path, changes):
    html = render([record(**changes)], tmp_path).read_text(encoding="utf-8")
    tags_of(html)
    assert not re.search(r"\bnan\b", re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))


def test_many_optimizers_and_points(record, tmp_path):
    names = ["adam", *(f"optimizer_{i}" for i in range(30))]
    records = [
        record(optimizer=name, point={"lr": lr}, val=0.5 + i / 100, evaluations=2)
        for i, name in enumerate(names)
        for lr in (1e-3, 1e-2, 1e-1)
    ]
    html = render(records, tmp_path).read_text(encoding="utf-8")
    tags_of(html)
    assert [name for name in names if name not in html] == []


def luminance(colour):
    """Relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("mode", [0, 1])
def test_text_stands_out_in_light_and_dark(html, mode):
    """Contrast of at least 4.5, that of WCAG's level AA, on the page and on tinted rows."""
    block = re.findall(r":root \{(.*?)\}", html, flags=re.DOTALL)[mode]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
    for text in ("ink", "quiet", "better", "worse"):
        for ground in ("page", "tint"):
            light, dark = sorted((luminance(colours[text]), luminance(colours[ground])))[::-1]
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def page_of(records, directory):
    return render(records, directory).read_text(encoding="utf-8")


def prose(html):
    """The page's words, without scripts and tags, each run of space as one."""
    bare = re.sub(r"<(script|style)[^>]*>.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


RESULTS = [0.90, 0.91, 0.92, 0.905, 0.915]
PROCEDURE = (
    "Every optimizer is tuned 5 times on every task, the reference 10 times. Each tuning tries the "
    "optimizer's default and 3 settings of its own, on a validation seed of its own; its best "
    "setting is then trained once with a fresh seed and tested. Two optimizers differ where an "
    "exact rank-sum test over these independent results, summed over tasks for overall verdicts, "
    "shows it after Holm's correction over the whole report."
)


def test_the_procedure_and_the_settings_of_a_tuned_study_stand_on_the_page(tmp_path):
    rates = [2e-3, 3e-3, 3e-3, 3e-3, 4e-3]
    lion = tunings("lion", [v + 0.05 for v in RESULTS], choose=lambda repeat: rates[repeat])
    html = page_of(tunings("adam", RESULTS * 2) + lion, tmp_path)
    text = prose(html)
    assert PROCEDURE in text
    assert text.index(PROCEDURE) < text.index("Leaderboards")
    assert "lion on digits: lr=" in text and "(0.002 to 0.004), of 5 tunings" in text
    (block,) = re.findall(r"lion on digits: lr.*?<pre>(.*?)</pre>", html, flags=re.DOTALL)
    copied = yaml.safe_load(unescape(block))
    assert copied["lr"] in rates and "bench" in copied
    assert not re.search(r"withheld|luck|sign.flip|seed pairs|paired by seed:|\bNaN\b", text)
    tags_of(html)


@pytest.mark.parametrize("reference", ["adam", "lion", ""])
def test_the_page_speaks_of_the_reference_that_was_chosen(tmp_path, reference):
    first = "adam" if reference else "sgd"
    made = tunings(first, RESULTS) + tunings("lion", [v + 0.05 for v in RESULTS])
    html = page_of([replace(one, reference=reference) for one in made], tmp_path)
    title = f"better than {reference}?" if reference else "which optimizers here really differ?"
    assert title in html
    assert "the reference 5 times" not in html  # as often as the others
    heading = f"minus {reference or 'reference'}"
    assert f'<th scope="col">{heading}</th>' in html and f"<dt>{heading}</dt>" in html
    chips = re.findall(r'data-entrant="([^"]*)"', html)
    assert sorted(chips) == sorted([first, "lion"])


def test_every_heading_of_a_leaderboard_is_explained(tmp_path):
    html = page_of(tunings("adam", RESULTS) + tunings("lion", RESULTS), tmp_path)
    terms = " ".join(re.findall(r"<dt>(.*?)</dt>", html))
    for word in ("tuning", "verdict", "minus adam", "ahead of adam", "level", "p (Holm)"):
        assert word in terms, word


def test_the_procedure_of_seeds_and_of_an_older_study():
    seeds = Study.of(reports("adam", RESULTS) + reports("lion", RESULTS))
    assert describe_procedure(seeds).startswith(
        "Nothing was tuned: every optimizer was trained with 5 seeds. Two optimizers differ"
    )
    older = [
        replace(one, tuning=replace(one.tuning, draw=1))
        for name in ("adam", "lion")
        for one in tunings(name, RESULTS[:1], choose=lambda repeat: 5e-3)
    ]
    said = describe_procedure(Study.of(older))
    assert said.startswith("Every optimizer was tuned once, with 4 settings;")
    assert "tuned rows have no verdict" in said
    uneven = tunings("adam", RESULTS[:1], tried=2) + tunings("lion", RESULTS, tried=2)
    assert describe_procedure(Study.of(uneven)).startswith(
        "Every optimizer is tuned 5 times on every task, the reference once. Each tuning tries the "
        "optimizer's default and 1 setting of its own"
    )


def test_a_filtered_report_says_that_it_is_one(tmp_path):
    study = replace(Study.of(reports("adam", RESULTS)), filters={"task": ("digits",)})
    assert "This report shows part of the study only: task=digits." in prose(
        page_of(study, tmp_path)
    )
