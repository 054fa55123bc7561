"""Control studies, the test of the instrument: ``python -m bench.controls``.

usage: python -m bench.controls [NAME ...] [--plan] [--store FILE]

Runs the controls of ``reports.pages.controls``, or those named, one after the other. Each is the
command that a person would type, and is printed. A study that ended is exported to
reports/baselines/controls. At the end the section Controls of docs/validity.md is written. The same
command goes on where it was left; a finished study costs seconds.

  --plan        say what each study will be able to show, and run nothing
  --store FILE  where trials are recorded   (default: outputs/controls.db)

Data sets are found as optbench finds them, by OPTBENCH_DATA. A study that is refused or in which a
trial failed is not exported, and the others go on.
Exit codes: 0 done, 1 some study did not end, 2 refused input.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from bench.config.start import start_hydra
from bench.spec import RefusedInput
from bench.spec.suggest import suggest
from bench.sweeps import plugins
from bench.sweeps.overrides import defer_overrides
from bench.sweeps.plan import Plan
from bench.sweeps.progress import format_duration
from bench.sweeps.prospects import describe_prospects, find_level
from bench.sweeps.sweepers.study import StudySweeper
from reports.pages import controls
from reports.pages.controls import AGAIN, CHECKED, CONTROLS, Control

STORE = "outputs/controls.db"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; ends the process with its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    if {"-h", "--help"} & set(words):
        print(__doc__)
        return
    parser = argparse.ArgumentParser(prog="python -m bench.controls", add_help=False)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--store", type=Path, default=Path(STORE))
    asked = parser.parse_args(words)
    try:
        chosen = choose(asked.names)
        if asked.plan:
            for one in chosen:
                print(*describe(one), sep="\n", flush=True)
            return
    except RefusedInput as refusal:
        print(f"bench.controls: {refusal}", file=sys.stderr)
        sys.exit(2)
    unfinished = [one.name for one in chosen if not run(one, asked.store)]
    controls.main()
    print(controls.PAGE)
    if unfinished:
        print(f"did not end: {', '.join(unfinished)}", file=sys.stderr)
        sys.exit(1)


def choose(names: Sequence[str]) -> list[Control]:
    """Choose the named studies; without a name all controls.

    Raises:
        RefusedInput: there is no such study.
    """
    known = {one.name: one for one in (*CONTROLS, *CHECKED)}
    for name in names:
        if name not in known:
            raise RefusedInput(f"{name}: no such control; {suggest(name, known)}")
    return [known[name] for name in dict.fromkeys(names)] or list(CONTROLS)


def run(control: Control, store: Path) -> bool:
    """Run a study and export it; tell if it ended without a failure."""
    uri = f"tracking.uri=sqlite:///{store}"
    store.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    own = ["--config-dir", _show(controls.FOLDER)] if AGAIN in control.optimizers else []
    ended = _call("bench", "optbench", [*own, *control.words, "report=false", uri])
    if ended:
        export = [f"study={control.name}", f"export={_show(control.path)}", uri]
        ended = _call("reports", "optbench-report", export)
    print(f"{control.name}: {format_duration(time.perf_counter() - began)}", flush=True)
    return ended


def _call(module: str, command: str, words: Sequence[str]) -> bool:
    """Run a command as a process of its own, and print it as a person would type it."""
    print(f"\n$ {shlex.join([command, *words])}", flush=True)
    return subprocess.run([sys.executable, "-m", module, *words], check=False).returncode == 0


def _show(path: Path) -> str:
    """Return a path from the working folder where it lies there."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def describe(control: Control) -> list[str]:
    """Describe what a study will be able to show: its prospects, and each control's power."""
    plan = compose(control)
    level = find_level(plan)
    lines = [f"{control.name}: {control.design} on {control.task}", *describe_prospects(plan)]
    powers = (
        f"{control.name_pair(pair)} {controls.format_power(control, pair, level)}"
        for pair in control.pairs
    )
    return [*lines, f"  Simulated power: {', '.join(powers)}."]


def compose(control: Control) -> Plan:
    """Make the plan of a study, as its command does before anything trains.

    Raises:
        RefusedInput: as the command.
    """
    words = [word for word in defer_overrides(control.words) if word != "-m"]
    plugins.register()
    with start_hydra(str(controls.FOLDER)):
        loader = GlobalHydra.instance().config_loader()
        sweeper = StudySweeper(None)
        sweeper.config_loader = loader
        sweeper.config = loader.load_configuration("config", words, RunMode.MULTIRUN)
        plan = sweeper.plan(list(sweeper.config.hydra.overrides.task))
        return replace(plan, bases=tuple(sweeper.declare_reference(plan, "")))


if __name__ == "__main__":
    main()
