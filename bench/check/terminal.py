"""What a person sees: a table for one optimizer, a line each for several."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.check.findings import Finding, Grade, Report
from bench.spec import TrialSpec

STYLES = {
    Grade.PASSED: "green",
    Grade.FAILED: "bold red",
    Grade.NOT_APPLICABLE: "dim",
    Grade.MEASURED: "cyan",
    Grade.UNFINISHED: "bold yellow",
}
GAP = 2  # characters between columns
PIPE_WIDTH = 160  # a log file has no edge to respect
LAST = 3
"""Lines of what was printed before a check failed."""


def make_console(stderr: bool = False) -> Console:
    """With colour only where a terminal shows it (and NO_COLOR is not set)."""
    file = _keep_open(sys.stderr if stderr else sys.stdout)
    made = Console(highlight=False, file=file)
    return made if made.is_terminal else Console(highlight=False, file=file, width=PIPE_WIDTH)


def _keep_open(stream: TextIO) -> TextIO:
    """A terminal that is still there while output is captured (``bench.runtime.capture``)."""
    return os.fdopen(os.dup(stream.fileno()), "w") if stream.isatty() else stream


def print_one(report: Report, to: Console) -> None:
    """A row per check, and below it what each failure means."""
    spec = report.spec
    model = spec.model.target if isinstance(spec, TrialSpec) else spec.version
    target = spec.task.target if isinstance(spec, TrialSpec) else spec.target
    to.print(Text.assemble((report.name, "bold"), f"  {target}  {model}".rstrip()))
    table = Table(box=None, header_style="bold", padding=(0, GAP, 0, 0), pad_edge=False)
    for name in ("check", "verdict", "detail"):
        table.add_column(name, overflow="fold")
    for finding in report.findings:
        grade = Text(finding.grade, style=STYLES[finding.grade])
        table.add_row(Text(finding.check.title), grade, Text(finding.detail))
    to.print(table)
    to.print()
    for finding in report.failed:
        to.print(Text.assemble((finding.check.fault, "bold red"), f": {finding.check.meaning}"))
        for line in finding.printed[-LAST:]:
            to.print(Text(f"  it printed: {line}", style="dim"))
    for note in report.notes:
        to.print(Text(f"· {note}", style="dim"))
    for words, lines in (("warns", report.warnings), ("prints", report.printed)):
        if lines:
            more = f" (and {len(lines) - 1} more, in --json)" if len(lines) > 1 else ""
            to.print(Text(f"· it {words}: {lines[0]}{more}", style="dim"))
    to.print(Text(f"{report.score} passed, {report.seconds:.1f} s", style="bold"))


def print_line(report: Report, to: Console, width: int) -> None:
    """``lion   17/18  hides NaN · state 1.00 ×, time 2.3 ×``; ``width`` is of the longest name."""
    name = f"{report.name:<{width}}  "
    if report.refused:
        to.print(Text.assemble(name, ("refused", "bold red"), f": {report.refused}"))
        return
    style = "green" if report.clean else "red"
    to.print(Text.assemble(name, (f"{report.score:>5}", style), "  ", *format_costs(report)))
    for finding in report.wrong:
        to.print(Text.assemble(" " * (width + 2), (format_fault(finding), "red")), soft_wrap=True)


def format_costs(report: Report) -> list[str]:
    """What was measured of an optimizer, as multiples; of a task as it reads."""
    if isinstance(report.spec, TrialSpec):
        return [", ".join(finding.detail for finding in report.having(Grade.MEASURED))]
    state, pace = report.value("state_bytes"), report.value("step_time")
    return [
        "" if state is None else f"state {state:4.2f} × parameters",
        "" if pace is None else f", update {pace:4.1f} × Adam",
    ]


def format_fault(finding: Finding) -> str:
    """What is wrong, in a line: ``hides NaN: after three NaN gradients …``."""
    if finding.grade is Grade.UNFINISHED:
        return f"{finding.check.title}? {finding.detail}"
    return f"{finding.check.fault}: {finding.detail}" if finding.detail else finding.check.fault
