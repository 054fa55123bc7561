"""A PostgreSQL of a test's own, on this machine alone; it can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

USER = "postgres"
"""It refuses to run as root; Debian's package makes this user for it."""


def find_programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``, which Debian keeps out of the path."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((one for one in folders if (one / "initdb").exists()), None)


class Postgres:
    """``uri`` is its address; durable, as its defaults are."""

    def __init__(self) -> None:
        self._bin = find_programs()
        self._as: dict[str, Any] = {"user": USER, "group": USER} if os.getuid() == 0 else {}
        self._folder = Path(tempfile.mkdtemp(prefix="optbench-postgres-"))
        if self._as:
            shutil.chown(self._folder, USER, USER)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"postgresql://optbench@127.0.0.1:{self.port}/postgres"
        self._call("initdb", "--auth=trust", "--username=optbench", "--pgdata", self._data)

    def start(self) -> None:
        where = ["-c", "listen_addresses=127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(
            [self._program("postgres"), "-D", self._data, "-k", str(self._folder), *where],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._as,
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                return self._call("pg_isready", "-h", "127.0.0.1", "-p", str(self.port))
            except subprocess.CalledProcessError:
                assert time.monotonic() < deadline, "PostgreSQL does not start"
                time.sleep(0.2)

    def kill(self) -> None:
        """As if the power went: all its processes at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _program(self, name: str) -> str:
        assert self._bin is not None
        return str(self._bin / name)

    def _call(self, name: str, *words: str) -> None:
        subprocess.run(
            [self._program(name), *words],
            check=True,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            **self._as,
        )
