"""Trials one after the other, in this process: ``hydra/launcher=basic``."""

from __future__ import annotations

from collections.abc import Sequence

from bench.spec import TrialResult, TrialSpec
from bench.sweeps import execute
from bench.sweeps.launchers.base import SpecLauncher
from bench.sweeps.launchers.memory_growth import MemoryGrowth
from bench.sweeps.progress import OnTrialEnd, say


class BasicLauncher(SpecLauncher):
    """One trial after the other, in this process."""

    def run(self, specs: Sequence[TrialSpec], on_end: OnTrialEnd) -> list[TrialResult]:
        return run_one_by_one(specs, self.config.tracking.uri, "basic", on_end)


def run_one_by_one(
    specs: Sequence[TrialSpec], uri: str, launcher: str, on_end: OnTrialEnd
) -> list[TrialResult]:
    """Run all trials; print a line where memory grows by the trial.

    Args:
        launcher: the name in the records.
        on_end: is called at each trial's end with its index in ``specs``.
    """
    results, growth = [], MemoryGrowth()
    for at, spec in enumerate(specs):
        results.append(execute.run(spec, uri, launcher))
        on_end(at, results[-1])
        if warning := growth.check():
            say(warning)
    return results
