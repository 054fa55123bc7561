"""``optbench-check``: whether an optimizer, or a task, does what any must.

usage: optbench-check optimizer=NAME[,NAME…] | task=NAME[,NAME…] [KEY=VALUE …] [options]

  KEY=VALUE         optimizer=NAME[,NAME…] or optimizer=all, and optimizer.KEY=VALUE; or
                    task=NAME[,NAME…], task=all, and any key of a trial: as for optbench
  --config-dir DIR  also look into DIR/optimizer, DIR/task; modules may lie in the current folder
  --json FILE       everything as JSON as well; FILE is - for standard output, alone
  --markdown FILE   a row for each as a Markdown table as well
  --limit SECONDS   that a check may take; 120 where it is not given

An optimizer is checked on tiny problems, in seconds: the loss falls; zero, absent and NaN
gradients; state_dict, deepcopy and pickle continue bit for bit; parameter groups; every
hyperparameter acts and values without meaning are refused; schedules; bfloat16; what its YAML
declares. Measured: memory, time.
A task is checked on its first examples with its own model: splits, labels, first loss, sums over
uneven batches; it repeats from its seed, learns a few examples by heart, is evaluated without a
trace, computes the same in a stack. Measured: what a constant guess reaches.
Exit codes: 0 every check passed, 1 some check failed or took too long, 2 refused input.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from bench.check import choose
from bench.check.findings import Check, Report
from bench.config import refusal
from bench.runtime import exit_codes
from bench.runtime.arguments import split_options
from bench.spec import RefusedInput, TrialSpec

if TYPE_CHECKING:
    from bench.check.choose import Choice

OPTIONS = ("--config-dir", "--json", "--markdown", "--limit")


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Entry point of ``optbench-check``; ends the process with its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or {"-h", "--help"} & set(words):
        print(__doc__)
        sys.exit(0 if words else 2)
    sys.path.append(str(Path.cwd()))  # a user's own module beside a user's own YAML
    try:
        with refusal.exit_on_refusal():
            sys.exit(run(*split_options(words, OPTIONS)))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def run(words: Sequence[str], options: Mapping[str, str]) -> int:
    """Compose, check, print, write. Returns the exit code."""
    limit = _parse_limit(options.get("--limit"))
    chosen = choose.choose_subjects(words, options.get("--config-dir"))
    from bench.check import markdown, task_page, terminal  # torch takes seconds: good input first

    to = terminal.make_console(stderr=options.get("--json") == "-")
    if len(chosen) == 1:
        with to.status("") as status:  # seen on a terminal only
            reports = [_examine(chosen[0], limit, lambda check: status.update(check.title))]
        terminal.print_one(reports[0], to)
    else:
        reports = []
        width = max(len(Report(each.spec).name) for each in chosen)
        for each in chosen:
            reports.append(_examine_or_refuse(each, limit))
            terminal.print_line(reports[-1], to, width)
    made = markdown.Circumstances.here()
    if "--json" in options:
        _write(options["--json"], json.dumps(markdown.build_data(reports, made), indent=1) + "\n")
    if "--markdown" in options:
        page = task_page if isinstance(chosen[0].spec, TrialSpec) else markdown
        _write(options["--markdown"], page.build_page(reports, made))
    return exit_code(reports)


def exit_code(reports: Sequence[Report]) -> int:
    if any(report.refused for report in reports):
        return 2
    return int(not all(report.clean for report in reports))


def _parse_limit(asked: str | None) -> float | None:
    """Seconds; None: as usual."""
    try:
        seconds = None if asked is None else float(asked)
    except ValueError:
        seconds = math.nan
    if seconds is not None and not 0 < seconds < math.inf:
        raise RefusedInput(f"--limit {asked}: no time; write seconds, e.g. --limit 600")
    return seconds


def _examine(
    chosen: Choice, limit: float | None, on_check: Callable[[Check[Any]], None] | None = None
) -> Report:
    # torch takes seconds: good input first
    from bench.check.suite import SECONDS, examine, examine_task
    from bench.runtime.isolation import isolate

    spec, seconds = chosen.spec, limit or SECONDS
    with isolate(threads=1):  # as a trial is
        if isinstance(spec, TrialSpec):
            return examine_task(spec, chosen.reference, on_check, seconds)
        return examine(spec, chosen.reference, on_check, seconds)


def _examine_or_refuse(chosen: Choice, limit: float | None) -> Report:
    """One that cannot be built, for want of its package say, does not end the list."""
    try:
        return _examine(chosen, limit)
    except RefusedInput as refused:
        return Report(chosen.spec, chosen.reference, refused=str(refused))


def _write(path: str, text: str) -> None:
    if path == "-":
        sys.stdout.write(text)
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


command = exit_codes.make_command(main)

if __name__ == "__main__":
    command()
