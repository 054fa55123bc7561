"""SVG and PNG of Vega-Lite specifications, by a process of their own.

vl-convert holds a JavaScript engine that ends its process where memory is short or a text is odd.
In a child it ends itself alone. The child is this file and imports nothing of ours: it starts in a
tenth of a second and draws while its parent writes the page.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SCALE = 2  # of PNG
NO_NETWORK: list[str] = []
TRIES = 3
"""Children that may end one after the other without a figure, before the rest is left out."""

LONGEST_SECONDS = 600
"""After which a child is ended: a hundred times what the largest report takes."""


class RenderingFailed(RuntimeError):
    """A child that ended before it was done; the message says how."""


def render_svg(spec: Mapping[str, Any], vega_lite: str) -> str:
    """Render transparent SVG, its ink black; the same specification gives the same text."""
    import vl_convert  # 100 MB, which a report's own process need not map

    text = vl_convert.vegalite_to_svg(
        dict(spec), vl_version=vega_lite, allowed_base_urls=NO_NETWORK
    )
    numbers: dict[str, int] = {}  # Vega counts its clips from the start of the process

    def renumber(match: re.Match[str]) -> str:
        return f"{match[1]}clip{numbers.setdefault(match[2], len(numbers))}"

    return re.sub(r'(id="|url\(#)clip(\d+)', renumber, text)


def render_png(text: str) -> bytes:
    """Render an SVG of ``render_svg`` as PNG on white, ``SCALE`` times its size in pixels."""
    import vl_convert  # as above

    head, end, body = text.partition(">")
    white = '<rect width="100%" height="100%" fill="white"/>'
    return bytes(vl_convert.svg_to_png(head + end + white + body, scale=SCALE))


class Renderer:
    """A child that draws figures into a folder; start it, do something else, then wait for it.

    Args:
        specs: specification of each figure by its name.
        directory: where ``<name>.svg`` and ``<name>.png`` are written.
    """

    def __init__(self, specs: Mapping[str, Any], directory: Path, vega_lite: str) -> None:
        self._names, self._directory, self._vega_lite = list(specs), directory, vega_lite
        self._folder = tempfile.TemporaryDirectory()
        for name, spec in specs.items():
            Path(self._folder.name, f"{name}.json").write_text(json.dumps(spec), "utf-8")
        self._child = self._start(self._names) if specs else None

    def wait(self) -> dict[str, str]:
        """Wait until all is drawn; return the figures that could not be, with their reasons."""
        left, failed, tries = self._names, {}, 0
        while self._child is not None:
            drawn, end = _finish(self._child)
            tries = 0 if drawn else tries + 1
            left = left[len(drawn) :]
            self._child = None
            if left:
                failed[left[0]] = end
                left = left[1:]
            if left and tries < TRIES:
                self._child = self._start(left)
        failed |= dict.fromkeys(left, next(reversed(failed.values()), ""))
        for name in failed:
            for ending in ("svg", "png"):  # of an earlier report
                (self._directory / f"{name}.{ending}").unlink(missing_ok=True)
        self._folder.cleanup()
        return failed

    def _start(self, names: Sequence[str]) -> subprocess.Popen[str]:
        return _start_child(self._folder.name, str(self._directory), self._vega_lite, *names)


def bundle(snippet: str, vega_lite: str) -> str:
    """Bundle Vega and Vega-Lite as one script.

    Raises:
        RenderingFailed: the child ended before it was done.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "bundle.js")
        drawn, end = _finish(_start_child("--bundle", str(file), vega_lite, snippet))
        if not drawn:
            raise RenderingFailed(end)
        return file.read_text("utf-8")


def _start_child(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", __file__, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # pages of its engine's own words
        text=True,
    )


def _finish(child: subprocess.Popen[str]) -> tuple[list[str], str]:
    """Wait for a child; return what it has done, and how it ended."""
    try:
        out, _ = child.communicate(timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        out, _ = child.communicate()
        return out.split(), f"timed out after {LONGEST_SECONDS} s"
    return out.split(), _describe_end(child.returncode)


def _describe_end(code: int) -> str:
    if code >= 0:
        return f"the renderer ended with code {code}"
    try:
        return f"the renderer was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"the renderer was ended by signal {-code}"


def _draw(folder: str, directory: str, vega_lite: str, names: Sequence[str]) -> None:
    """Draw the figures one after the other, and print the name of each that is there."""
    for name in names:
        spec = json.loads(Path(folder, f"{name}.json").read_text("utf-8"))
        text = render_svg(spec, vega_lite)
        picture = render_png(text)
        Path(directory, f"{name}.svg").write_text(text, encoding="utf-8", newline="\n")
        Path(directory, f"{name}.png").write_bytes(picture)
        print(name, flush=True)


def _bundle(file: str, vega_lite: str, snippet: str) -> None:
    import vl_convert  # as above

    Path(file).write_text(vl_convert.javascript_bundle(snippet, vega_lite), "utf-8")
    print("bundle", flush=True)


def _main(words: Sequence[str]) -> None:
    first, second, vega_lite, *rest = words
    if first == "--bundle":
        _bundle(second, vega_lite, *rest)
    else:
        _draw(first, second, vega_lite, rest)


if __name__ == "__main__":
    _main(sys.argv[1:])
