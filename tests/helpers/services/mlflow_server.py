"""An MLflow server of a test's own, on this machine alone; it can be killed."""

import os
import signal
import socket
import subprocess
import urllib.request

from bench.tracking import dashboard
from tests.helpers.processes import wait_until


class MlflowServer:
    """An MLflow server on this machine alone, over a file or ``database``; it can be killed."""

    def __init__(self, folder, database=None):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.uri = folder, f"http://127.0.0.1:{self.port}"
        self.database = database or f"sqlite:///{folder}/server.db"
        self.process = None

    def start(self):
        words = dashboard.make_server_command(self.port)
        self.process = subprocess.Popen(
            words,
            cwd=self.folder,
            env=dashboard.make_server_environment(self.database),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self.is_up, self.process)

    def is_up(self):
        try:
            return urllib.request.urlopen(f"{self.uri}/health", timeout=5).status == 200
        except OSError:
            return False

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
