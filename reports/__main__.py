"""``optbench-report``: the comparison report of a study, from what its trials recorded.

usage: optbench-report study=NAME [tracking.uri=URI] [output=DIRECTORY]

  study=NAME         the study to report, as given to optbench -m … study=NAME
  tracking.uri=URI   where trials were recorded   (default: sqlite:///outputs/optbench.db)
  output=DIRECTORY   where the report is written  (default: outputs/NAME/report)

Writes index.html, trials.csv, curves.csv, leaderboard.csv/.md/.tex and figures/, attaches them to
the study in the store, and prints the leaderboards. The same trials give the same bytes.
Exit codes: 0 done, 2 refused input.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from bench.spec import RefusedInput

DEFAULT_URI = "sqlite:///outputs/optbench.db"
KEYS = ("study", "tracking.uri", "output")


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Entry point of ``optbench-report``; ends the process with its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if any(word in ("-h", "--help") for word in words):
        print(__doc__)
        sys.exit(0)
    try:
        given = parse(words)
        study, uri = given["study"], given.get("tracking.uri", DEFAULT_URI)
        make_report(uri, study, given.get("output") or Path("outputs", study, "report"))
    except RefusedInput as refusal:
        print(f"optbench-report: {refusal}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0)


def parse(words: Iterable[str]) -> dict[str, str]:
    """``["study=a"]`` → ``{"study": "a"}``. Raises RefusedInput for anything else."""
    given: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if key not in KEYS:
            raise RefusedInput(f"{word}: {key!r} is no key{_nearest(key, KEYS)}")
        if not equals or not value:
            raise RefusedInput(f"{word}: no value; write {key}=VALUE")
        if key in given:
            raise RefusedInput(f"{word}: {key} is given twice; keep one of them")
        given[key] = value
    if "study" not in given:
        raise RefusedInput("study: no value; write study=NAME")
    return given


def make_report(uri: str, study: str, directory: Path | str) -> Path:
    """Read a study, write its report, attach it to the store and print the leaderboards.

    Returns the path of ``index.html``. Raises RefusedInput for a store or study that is not there.
    """
    refuse_missing_store(uri)
    from reports.leaderboard import leaderboards
    from reports.render import render
    from reports.table import tables
    from reports.terminal import print_leaderboards

    tracking = _tracking()
    known = tracking.studies(uri)
    if study not in known:
        raise RefusedInput(f"study={study}: no such study in {uri}{_nearest(study, known)}")
    records = tracking.read(uri, study)
    index = render(records, directory)
    tracking.attach_report(uri, study, Path(directory))
    print_leaderboards(leaderboards(tables(records)[0]))
    print(f"\n{index}")
    return index


def refuse_missing_store(uri: str) -> None:
    """Raises RefusedInput for a missing SQLite file, which opening would create, empty."""
    path = Path(uri.removeprefix("sqlite:///"))
    if uri.startswith("sqlite:///") and not path.is_file():
        raise RefusedInput(
            f"tracking.uri={uri}: there is no file {path}; run optbench first, or name its store"
        )


def _tracking() -> Any:
    """``bench.tracking``, imported once the input is known to be good: it takes seconds."""
    import bench.tracking

    return bench.tracking


def _nearest(word: str, names: Iterable[str]) -> str:
    names = list(names)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    listed = ", ".join(sorted(names)[:8]) + (", …" if len(names) > 8 else "")
    return f"; there is {listed}" if names else "; there is none"


if __name__ == "__main__":
    main()
