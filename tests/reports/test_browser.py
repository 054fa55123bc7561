"""The report as a browser shows it: no network, no script, nothing missing."""

import re
import shutil
import subprocess

import pytest

from reports.render import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian's package chromium)")
def test_the_page_opens_without_a_console_message(study, tmp_path):
    index = render(study, tmp_path / "report")
    shown = subprocess.run(
        [
            CHROMIUM,
            *QUIET,
            f"--user-data-dir={tmp_path / 'profile'}",
            "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND",  # no network
            "--dump-dom",
            index.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert not re.findall(r".*CONSOLE.*", shown.stderr)
    figures = shown.stdout.count("<figure")
    assert figures >= 2
    assert shown.stdout.count("<svg") >= figures
