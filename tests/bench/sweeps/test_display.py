"""The display of a phase: counts, best so far, time left; plain lines in a log."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from bench.spec import Status, TrialResult
from bench.sweeps import display
from bench.sweeps.display import Tally, format_duration
from tests.helpers.specs import trial_spec

SPECS = [trial_spec(seed=seed) for seed in range(4)]


def outcome(status="finished", value=0.9):
    return TrialResult(Status(status), final={"val/accuracy": value})


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_it_says_how_far_how_well_and_how_long(clock):
    tally = Tally("tuning", SPECS)
    clock[0] = 30.0
    tally.add(0, outcome(value=0.8))
    tally.add(2, outcome("diverged", float("nan")))
    assert tally.summarize() == "tuning 2/4: 1 diverged, 1 finished, about 30 seconds left"
    tally.add(1, outcome(value=0.95))
    tally.add(3, outcome(value=0.9))
    assert tally.summarize() == "tuning 4/4: 1 diverged, 3 finished"
    assert tally.list_leaders() == ["  digits: adam 0.95"]


def test_time_left_goes_by_the_pace_of_each_task_and_is_not_guessed_without(clock):
    slow, quick = (replace(SPECS[0].task, name=name) for name in ("slow", "quick"))
    specs = [replace(one, task=task) for task in (slow, quick) for one in SPECS]
    tally = Tally("tuning", specs)
    for at, now in enumerate((100.0, 110.0, 210.0)):  # two at a time
        clock[0] = now
        tally.add(at, outcome())
    assert tally.summarize() == "tuning 3/8: 3 finished"
    clock[0] = 211.0
    tally.add(4, outcome())
    assert (
        tally.summarize() == "tuning 4/8: 4 finished, about 73 seconds left"
    )  # 70 and three times 1


def test_a_log_gets_a_line_now_and_then_and_failures_at_once(clock, monkeypatch, capsys):
    on_end = display.show_phase("reporting", SPECS)
    on_end(0, outcome())
    assert capsys.readouterr().out == ""
    on_end(1, TrialResult(Status.FAILED))
    assert capsys.readouterr().out == "digits · adam · default · seed 1: failed\n"
    clock[0] = 11.0
    on_end(2, outcome())
    assert capsys.readouterr().out.startswith("reporting 3/4: 1 failed, 2 finished, about")
    on_end(3, outcome())
    said = capsys.readouterr().out
    assert said == "reporting 4/4: 1 failed, 3 finished\n"
    assert "\x1b" not in said


def test_a_terminal_gets_one_display_that_stays_in_its_place(clock, monkeypatch):
    written = io.StringIO()

    def console(**options):
        return Console(file=written, force_terminal=True, width=80, **options)

    monkeypatch.setattr(display.progress, "make_console", console)
    on_end = display.show_phase("tuning", SPECS)
    for at in range(4):
        on_end(at, outcome(value=0.9 + at / 100))
    assert "digits: adam 0.93" in written.getvalue()
    assert "\x1b[2K" in written.getvalue()  # the display is taken away at the end


def test_durations_are_in_words():
    assert [format_duration(s) for s in (0.2, 89, 240, 9000)] == [
        "1 second",
        "89 seconds",
        "4 minutes",
        "2.5 hours",
    ]
