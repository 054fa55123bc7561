"""What a large study costs: ``python -m bench.speed.many [TRIALS] [optbench's words ...]``.

Runs so many trials of digits (10 000 of 40 steps, unless told otherwise) by the command that a
person types, and prints for each thousand what a trial cost and the memory of the process at its
end; then what it takes to call the same command again, and to make the report.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from bench.embedded.tables import has_write_ahead_log, open_tables

USUAL = ("task=digits", "budget.steps=40")
PART = 1000


def main(trials: int, *words: str) -> None:
    """Measure and print."""
    command = ["-m", "bench", "-m", *(words or USUAL), f"seed=range(0,{trials})", "study=many"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        store = folder / "outputs" / "optbench.db"
        began = time.time()
        process = _start([*command, "report=false"], folder)
        memory = _watched(process, store)
        print(f"{trials} trials: {time.time() - began:.0f} s in all")
        for part, seconds in enumerate(_costs(store)):
            cost = f"{1e3 * seconds / PART:.1f} ms a trial"
            print(f"  thousand {part + 1}: {cost}, {memory.get(part, memory[max(memory)]):.0f} MiB")
        for what, again in (
            ("the same command again", [*command, "report=false"]),
            ("the report", ["-m", "reports", "study=many"]),
        ):
            began = time.time()
            _start(again, folder).wait()
            print(f"{what}: {time.time() - began:.1f} s")
        page = folder / "outputs" / "many" / "report" / "index.html"
        print(f"its page: {page.stat().st_size / 1e6:.2f} MB")


def _start(words: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *words], cwd=folder, stdout=subprocess.DEVNULL)


def _watched(process: subprocess.Popen[bytes], store: Path) -> dict[int, float]:
    """Resident MiB of a process, the last that was seen while each part ended."""
    found = {0: 0.0}
    while process.poll() is None:
        time.sleep(0.5)
        resident = _resident(process.pid)
        if resident and has_write_ahead_log(store):
            (ended,) = _rows(store, "SELECT count(end_time) FROM runs")
            found[max(0, ended - 1) // PART] = resident
    return found


def _resident(pid: int) -> float:
    """MiB, by Linux; 0 where it is just ending."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _costs(store: Path) -> list[float]:
    """Seconds of each part: from the start of its first trial to that of the next part."""
    starts = _rows(store, "SELECT start_time FROM runs ORDER BY start_time")
    bounds = [*starts[::PART], *_rows(store, "SELECT max(end_time) FROM runs")]
    return [(end - start) / 1e3 for start, end in pairwise(bounds)]


def _rows(store: Path, query: str) -> list[int]:
    with closing(open_tables(store)) as tables:
        return [row[0] for row in tables.execute(query)]


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 10_000, *sys.argv[2:])
