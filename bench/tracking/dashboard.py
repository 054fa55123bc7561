"""Server of MLflow's pages, with an address for each study: ``make dashboard``.

usage: python -m bench.tracking.dashboard [--store URI] [--port PORT]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.spec import RefusedInput
from bench.tracking.read import list_studies
from bench.tracking.sqlite import schema
from bench.tracking.summary import find_report
from bench.tracking.uri import DEFAULT, check_uri, sqlite_path
from bench.tracking.views import save_views

ENVIRONMENT = {
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
        lines = list_addresses(given.store, given.port)
    except RefusedInput as refusal:
        print(f"dashboard: {refusal}", file=sys.stderr)
        sys.exit(2)
    print("open in a few seconds:", *lines, sep="\n  ", flush=True)
    os.execve(
        sys.executable, make_server_command(given.store, given.port), {**os.environ, **ENVIRONMENT}
    )


def list_addresses(uri: str, port: int) -> list[str]:
    """Make a line for each study with the address of its curves, and one more for its report.

    Raises:
        RefusedInput: there is no such store, no study in it, or MLflow would have to migrate it.
    """
    check_uri(uri)
    path = sqlite_path(uri)
    if path is not None and not Path(path).is_file():
        raise RefusedInput(f"--store={uri}: there is no file {path}; run make quickstart first")
    if path is not None and (revision := schema.check_columns(uri, path)) != schema.CURRENT:
        raise RefusedInput(
            f"--store={uri}: MLflow would first have to change its tables (schema {revision}). Run "
            f"mlflow db upgrade {uri}, or name another store by --store="
        )
    names = list_studies(uri)
    if not names:
        raise RefusedInput(f"--store={uri}: it holds no study; run make quickstart first")
    width, lines = max(map(len, names)), []
    for name in names:
        view = save_views(uri, name)[0]
        lines.append(f"{name:<{width}}  http://127.0.0.1:{port}/{view.path}")
        if report := find_report(uri, name):
            lines.append(f"{'':<{width}}  http://127.0.0.1:{port}/{report}")
    return lines


def make_server_command(uri: str, port: int) -> list[str]:
    """Make the command line of a server that this machine alone can reach."""
    address = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, *address]


if __name__ == "__main__":
    main()
