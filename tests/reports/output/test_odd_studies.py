"""Studies that lack something: each is a page that says what is missing, and no number is lost."""

import math
import re
from dataclasses import replace

import pytest

from bench import tracking
from reports.__main__ import main
from reports.output.render import render
from tests.helpers.records import make_record
from tests.helpers.studies import reports, tunings

GOOD = [0.90, 0.91, 0.92, 0.905, 0.915]


def huge_loss():
    """One entrant whose loss went to 1e12 beside others around 0.3."""
    options = {"metric": "loss", "direction": "minimize", "target": None}
    huge = [1.0e12, 1.1e12, 0.9e12, 1.2e12, 1.0e12]
    return (
        reports("adam", [0.31, 0.29, 0.30, 0.32, 0.28], **options)
        + reports("lion", [0.25, 0.26, 0.24, 0.25, 0.26], **options)
        + reports("sgd", huge, **options)
        + reports("yogi", huge, **options)
        + reports("adan", huge, **options)
    )


def many(optimizers, tasks):
    names = ["adam", *(f"optimizer_{i}" for i in range(optimizers - 1))]
    return [
        record
        for at in range(tasks)
        for i, name in enumerate(names)
        for record in reports(name, [v + i / 1000 for v in GOOD], task=f"task_{at}")
    ]


ODD = {
    "all failed": (
        lambda: [make_record(seed=s, status="failed", reason="RuntimeError: no") for s in range(3)],
        ["Nothing was compared with adam", "RuntimeError: no"],
    ),
    "all diverged": (
        lambda: [
            make_record(optimizer=name, seed=s, status="diverged", reason="train/loss is nan")
            for name in ("adam", "sgd")
            for s in range(5)
        ],
        ["10 diverged", "train/loss is nan"],
    ),
    "one seed": (
        lambda: [make_record(optimizer=name) for name in ("adam", "sgd")],
        ["1 seed of sgd; at least 5 are needed", "too few results: adam on digits, sgd on digits"],
    ),
    "one optimizer": (
        lambda: reports("adam", GOOD),
        ["Nothing was compared with adam: it ran alone."],
    ),
    "no reference": (
        lambda: reports("lion", GOOD) + reports("sgd", GOOD),
        ["There is no reference"],
    ),
    "a metric that was never measured": (
        lambda: [
            make_record(optimizer=name, seed=s, test=math.nan)
            for name in ("adam", "sgd")
            for s in range(5)
        ],
        ["No finished trial measured test/accuracy"],
    ),
    "a huge loss": (huge_loss, ["0.300", "0.252", "1.04e+12"]),
    "no reference was chosen": (
        lambda: [
            replace(one, reference="")
            for name, by in (("lion", 0.0), ("sgd", 0.1))
            for one in reports(name, [value - by for value in GOOD])
        ],
        ["which optimizers here really differ?", "There is no reference"],
    ),
    "tunings that are not done": (
        lambda: tunings("adam", GOOD) + tunings("lion", GOOD[:4], planned=5),
        ["4 of 5 tunings of lion are done"],
    ),
    "a failed report trial": (
        lambda: tunings("adam", GOOD) + tunings("lion", [*GOOD[:4], None], statuses={4: "failed"}),
        ["1 of 5 report trials of lion failed (RuntimeError: mine)"],
    ),
    "mixed versions": (
        lambda: reports("adam", GOOD) + reports("sgd", GOOD, protocol_version=2),
        ["protocol version 1, 2", "tables of their own"],
    ),
    "mixed hardware": (
        lambda: (
            reports("adam", GOOD)
            + reports("sgd", GOOD, environment={"device": "cuda", "threads": "1"})
        ),
        ["device (differs)", "5 of 10: sgd on digits"],
    ),
    "an entrant misses a task": (
        lambda: (
            reports("adam", GOOD)
            + reports("sgd", GOOD)
            + reports("adam", GOOD, task="langid")
            + reports("lion", GOOD, task="langid")
        ),
        ["1 of 2"],
    ),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_study_is_a_page_that_says_so(kind, tmp_path):
    make, expected = ODD[kind]
    html = render(make(), tmp_path).read_text(encoding="utf-8")
    for said in expected:
        assert said in html, said
    assert not re.search(r"<t[dh][^>]*>\s*(nan|NaN|None|inf)\b|\[nan", html)


def test_a_study_in_which_nothing_ran(tmp_path, capsys):
    uri = f"sqlite:///{tmp_path / 'store.db'}"
    tracking.prepare(uri, "empty")
    with pytest.raises(SystemExit) as ended:
        main(["study=empty", f"tracking.uri={uri}", f"output={tmp_path / 'report'}"])
    assert ended.value.code == 0
    assert "the study has no trials yet" in capsys.readouterr().out
    html = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "No trial has ended here yet" in html
    assert "optbench-status study=empty" in html


@pytest.mark.slow
def test_forty_optimizers_on_twelve_tasks(tmp_path):
    html = render(many(40, 12), tmp_path).read_text(encoding="utf-8")
    assert len(html) < 8e6
    assert html.count("<h3>task_") >= 12
