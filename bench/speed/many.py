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
from pathlib import Path

import psutil

from bench.tracking.sqlite.schema import has_write_ahead_log, open_tables

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
        ends = _watch(process, store)
        print(f"{trials} trials: {time.time() - began:.0f} s in all")
        (start,) = _read_rows(store, "SELECT min(start_time) FROM runs")
        seen = [start / 1e3, *(at for at, _ in ends)]
        for part, (since, (at, mib)) in enumerate(zip(seen, ends, strict=False)):
            cost = f"{1e3 * (at - since) / PART:.1f} ms a trial"
            print(f"  thousand {part + 1}: {cost}, {mib:.0f} MiB")
        for what, again in (
            ("the same command again", [*command, "report=false"]),
            ("the report", ["-m", "reports", "study=many"]),
        ):
            began = time.time()
            _start(again, folder).wait()
            print(f"{what}: {time.time() - began:.1f} s")
        print(f"its store: {store.stat().st_size / 1e3 / trials:.0f} kB a trial")
        page = folder / "outputs" / "many" / "report" / "index.html"
        print(f"its page: {page.stat().st_size / 1e6:.2f} MB")


def _start(words: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *words], cwd=folder, stdout=subprocess.DEVNULL)


def _watch(process: subprocess.Popen[bytes], store: Path) -> list[tuple[float, float]]:
    """When each part had ended, in seconds since 1970, and the process's resident MiB then.

    By the clock of this process: a run's own shows its training time, not the wall's.
    """
    found: list[tuple[float, float]] = []
    while process.poll() is None:
        time.sleep(0.1)
        resident = _read_resident(process.pid)
        if resident and has_write_ahead_log(store):
            (ended,) = _read_rows(store, "SELECT count(end_time) FROM runs")
            found += [(time.time(), resident)] * (ended // PART - len(found))
    return found


def _read_resident(pid: int) -> float:
    """Return the MiB that a process holds; 0 where it is just ending."""
    try:
        return float(psutil.Process(pid).memory_info().rss) / 2**20
    except psutil.Error:
        return 0.0


def _read_rows(store: Path, query: str) -> list[int]:
    with closing(open_tables(store)) as tables:
        return [row[0] for row in tables.execute(query)]


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 10_000, *sys.argv[2:])
