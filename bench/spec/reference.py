"""The reference: the optimizer that a sweep or a report compares the others with."""

from __future__ import annotations

from collections.abc import Collection

from bench.spec.errors import RefusedInput
from bench.spec.protocol import REFERENCE
from bench.spec.suggest import suggest


def choose_reference(declared: str, optimizers: Collection[str]) -> str:
    """Choose the declared reference where it takes part, else adam, else none.

    Args:
        declared: by the latest plan; empty for none.
        optimizers: the names of those that take part.

    Returns:
        A name; empty where there is no reference, so that the pairs are the verdicts.
    """
    return next((name for name in (declared, REFERENCE) if name in optimizers), "")


def check_reference(wanted: str, optimizers: Collection[str]) -> None:
    """Refuse a reference that takes no part; an empty one is none.

    Raises:
        RefusedInput: with the names that could be meant.
    """
    if wanted and wanted not in optimizers:
        raise RefusedInput(
            f"reference={wanted}: no optimizer of that name takes part; "
            f"{suggest(wanted, optimizers)}"
        )
