"""How a command's process ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

COMMAND = """
import atexit, sys, threading, time, weakref
from bench.runtime import exit_codes

class Slow:
    def __del__(self):
        print("taken apart")

kept = Slow()

def main():
    atexit.register(lambda: print("registered"))
    threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
    print("x" * 100_000)
    {end}

exit_codes.make_command(main)()
"""


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("return None", 0, ""),
        ("sys.exit(0)", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(2)", 2, ""),
        ("sys.exit('a word')", 1, "a word\n"),
        ("raise ValueError('a bug')", 1, "ValueError: a bug\n"),
    ],
)
def test_all_is_said_and_done_and_nothing_is_taken_apart(end, code, said):
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND.format(end=end)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == code
    assert ended.stderr.endswith(said)
    told = ["x" * 100_000, "thread", "registered"]
    answered = code in (0, 2)
    assert ended.stdout.split() == told + ([] if answered else ["taken", "apart"])


def test_nobody_who_reads_is_no_error():
    code = COMMAND.format(end="return None").replace("100_000", "10")
    ended = subprocess.run(
        f'{sys.executable} -c "$CODE" | true; exit ${{PIPESTATUS[0]}}',
        shell=True,
        executable="/bin/bash",
        env={"CODE": code},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0
    assert ended.stderr == ""
