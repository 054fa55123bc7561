"""The recorder of trials of one study, from one to as many as a stack holds."""

from __future__ import annotations

from collections.abc import Sequence

from bench.spec import TrialSpec
from bench.tracking.opening import opened
from bench.tracking.store import Recorder


def recorder(uri: str, specs: Sequence[TrialSpec], launcher: str) -> Recorder:
    """For trials of one study: rows into an embedded store, MLflow's client for any other.

    ``with recorder(uri, specs, launcher) as records: records.log(0, point) … .finish(0, result)``.

    Raises:
        RefusedInput: the store cannot be opened or does not answer.
        StoreLost: it no longer answers, or has no room; raised by every method.
        ValueError: no trial, or trials of several studies.
    """
    if len(studies := {spec.context.study for spec in specs}) != 1:
        raise ValueError(f"a recorder is of one study, not of {sorted(studies)}")
    return opened(uri).recorder(studies.pop(), specs, launcher)
