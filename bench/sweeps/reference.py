"""The declaration of a sweep's reference, the same for all of its trials."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bench import tracking
from bench.spec import RefusedInput, TrialRecord, TrialSpec
from bench.spec.reference import check_reference, choose_reference
from bench.tracking.uri import sqlite_path


def declare_reference(
    specs: Iterable[TrialSpec], uri: str, beside: Iterable[TrialRecord] = (), usual: str = ""
) -> list[TrialSpec]:
    """Give the trials of a sweep one reference: the optimizer that ``reference=`` names.

    Args:
        specs: as they were composed; their origin says what ``reference=`` names.
        beside: trials of the baseline beside the sweep. Its optimizers may be named, too, and
            those that the study has recorded.
        usual: the reference where none is named; it stands before adam.

    Raises:
        RefusedInput: several are named, or one that takes no part.
    """
    specs = list(specs)
    named = sorted({spec.origin.reference for spec in specs})
    if len(named) > 1:
        words = ",".join(name for name in named if name)
        raise RefusedInput(f"reference={words}: a report has one reference. Name one optimizer.")
    optimizers = {spec.optimizer.name for spec in specs} | _list_optimizers(beside)
    if named[0] and named[0] not in optimizers:
        optimizers |= _list_optimizers(_read_recorded(uri, specs[0].context.study))
    check_reference(named[0], optimizers)
    chosen = choose_reference(named[0] or usual, optimizers)
    return [replace(spec, origin=replace(spec.origin, reference=chosen)) for spec in specs]


def _list_optimizers(records: Iterable[TrialRecord]) -> set[str]:
    return {str(record.config["optimizer"]["name"]) for record in records}


def _read_recorded(uri: str, study: str) -> list[TrialRecord]:
    """Read what a study has recorded; nothing is made where there is none."""
    path = sqlite_path(uri)
    if (path and not path.is_file()) or study not in tracking.list_studies(uri):
        return []
    return tracking.read_study(uri, study, curves=False).records
