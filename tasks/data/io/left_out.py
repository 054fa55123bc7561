"""Notes of what a loader leaves out, cuts or cannot represent: counted, one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

NAMED = 4
"""Kinds of files that a note names; the rest is counted together."""


def count(number: int, whole: int, noun: str, verb: tuple[str, str] = ("was", "were")) -> str:
    """``40 of 100 files were``, ``1 of 20 files was``, ``all 400 texts were``."""
    if number == whole > 1:
        return f"all {whole} {noun}s {verb[1]}"
    return f"{number} of {whole} {noun}{'s' * (whole != 1)} {verb[number != 1]}"


def describe_kinds(kinds: Mapping[str, int]) -> str:
    """``25 .heic, 15 .gif``: the most frequent first, equal ones by name."""
    ordered = sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))
    words = [f"{number} {kind}" for kind, number in ordered[:NAMED]]
    if rest := sum(number for _, number in ordered[NAMED:]):
        words.append(f"{rest} other{'s' * (rest != 1)}")
    return ", ".join(words)


def note_skipped(skipped: Counter[str], used: int) -> list[str]:
    """Files that were not read, by kind, of all that are there."""
    number = skipped.total()
    if not number:
        return []
    return [f"{count(number, number + used, 'file')} skipped: {describe_kinds(skipped)}"]


def note_duplicates(splits: Mapping[str, Iterable[Hashable]], noun: str) -> list[str]:
    """Examples that an earlier split has too, with the remedy.

    Args:
        splits: examples of training, validation and test, in this order.
        noun: of an example, e.g. ``text``.
    """
    words, total = describe_duplicates(splits, noun)
    return [f"{words}: remove {'it' if total == 1 else 'them'}"] if total else []


def describe_duplicates(splits: Mapping[str, Iterable[Hashable]], noun: str) -> tuple[str, int]:
    """``2 of 10 validation and 3 of 13 test texts occur in an earlier split too``, and how many."""
    seen: set[Hashable] = set()
    words, total, last = [], 0, 0
    for name, inside in splits.items():
        examples = list(inside)
        number = sum(example in seen for example in examples) if seen else 0
        if number:
            words.append(f"{number} of {len(examples)} {name}")
            total, last = total + number, len(examples)
        seen.update(examples)
    verb = "occurs" if total == 1 else "occur"
    return f"{' and '.join(words)} {noun}{'s' * (last != 1)} {verb} in an earlier split too", total
