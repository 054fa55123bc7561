"""A page in headless Chromium, driven by its DevTools protocol over a pipe.

Standard library only. See chromedevtools.github.io/devtools-protocol.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

PATH = shutil.which("chromium") or shutil.which("chromium-browser")
"""Where it is installed; None: nowhere."""

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--remote-debugging-pipe", "--disable-background-networking"),
)

AT_3_AND_4 = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Starts Chromium with the pipe's ends where it looks for them."""


class Page:
    """One page; leaving it ends the browser.

    Args:
        width, height: of the window, in CSS pixels.

    Attributes:
        requests: the address of everything that the page has asked for.
    """

    def __init__(self, width: int = 1440, height: int = 900) -> None:
        assert PATH is not None, "Chromium is not installed (Debian's package chromium)"
        self.requests: list[str] = []
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs_in, theirs_out)]
        profile = f"--user-data-dir={self._folder.name}"
        self._process = subprocess.Popen(
            [sys.executable, "-c", AT_3_AND_4, *map(str, high), PATH, *FLAGS, profile],
            stderr=subprocess.DEVNULL,
            pass_fds=high,
        )
        for end in (theirs_in, theirs_out, *high):
            os.close(end)
        self._in, self._out, self._rest, self._count = ours_in, ours_out, b"", 0
        self._session: dict[str, str] = {}
        made = self.call("Target.createTarget", url="about:blank")
        attached = self.call("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        self.call("Network.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def __enter__(self) -> Page:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._folder.cleanup()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command of the protocol and its answer."""
        self._count += 1
        asked = {"id": self._count, "method": method, "params": parameters, **self._session}
        os.write(self._out, json.dumps(asked).encode() + b"\0")
        while True:
            message = self._read(60)
            if message.get("id") == self._count:
                assert "error" not in message, f"{method}: {message['error']}"
                return dict(message["result"])

    def goto(self, address: str) -> None:
        """Open an address; what follows a # is opened anew too."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)

    def run(self, javascript: str) -> Any:
        """The value of an expression on the page, or what it promises."""
        answer = self.call(
            "Runtime.evaluate", expression=javascript, returnByValue=True, awaitPromise=True
        )
        return answer["result"].get("value")

    def wait(self, javascript: str, seconds: float = 90) -> None:
        """Until an expression is true."""
        end = time.monotonic() + seconds
        while not self.run(f"Boolean({javascript})"):
            if time.monotonic() > end:
                text = self.run("document.body.innerText")
                raise TimeoutError(f"{javascript} is not true after {seconds} s; shown: {text}")
            time.sleep(0.25)

    def screenshot(self, path: Path) -> None:
        """What the window shows, as PNG, once no animation can be under way."""
        time.sleep(3)
        shot = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def _read(self, seconds: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], seconds)
            part = os.read(self._in, 1 << 20) if ready else b""
            if not part:
                raise TimeoutError("Chromium does not answer")
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        return message
