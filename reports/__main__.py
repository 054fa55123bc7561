"""``optbench-report``: the comparison report of a study, from what its trials recorded.

usage: optbench-report study=NAME [tracking.uri=URI] [output=DIRECTORY]

  study=NAME         the study to report, as given to optbench -m … study=NAME
  tracking.uri=URI   where trials were recorded   (default: sqlite:///outputs/optbench.db)
  output=DIRECTORY   where the report is written  (default: outputs/NAME/report)

Writes index.html, trials.csv, curves.csv, best_of_k.csv, leaderboard.csv/.md/.tex and figures/,
attaches them to the study in the store, and prints the leaderboards. The same trials give the same
bytes.
Exit codes: 0 done, 2 refused input.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bench.address import DEFAULT
from bench.keys import parse
from bench.spec import RefusedInput

KEYS = ("study", "tracking.uri", "output")


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Entry point of ``optbench-report``; ends the process with its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if any(word in ("-h", "--help") for word in words):
        print(__doc__)
        sys.exit(0)
    try:
        given = parse(words, KEYS)
        study, uri = given["study"], given.get("tracking.uri", DEFAULT)
        make_report(uri, study, given.get("output") or Path("outputs", study, "report"))
    except RefusedInput as refusal:
        print(f"optbench-report: {refusal}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0)


def make_report(uri: str, study: str, directory: Path | str) -> Path:
    """Read a study, write its report, attach it to the store and print the leaderboards.

    Returns the path of ``index.html``. Raises RefusedInput for a store or study that is not there.
    """
    from reports.study import Study  # with pandas, which a refused word need not wait for

    loaded = Study.load(study, uri)
    from bench import tracking
    from reports.render import render
    from reports.terminal import print_leaderboards

    index = render(loaded, directory)
    tracking.attach_report(uri, study, Path(directory))
    print_leaderboards(loaded.leaderboards)
    print(f"\n{index}")
    return index


if __name__ == "__main__":
    main()
