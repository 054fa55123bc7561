"""``optbench-check``: whether an optimizer does what any optimizer must."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bench.check import choose
from bench.config import refusal
from bench.spec import RefusedInput

if TYPE_CHECKING:
    from bench.check.choose import Chosen
    from bench.check.findings import Check, Report

MEANING = """\
Checked on tiny problems, in seconds: the loss falls; zero, absent and NaN gradients; state_dict,
deepcopy and pickle continue bit for bit; parameter groups; every hyperparameter acts and values
without meaning are refused; schedules; bfloat16; what its YAML declares. Measured: memory, time.
Exit codes: 0 every check passed, 1 some check failed or took too long, 2 refused input.
"""
WORDS = "optimizer=NAME[,NAME…] or optimizer=all; optimizer.KEY=VALUE as for optbench"
OPTIONS = {
    "--config-dir": (
        "DIR",
        "also look into DIR/optimizer; its module may lie in the current folder",
    ),
    "--json": ("FILE", "everything as JSON as well; FILE is - for standard output, alone"),
    "--markdown": ("FILE", "one row per optimizer as a Markdown table as well"),
    "--limit": ("SECONDS", "that a check may take; 120 where it is not given"),
}


class Parser(argparse.ArgumentParser):
    """Refuses as the other commands do, instead of with a usage line."""

    def error(self, message: str) -> NoReturn:
        said = message.replace("expected one argument", "no value; write it after the option")
        raise RefusedInput(f"{said}; the options are {', '.join(OPTIONS)}")


def parser() -> Parser:
    """The command line: words in any order among the options."""
    made = Parser(
        prog="optbench-check",
        usage="optbench-check optimizer=NAME[,NAME…] [optimizer.KEY=VALUE …] [options]",
        description="Whether an optimizer does what any optimizer must.",
        epilog=MEANING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("words", nargs="*", metavar="KEY=VALUE", help=WORDS)
    for option, (metavar, says) in OPTIONS.items():
        made.add_argument(option, metavar=metavar, help=says)
    return made


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Entry point of ``optbench-check``; ends the process with its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        parser().print_help()
        sys.exit(2)
    sys.path.append(str(Path.cwd()))  # a user's own module beside a user's own YAML
    try:
        with refusal.explained():
            sys.exit(run(parser().parse_intermixed_args(words)))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def run(asked: argparse.Namespace) -> int:
    """Compose, check, print, write. Returns the exit code."""
    limit = _limit(asked.limit)
    chosen = choose.chosen(asked.words, asked.config_dir)
    from bench.check import markdown, terminal  # now that the input is good: torch takes seconds

    to = terminal.console(stderr=asked.json == "-")
    if len(chosen) == 1:
        with to.status("") as status:  # seen on a terminal only
            reports = [_one(chosen[0], limit, lambda check: status.update(check.title))]
        terminal.print_one(reports[0], to)
    else:
        reports = []
        width = max(len(each.spec.name) for each in chosen)
        for each in chosen:
            reports.append(_one_of_several(each, limit))
            terminal.print_line(reports[-1], to, width)
    made = markdown.Circumstances.here()
    if asked.json is not None:
        _write(asked.json, json.dumps(markdown.as_data(reports, made), indent=1) + "\n")
    if asked.markdown is not None:
        _write(asked.markdown, markdown.page(reports, made))
    return exit_code(reports)


def exit_code(reports: Sequence[Report]) -> int:
    if any(report.refused for report in reports):
        return 2
    return int(not all(report.clean for report in reports))


def _limit(asked: str | None) -> float | None:
    """Seconds; None: as usual."""
    try:
        seconds = None if asked is None else float(asked)
    except ValueError:
        seconds = math.nan
    if seconds is not None and not 0 < seconds < math.inf:
        raise RefusedInput(f"--limit {asked}: no time; write seconds, e.g. --limit 600")
    return seconds


def _one(
    chosen: Chosen, limit: float | None, on_check: Callable[[Check], None] | None = None
) -> Report:
    from bench.check.suite import SECONDS, examine
    from bench.isolation import isolated

    with isolated(threads=1):  # as a trial is
        return examine(chosen.spec, chosen.reference, on_check, limit or SECONDS)


def _one_of_several(chosen: Chosen, limit: float | None) -> Report:
    """One that cannot be built, for want of its package say, does not end the list."""
    from bench.check.findings import Report

    try:
        return _one(chosen, limit)
    except RefusedInput as refused:
        return Report(chosen.spec, chosen.reference, refused=str(refused))


def _write(path: str, text: str) -> None:
    if path == "-":
        sys.stdout.write(text)
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


if __name__ == "__main__":
    main()
