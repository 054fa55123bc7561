"""The report as a browser shows it: no network, no console message, no figure missing."""

import re
import shutil
import subprocess

import pytest

from reports.output.render import render
from tests.helpers.landscapes import trial

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def shown(page, profile, *options):
    """The page as it stands when its scripts have run, and what the console said meanwhile."""
    done = subprocess.run(
        [
            CHROMIUM,
            *QUIET,
            *options,
            f"--user-data-dir={profile}",
            "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND",  # no network
            "--virtual-time-budget=60000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    return done.stdout, re.findall(r".*CONSOLE.*", done.stderr)


def with_script(index, code):
    """A copy of the page that runs ``code`` once every figure is drawn."""
    copy = index.with_name("driven.html")
    waiting = """<script>new MutationObserver((_, seen) => {
      seen.disconnect(); (async () => { %s })();
    }).observe(document.getElementById("figures"), {attributeFilter: ["data-drawn"]})</script>"""
    page, _, _ = index.read_text(encoding="utf-8").rpartition("</body>")
    copy.write_text(f"{page}{waiting % code}</body></html>", encoding="utf-8")
    return copy


pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium (Debian's package chromium)"
)


@pytest.fixture(scope="module")
def index(study, tmp_path_factory):
    return render(study, tmp_path_factory.mktemp("report"))


@pytest.mark.parametrize(("width", "scheme"), [(1440, 0), (390, 1)])  # dark, light
def test_every_figure_is_drawn_without_a_console_message(index, tmp_path, width, scheme):
    html, messages = shown(
        index,
        tmp_path,
        f"--window-size={width},900",
        f"--blink-settings=preferredColorScheme={scheme}",
    )
    assert messages == []
    views = re.findall(r'<div class="view[^>]*>(<svg)?', html)
    assert len(views) > 8
    drawn = re.findall(r'<svg[^>]*aria-label="([^"]+)"', html)
    hidden = len(re.findall(r'<div class="panel"[^>]* hidden', html))
    assert len(drawn) == len(views) - hidden


def test_a_chip_changes_every_figure_and_a_choice_draws_the_rest(index, tmp_path):
    code = """
      const count = () => [...document.querySelectorAll(".view svg")].map((one) => one.innerHTML);
      const before = count();
      document.querySelector('.chip[data-entrant="lion"]').click();
      await new Promise((resume) => setTimeout(resume, 3000));
      const after = count();
      document.body.dataset.same = before.filter((one, i) => one === after[i]).length;
      document.body.dataset.views = before.length;
      document.getElementById("all-chips").click();  // the rest is shown again
      for (const chip of document.querySelectorAll(".chip")) chip.click();  // nobody is
      await new Promise((resume) => setTimeout(resume, 3000));
      document.getElementById("all-chips").click();
      document.querySelector('.chip[data-entrant="lion"]').click();
      const choice = document.querySelector("select[data-figure]");
      choice.value = "gradients";
      choice.dispatchEvent(new Event("change"));
      await new Promise((resume) => setTimeout(resume, 9000));
      document.body.dataset.more = count().length;
    """
    html, messages = shown(with_script(index, code), tmp_path)
    assert messages == []
    same, views, more = (
        int(re.search(f'data-{n}="(\\d+)"', html)[1]) for n in ("same", "views", "more")
    )
    assert same == 0
    assert more == views + 4
    assert 'data-entrant="lion"' in re.search(r'<button[^>]*aria-pressed="false"[^>]*>', html)[0]


def test_trials_sort_and_filter(index, tmp_path):
    code = """
      const column = (at) => [...document.querySelectorAll("#trial-table tbody tr:not([hidden])")]
        .map((row) => row.cells[at].textContent);
      const heading = [...document.querySelectorAll("#trial-table th")]
        .find((one) => one.textContent === "test");
      heading.querySelector("button").click();
      document.body.dataset.up = column(heading.cellIndex).filter(Boolean).join();
      heading.querySelector("button").click();
      document.body.dataset.down = column(heading.cellIndex)[0];
      document.body.dataset.sort = heading.getAttribute("aria-sort");
      const status = document.querySelector('[data-filters="trial-table"]');
      status.value = "diverged";
      status.dispatchEvent(new Event("change"));
      document.body.dataset.kept = column(0).join();
      location.hash = document.querySelector("#trial-table tr[hidden]").id;
      await new Promise((resume) => setTimeout(resume, 500));
      document.body.dataset.again = column(0).length;
    """
    html, messages = shown(with_script(index, code), tmp_path)
    assert messages == []
    said = dict(re.findall(r'data-(up|down|sort|kept|again)="([^"]*)"', html))
    values = [float(value) for value in said["up"].split(",")]
    assert len(values) == 34
    assert values == sorted(values)
    assert said["sort"] == "descending"
    assert said["kept"] == "diverged"
    assert said["again"] == "36"


@pytest.fixture(scope="module")
def landscapes(tmp_path_factory):
    """A report of three optimizers on two landscapes, one of which leaves the picture."""
    records = [
        trial([(reach * x, x / 10 * (-1) ** i) for i, x in enumerate(range(8, 0, -1))], **options)
        for reach, name in ((-1, "adam"), (1, "sgd"), (3, "lion"))
        for options in ({"optimizer": name}, {"optimizer": name, "task": "saddle"})
    ]
    return render(records, tmp_path_factory.mktemp("landscapes"))


PLAYER = """
  const button = document.querySelector(".player button");
  const slider = document.querySelector(".player input");
  const told = document.querySelector(".player output");
  const wait = (seconds) => new Promise((resume) => setTimeout(resume, 1000 * seconds));
  const lines = () => [...document.querySelectorAll("#trajectories .view svg")]
    .map((one) => [...one.querySelectorAll("path")]
      .map((path) => path.getAttribute("d") + path.getAttribute("transform")).sort().join());
  const other = (one, two) => one.filter((text, i) => text !== two[i]).length;
  const say = (name, value) => { document.body.dataset[name] = value; };
"""


def test_trajectories_are_shown_up_to_a_step_and_as_an_animation(landscapes, tmp_path):
    code = """
      const whole = lines();
      slider.focus();
      say("focused", document.activeElement === slider);
      slider.value = 0.5;
      slider.dispatchEvent(new Event("input"));
      await wait(1);
      const text = slider.getAttribute("aria-valuetext");
      say("half", `${told.value} ${text} ${other(lines(), whole)}`);
      slider.value = 1;
      slider.dispatchEvent(new Event("input"));
      await wait(1);
      say("again", other(lines(), whole));
      button.click();
      const said = [button.textContent];
      await wait(3);
      button.click();
      said.push(button.textContent, slider.value > 0.2 && slider.value < 0.8);
      const paused = slider.value;
      await wait(1);
      said.push(slider.value === paused);
      button.click();
      await wait(12);
      said.push(button.textContent, slider.value, other(lines(), whole));
      say("played", said.join());
    """
    html, messages = shown(with_script(landscapes, PLAYER + code), tmp_path)
    assert messages == []
    said = dict(re.findall(r' data-(focused|half|again|played)="([^"]*)"', html))
    assert said == {
        "focused": "true",
        "half": "4 step 4 2",  # a quarter of 16 steps; both landscapes
        "again": "0",
        "played": "pause,play,true,true,play,1,0",
    }


def test_who_wants_no_motion_has_the_slider_alone(landscapes, tmp_path):
    code = """say("button", getComputedStyle(button).display);
      say("slider", slider.offsetParent !== null);"""
    for option, display in (("--force-prefers-reduced-motion", "none"), ("--mute-audio", "block")):
        html, messages = shown(with_script(landscapes, PLAYER + code), tmp_path, option)
        assert messages == []
        assert f'data-button="{display}"' in html
        assert 'data-slider="true"' in html
