"""What an optimizer may declare in ``bench.needs`` beyond one gradient a step: one table.

The trial and the check honour a need in ``bench.trial.update`` and ``bench.build``; what each
means, whether such trials can be stacked and what ``optbench-check`` does with it stands here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """One word of ``bench.needs``.

    Attributes:
        meaning: what the harness does for an optimizer that declares it.
        stacks: whether a gradient from outside, once a step, still meets it.
        checked: what ``optbench-check`` asks of an optimizer that declares it; empty: nothing.
    """

    meaning: str
    stacks: bool = False
    checked: str = ""


NEEDS = {
    "closure": Need(
        "step(closure) evaluates loss and gradient as often as it likes (LBFGS)",
        checked="calls the closure at least once a step",
    ),
    "two_gradients": Need(
        "the gradient first; step(closure) evaluates it again elsewhere (SAM)",
        checked="takes more than one gradient a step",
    ),
    "create_graph": Need(
        "the gradient is differentiated once more (AdaHessian, Sophia)",
        checked="fails, or goes elsewhere, without the graph",
    ),
    "eval_mode": Need(
        "train() and eval() move the parameters between the point where gradients are taken and "
        "the point that is evaluated (Schedule-Free)",
        stacks=True,
        checked="eval() goes to another point and train() comes back from it",
    ),
    "model": Need("it is constructed from the model instead of parameter groups"),
    "sparse_gradients": Need("it only updates parameters whose gradients are sparse (SparseAdam)"),
    "random": Need(
        "it draws random numbers as it steps, so that trials cannot share a generator",
        checked="another seed gives other numbers",
    ),
}
