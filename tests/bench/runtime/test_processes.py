"""Memory of this process: what it frees, and when Python searches for garbage."""

import gc
import subprocess
import sys

import pytest

from bench.runtime import processes

STEPS = """
import resource, sys
import torch
from bench.runtime.isolation import isolate

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        parts = [torch.ones(1 << 20) for _ in range(4)]  # 16 MiB, freed at the end of the step
        del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

torch.set_num_threads(1)
as_it_is = faults()
with isolate():
    faults()
    print(as_it_is, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="what glibc's malloc does")
def test_what_a_step_freed_is_there_for_the_next():
    said = subprocess.run(
        [sys.executable, "-c", STEPS], capture_output=True, text=True, check=True
    ).stdout
    as_it_is, kept = map(int, said.split())
    assert as_it_is > 100  # some 80 000 pages of 4 KiB, or 160 of 2 MiB
    assert kept < as_it_is / 10


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_paused_and_then_as_it_was(enabled):
    (gc.enable if enabled else gc.disable)()
    try:
        with pytest.raises(ImportError), processes.pause_collector():
            assert not gc.isenabled()
            raise ImportError
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
