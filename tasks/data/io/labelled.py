"""Labelled examples of a user's own, whatever they are: their classes, and splits drawn of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tasks.data.dataset import SPLITS, MissingData, stratified_split

HELD_OUT = 0.1  # share of the training examples that each split gets that is not given
SPLIT_SEED = 0
MOST_DIGITS = 1000
"""Of a label that is a number; Python reads no text of more than 4300 as one."""


class Labelled(NamedTuple):
    """An example with its label, and where it was found, key first.

    ``place`` is as errors say it: ``data.train=reviews.csv: row 3 (line 4)``.
    """

    example: Any
    label: str
    place: str


def draw_splits(given: Mapping[str, Sequence[Labelled]]) -> dict[str, Sequence[Labelled]]:
    """All three splits: those given, none empty, and the others out of the training examples.

    Each of the others is a tenth of them, stratified, always the same.

    Raises:
        MissingData: fewer than two classes, or too few examples to draw from.
    """
    absent = [name for name in SPLITS if name not in given]
    train = given["train"]
    classes = list_classes(train)
    if not absent:
        return dict(given)
    held_out = max(1, round(HELD_OUT * len(train)))
    sizes = [len(train) - held_out * len(absent), *[held_out] * len(absent)]
    if sizes[0] < len(classes):
        raise MissingData(
            f"{_source(train)}: {len(train)} examples of {len(classes)} classes are too few to "
            f"draw {' and '.join(absent)} from; add some, or give the splits yourself"
        )
    parts = stratified_split(index_classes(train, classes), sizes, SPLIT_SEED)
    found = {
        name: [train[at] for at in part]
        for name, part in zip(("train", *absent), parts, strict=True)
    }
    return {**given, **found}


def list_classes(train: Sequence[Labelled]) -> tuple[str, ...]:
    """The labels in order: by value where all are whole numbers, else by spelling.

    Labels of one value (``1``, ``01``) stand in the order of their spelling: the order of a set is
    another in each process.
    """
    labels = sorted({one.label for one in train})
    if len(labels) < 2:
        raise MissingData(
            f"{_source(train)}: every label is {train[0].label!r}; classification needs two classes"
        )
    return tuple(sorted(labels, key=int) if _are_numbers(labels) else labels)


def note_equal_labels(classes: Sequence[str]) -> list[str]:
    """A note of classes that are one number, written differently."""
    if not _are_numbers(classes):
        return []
    by_value: dict[int, list[str]] = {}
    for name in classes:
        by_value.setdefault(int(name), []).append(name)
    return [
        f"the labels {', '.join(map(repr, names))} are one number and {len(names)} classes: write "
        "one of them throughout"
        for names in by_value.values()
        if len(names) > 1
    ]


def _are_numbers(labels: Sequence[str]) -> bool:
    return all(
        label.removeprefix("-").isdecimal() and len(label) <= MOST_DIGITS for label in labels
    )


def index_classes(examples: Sequence[Labelled], classes: Sequence[str]) -> np.ndarray:
    """Class indices ``[N]``, int64; a label that is no class is refused by its place."""
    index = {label: number for number, label in enumerate(classes)}
    for one in examples:
        if one.label not in index:
            raise MissingData(
                f"{one.place}: label {one.label!r} is in no training example; mend the label, or "
                "add examples with it to the training split"
            )
    return np.array([index[one.label] for one in examples], dtype=np.int64)


def _source(examples: Sequence[Labelled]) -> str:
    """``data.train=reviews.csv``."""
    return examples[0].place.partition(": ")[0]
