"""The process that workers are forked from: it imports this module, and with it a trial's imports.

The kernel ends it at once with the process that started it. It may be in the middle of its imports,
and whoever reads what both print would wait for it.
"""

from __future__ import annotations

import ctypes
import signal

PR_SET_PDEATHSIG = 1
"""Of Linux's prctl(2): the signal that this process gets when its parent ends."""

ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))

import bench.trial.run  # noqa: E402, F401
