"""Recorder of trials of one study, from one to as many as a stack holds."""

from __future__ import annotations

from collections.abc import Sequence

from bench.spec import TrialSpec
from bench.tracking.opening import open_store
from bench.tracking.store import Recorder


def open_recorder(uri: str, specs: Sequence[TrialSpec], launcher: str) -> Recorder:
    """Open a recorder of trials of one study.

    ``with open_recorder(uri, specs, launcher) as records: records.log(0, point) …
    .finish(0, result)``.

    Raises:
        RefusedInput: the store cannot be opened, does not answer or can only be read.
        StoreLost: it no longer answers, or has no room; raised by every method.
        ValueError: no trial, or trials of several studies.
    """
    if len(studies := {spec.context.study for spec in specs}) != 1:
        raise ValueError(f"a recorder is of one study, not of {sorted(studies)}")
    return open_store(uri, writes=True).open_recorder(studies.pop(), specs, launcher)
