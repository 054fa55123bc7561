"""Needs that an optimizer may declare (YAML key ``bench.needs``) beyond one gradient a step.

``bench.trial.update`` and ``bench.build.components`` honour them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """One word of ``bench.needs``.

    Attributes:
        meaning: what the harness does for an optimizer that declares it.
        stacks: whether a gradient from outside, once a step, still meets it.
        checked: what ``optbench-check`` asks of an optimizer that declares it; empty: nothing.
        error_pattern: matches the error of Python or torch where the need is not declared.
    """

    meaning: str
    stacks: bool = False
    checked: str = ""
    error_pattern: str = ""


NEEDS = {
    "closure": Need(
        "step(closure) evaluates loss and gradient as often as it likes (LBFGS)",
        checked="calls the closure at least once a step",
        error_pattern=r"closure|'NoneType' .* callable|number, not 'NoneType'",
    ),
    "two_gradients": Need(
        "the gradient first; step(closure) evaluates it again elsewhere (SAM)",
        checked="takes more than one gradient a step",
    ),
    "create_graph": Need(
        "the gradient is differentiated once more (AdaHessian, Sophia)",
        checked="fails, or goes elsewhere, without the graph",
        error_pattern=r"does not require grad|grad_fn|create_graph",
    ),
    "eval_mode": Need(
        "train() and eval() move the parameters between the point where gradients are taken and "
        "the point that is evaluated (Schedule-Free)",
        stacks=True,
        checked="eval() goes to another point and train() comes back from it",
    ),
    "model": Need(
        "it is constructed from the model instead of parameter groups",
        error_pattern=r"'(list|generator)' object has no attribute"
        r" '\w*(parameters|modules|children)",
    ),
    "named_parameters": Need(
        "it is constructed from pairs of name and parameter instead of parameter groups",
        stacks=True,
        error_pattern=r"(not enough|too many) values to unpack \(expected 2",
    ),
    "sparse_gradients": Need(
        "it only updates parameters whose gradients are sparse (SparseAdam)",
        error_pattern=r"does not support dense gradients",
    ),
    "random": Need(
        "it draws random numbers as it steps, so that trials cannot share a generator",
        checked="another seed gives other numbers",
    ),
}

CONSTRUCTION_NEEDS = ("model", "named_parameters")
"""From something else than parameter groups."""

MATRICES_ONLY = r"\bndim *(>=|==)|\b2-?D\b"
"""How an optimizer of matrices receives a bias."""

NOT_ITERABLE = r"'\w+' object is not (iterable|subscriptable)"
"""How an optimizer that takes parameters receives a model."""


def add_hint(words: str, declared: tuple[str, ...] = ()) -> str:
    """An exception's words, and after them what ``bench.needs`` may lack, or have too much."""
    hint = _find_hint(words, declared)
    return f"{words.rstrip('.')}; {hint}" if hint else words


def _find_hint(words: str, declared: tuple[str, ...]) -> str:
    for name, need in NEEDS.items():
        if name not in declared and need.error_pattern and re.search(need.error_pattern, words):
            return f"does it need {name}? If so, bench: {{needs: [{name}]}} in its YAML"
    if re.search(MATRICES_ONLY, words):
        return "is it for matrices only? If so, bench: {param_groups: matrices} in its YAML"
    if "model" in declared and re.search(NOT_ITERABLE, words):
        return (
            "it may take parameters: in its YAML, remove model from bench.needs, or write "
            "named_parameters instead where it takes their names as well"
        )
    return ""
