"""Screenshots of ``docs/dashboard.md``: ``python -m tests.helpers.screenshots`` makes them.

It runs a small study into a temporary folder, serves it as ``make dashboard`` does, and takes
screenshots of headless Chromium. It takes a few minutes.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from bench import tracking
from bench.tracking.dashboard import make_server_command, make_server_environment
from reports.pages import DOCS
from tests.helpers.chromium import Page

STUDY = "tour"
SWEEP = (
    "hydra/sweeper=study task=digits,langid optimizer=adam,sgd,rmsprop tuning=quick "
    "reporting.seeds=5 budget.steps=200 budget.eval_every=20"
)
LINES_DRAWN = "document.querySelectorAll('.scatterlayer .trace').length > {}"
"""JavaScript: the charts show more lines than the number to fill in."""


def main() -> None:
    """Write ``dashboard_curves.png``, ``dashboard_runs.png`` and ``dashboard_report.png``."""
    with tempfile.TemporaryDirectory() as folder:
        uri = f"sqlite:///{folder}/outputs/optbench.db"
        command = [sys.executable, "-m", "bench", "-m", *SWEEP.split(), f"study={STUDY}"]
        subprocess.run(
            [*command, f"tracking.uri={uri}"],
            check=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(DOCS.parent)},
        )
        every, digits, *_ = tracking.save_views(uri, STUDY)
        report = tracking.find_report(uri, STUDY)
        with serve_store(uri) as address, Page(1280, 800) as page:
            close_assistant(page, address)
            page.goto(address + digits.path)
            page.wait(LINES_DRAWN.format(5))
            page.screenshot(DOCS / "dashboard_curves.png")
            page.goto(address + every.path.replace("CHART", "TABLE"))
            page.wait("document.body.innerText.includes('matching runs')")
            page.screenshot(DOCS / "dashboard_runs.png")
            page.goto(f"{address}{report}")
            page.wait("document.querySelector('iframe')")
            page.screenshot(DOCS / "dashboard_report.png")


@contextmanager
def serve_store(uri: str) -> Iterator[str]:
    """Serve a store by MLflow on a free port of this machine; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        make_server_command(port),
        env=make_server_environment(uri),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}/"
        end = time.monotonic() + 120
        while not _is_up(address):
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def close_assistant(page: Page, address: str) -> None:
    """Close MLflow's assistant, whose pane opens at a browser's first visit."""
    page.goto(f"{address}health")
    page.run("localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')")


def _is_up(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    main()
