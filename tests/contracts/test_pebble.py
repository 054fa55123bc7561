"""Assumptions about Pebble beyond its documented interface, one test each."""

import os

import pytest
from pebble import ProcessExpired, ProcessPool

from bench.sweeps.launchers.workers import _notice_exit_0


def test_a_pool_asks_its_manager_for_workers_that_ended():
    """``bench.sweeps.launchers.workers`` answers in its place, for exit code 0 too."""
    with ProcessPool(max_workers=1) as pool:
        _notice_exit_0(pool)
        with pytest.raises(ProcessExpired) as death:
            pool.schedule(os._exit, args=(0,)).result(timeout=60)
        assert death.value.exitcode == 0
        assert pool.schedule(os.getpid).result(timeout=60) != os.getpid()
