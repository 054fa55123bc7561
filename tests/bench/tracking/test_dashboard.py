"""``make dashboard``: its addresses, and what MLflow's pages show there, in a browser."""

import dataclasses
import re

import pytest

from bench import tracking
from bench.spec import CurvePoint, Status, TrialResult
from bench.tracking import dashboard
from tests.helpers import chromium
from tests.helpers.screenshots import LINES_DRAWN, close_assistant, serve_store
from tests.helpers.specs import trial_spec

FRAME = "document.querySelector('iframe')"
REPORT = "<!doctype html><title>r</title><p>The verdict of this study</p>"
LINES = """
[...document.querySelector('.js-plotly-plot').data.filter(one => one.mode === 'lines+markers')]
    .map(one => [...one.y])
"""
MEANS = [[1 - 2.5 / step for step in (20, 40, 60)], [1 - 0.5 / step for step in (20, 40, 60)]]


def write(uri, study):
    """Two optimizers, two seeds each; their curves fall."""
    specs = [trial_spec(seed=seed, study=study) for seed in (0, 1)]
    other = [
        dataclasses.replace(one, optimizer=dataclasses.replace(one.optimizer, name="sgd"))
        for one in specs
    ]
    with tracking.open_recorder(uri, [*specs, *other], "none") as records:
        for slot in range(4):
            curve = tuple(
                CurvePoint(
                    step,
                    {"train/loss": 1 / step, "val/loss": 2 / step, "val/accuracy": 1 - slot / step},
                )
                for step in (20, 40, 60)
            )
            summary = {"train_time_s": 1.5, "gradients": 60.0}
            records.finish(slot, TrialResult(Status.FINISHED, curve=curve, summary=summary))


def attach(uri, study, folder):
    folder.mkdir()
    (folder / "index.html").write_text(REPORT)
    tracking.attach_report(uri, study, folder)


def test_an_address_for_each_study_and_its_report(uri, tmp_path):
    write(uri, "one")
    write(uri, "another")
    attach(uri, "one", tmp_path / "report")
    lines = dashboard.list_addresses(uri, 5001)
    patterns = [
        r"another  http://127\.0\.0\.1:5001/#/experiments/\d+/runs\?viewStateShareKey=optbench&",
        r"one      http://127\.0\.0\.1:5001/#/experiments/\d+/runs\?viewStateShareKey=optbench&",
        r"         http://127\.0\.0\.1:5001/#/experiments/\d+/runs/\w+/artifacts/report/index\.html",
    ]
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.match(pattern, line)


@pytest.mark.parametrize(
    ("store", "said"),
    [("sqlite:///{}/missing.db", "there is no file"), ("outputs", "no such kind of store")],
)
def test_a_store_that_is_not_there_is_refused(tmp_path, capsys, store, said):
    with pytest.raises(SystemExit) as ended:
        dashboard.main(["--store", store.format(tmp_path)])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_a_study_is_refused(uri, capsys):
    with pytest.raises(SystemExit) as ended:
        dashboard.main(["--store", uri])
    assert ended.value.code == 2
    assert "it holds no study" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(chromium.PATH is None, reason="needs Chromium (Debian's package chromium)")
def test_the_pages_show_the_curves_grouped_and_the_report(uri, tmp_path):
    write(uri, "shown")
    attach(uri, "shown", tmp_path / "report")
    (view,) = tracking.save_views(uri, "shown")
    report = tracking.find_report(uri, "shown")
    with serve_store(uri) as address, chromium.Page() as page:
        close_assistant(page, address)
        page.goto(address + view.path)
        page.wait(LINES_DRAWN.format(5))  # two groups in each of three charts
        text = page.run("document.body.innerText")
        for title in ("val/accuracy", "val/loss", "train/loss", "Group by: curve", "adam · digits"):
            assert title in text
        assert page.run("document.querySelectorAll('.js-plotly-plot').length") == 3
        drawn = page.run(LINES)  # each line of the first chart: the mean of two seeds, unsmoothed
        assert len(drawn) == 2
        for line, mean in zip(sorted(drawn), MEANS, strict=True):
            assert line == pytest.approx(mean)
        assert "gradients" not in text
        assert "Unassigned" not in text
        page.goto(address + view.path.replace("CHART", "TABLE"))
        page.wait("document.body.innerText.includes('sgd · digits')")
        assert "adam · digits" in page.run("document.body.innerText")
        page.goto(f"{address}{report}")
        page.wait(FRAME)
        # The frame is sandboxed, so its document is out of reach; what it was given is not
        assert page.run(f"fetch({FRAME}.src).then(one => one.text())") == REPORT
        asked = [one for one in page.requests if one.startswith("http")]
        assert asked
        assert all(one.startswith(address) for one in asked)
