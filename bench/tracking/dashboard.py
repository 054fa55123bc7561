"""MLflow's pages on this machine, with an address for each study: ``make dashboard``.

usage: python -m bench.tracking.dashboard [--store URI] [--port PORT]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.spec import RefusedInput
from bench.tracking.uri import DEFAULT, check_uri, sqlite_path

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # eight processes that nothing here needs
}


def main(argv: Sequence[str] | None = None) -> None:
    """Print the addresses, then become the server."""
    parser = argparse.ArgumentParser(prog="make dashboard", description=__doc__)
    parser.add_argument("--store", default=DEFAULT, help="default: %(default)s")
    parser.add_argument("--port", type=int, default=5000, help="default: %(default)s")
    given = parser.parse_args(argv)
    try:
        lines = addresses(given.store, given.port)
    except RefusedInput as refusal:
        print(f"dashboard: {refusal}", file=sys.stderr)
        sys.exit(2)
    print("open in a few seconds:", *lines, sep="\n  ", flush=True)
    os.execve(sys.executable, server(given.store, given.port), {**os.environ, **QUIET})


def addresses(uri: str, port: int) -> list[str]:
    """A line for each study: its name, and where its curves are; one more where it has a report.

    Raises:
        RefusedInput: there is no such store, or no study in it.
    """
    check_uri(uri)
    path = sqlite_path(uri)
    if path is not None and not Path(path).is_file():
        raise RefusedInput(f"--store={uri}: there is no file {path}; run make quickstart first")
    from bench import tracking

    names = tracking.studies(uri)
    if not names:
        raise RefusedInput(f"--store={uri}: it holds no study; run make quickstart first")
    width, lines = max(map(len, names)), []
    for name in names:
        lines.append(
            f"{name:<{width}}  http://127.0.0.1:{port}/{tracking.share(uri, name)[0].path}"
        )
        if report := tracking.report_path(uri, name):
            lines.append(f"{'':<{width}}  http://127.0.0.1:{port}/{report}")
    return lines


def server(uri: str, port: int) -> list[str]:
    """The command line of a server that this machine alone can reach."""
    where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, *where]


if __name__ == "__main__":
    main()
