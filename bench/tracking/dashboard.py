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
from bench.tracking.opening import open_store
from bench.tracking.read import list_studies
from bench.tracking.sqlite import schema
from bench.tracking.summary import find_report
from bench.tracking.uri import DEFAULT, check_file, check_uri, sqlite_path
from bench.tracking.views import save_views

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # eight processes that nothing here needs
}
STORE_VARIABLE = "MLFLOW_BACKEND_STORE_URI"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the addresses, then become the server."""
    parser = argparse.ArgumentParser(prog="make dashboard", description=__doc__)
    parser.add_argument("--store", default=DEFAULT, help="default: %(default)s")
    parser.add_argument("--port", type=int, default=5000, help="default: %(default)s")
    arguments = parser.parse_args(argv)
    try:
        lines = list_addresses(arguments.store, arguments.port)
    except RefusedInput as refusal:
        print(f"dashboard: {refusal}", file=sys.stderr)
        sys.exit(2)
    print("open in a few seconds:", *lines, sep="\n  ", flush=True)
    command = make_server_command(arguments.port)
    os.execve(sys.executable, command, make_server_environment(arguments.store))


def list_addresses(uri: str, port: int) -> list[str]:
    """Make a line for each study with the address of its curves, and one more for its report.

    Raises:
        RefusedInput: there is no such store, no study in it, or MLflow cannot show its tables.
    """
    check_uri(uri)
    path = sqlite_path(uri)
    if path is not None:
        _check_tables(uri, path)
    names = list_studies(uri)
    if not names:
        raise RefusedInput(f"--store={uri}: it holds no study; run make quickstart first")
    width, lines = max(map(len, names)), []
    for name in names:
        lines.append(f"{name:<{width}}  http://127.0.0.1:{port}/{_find_view(uri, name)}")
        if report := find_report(uri, name):
            lines.append(f"{'':<{width}}  http://127.0.0.1:{port}/{report}")
    return lines


def _find_view(uri: str, study: str) -> str:
    """Return what follows the server's address; of somebody else's runs no view is saved."""
    store = open_store(uri)
    known = store.find_study(study)
    assert known is not None
    if not store.read_trials(known.id):
        return f"#/experiments/{known.id}/runs?workflowType=machine_learning"
    return save_views(uri, study)[0].path


def _check_tables(uri: str, path: Path) -> None:
    """Refuse a file that the server would refuse by a traceback, or migrate."""
    check_file(uri, path)
    if not schema.has_tables(path):
        raise RefusedInput(f"--store={uri}: there is no file {path}; run make quickstart first")
    # MLflow takes seconds to import, and a missing file need not wait for it
    from mlflow.store.db.utils import _get_latest_schema_revision

    if (revision := schema.read_revision(path)) != _get_latest_schema_revision():
        raise RefusedInput(
            f"--store={uri}: the installed MLflow cannot show tables of schema {revision}. Run "
            f"mlflow db upgrade {uri}, or name another store by --store="
        )


def make_server_command(port: int) -> list[str]:
    """Make the command line of a server that this machine alone can reach."""
    address = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [sys.executable, "-m", "mlflow", "server", *address]


def make_server_environment(uri: str) -> dict[str, str]:
    """Make the environment of a server of a store.

    Everybody on the machine can read a command line, so that the address, which may hold a
    password, is no part of it.
    """
    return {**os.environ, **ENVIRONMENT, STORE_VARIABLE: uri}


if __name__ == "__main__":
    main()
