"""Every hyperparameter acts: a constructor that swallows what it does not know would be silent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from torch import Tensor

from bench.check.findings import Failed
from bench.check.problems import make_standard
from bench.check.runner import Runner, copy_tensors, find_tensors, identical
from bench.check.variants import get_last_name, is_number
from bench.runtime import capture
from bench.spec import NotApplicable, OptimizerSpec
from bench.spec.hyperparameters import at, hyperparameters

SWITCHES = ("fused", "foreach", "capturable", "differentiable", "implementation")
"""How torch computes, not what: ``constructor.switches`` asks about these."""

SHORT, LONG = 12, 60
"""Updates; what shows only now and then (a period, a warm-up) gets the longer run."""

INNER = 4
"""An optimizer that evaluates its closure many times an update gets so many times fewer of them."""

FEW = 4
"""Other values that are tried together with others of other hyperparameters."""

Values = Mapping[str, Any]


class Trials:
    """Results of an optimizer by changed settings, each computed once."""

    def __init__(self, spec: OptimizerSpec) -> None:
        self.spec = spec
        self.known: dict[str, list[Tensor] | str] = {}

    def result(self, values: Values, steps: int) -> list[Tensor] | str:
        """The parameters after ``steps`` updates, or the words of an exception."""
        key = f"{steps} {sorted(values.items())}"
        if key not in self.known:
            try:
                self.known[key] = self.run(values, steps).values()
            except Exception as error:  # a value may be refused in any way
                self.known[key] = str(error).split("\n", maxsplit=1)[0]
        return self.known[key]

    def count_lines(self, values: Values) -> int:
        """Lines that it prints or logs with these settings, where that is not the first time."""
        self.result(values, SHORT)
        with capture.capture_python_output() as heard:
            self.run(values, SHORT)
        return heard.getvalue().count("\n")

    def run(self, values: Values, steps: int) -> Runner:
        """An optimizer with these settings, after its updates."""
        if "closure" in self.spec.needs:
            steps //= INNER
        return Runner(at(self.spec, values), make_standard(self.spec)).run(steps)

    def differs(self, values: Values, base: Values, steps: int) -> bool:
        """Whether both run, and to other numbers."""
        ours, theirs = self.result({**base, **values}, steps), self.result(base, steps)
        return not (isinstance(ours, str) or isinstance(theirs, str) or identical(ours, theirs))

    def explain_refusal(self, values: Values) -> str:
        """Why these values do not run; empty where they do."""
        result = self.result(values, SHORT)
        return result if isinstance(result, str) else ""


def check_effects(spec: OptimizerSpec) -> str:
    """Raises Failed with those that are refused whatever the value, or change nothing."""
    trials, own = Trials(spec), hyperparameters(spec)
    tried = {k: v for k, v in own.items() if can_vary(v) and get_last_name(k) not in SWITCHES}
    if not tried:
        raise NotApplicable("its YAML has none that could be varied")
    still = [name for name in tried if not _acts(trials, name, tried)]
    logs = [name for name in still if _logs(trials, name, tried[name])]
    idle = [name for name in still if name not in logs]
    if idle:
        raise Failed(", ".join(_explain(trials, name, tried[name]) for name in idle))
    left = [name for name, value in own.items() if not can_vary(value)]
    said = [f"{len(tried) - len(logs)} of them"]
    said += [f"what is printed depends on {', '.join(logs)}"] if logs else []
    said += [f"not tried: {', '.join(left)}"] if left else []
    return "; ".join(said)


def can_vary(value: Any) -> bool:
    """Whether there is another value to think of; for words and null there is none."""
    return isinstance(value, bool) or is_number(value)


def list_candidates(value: Any) -> list[Any]:
    """Other values of the same kind, mild ones first."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        found: list[Any] = [value // 2, value * 2, value + 1, 1, 2, 4, value + 10, value + 0.1]
    elif math.isinf(value):
        found = [1.02, 1.0, 10.0, 0.1]
    else:
        found = [0.5 * value, 2 * value, value + 0.1, 0.1 * value, 10 * value, value + 1, 1.0]
        found += [0.01 * value, 1e-3 * value, 100 * value, 0.0]
    return [new for new in dict.fromkeys(found) if new != value]


def _acts(trials: Trials, name: str, every: Values) -> bool:
    """Alone, in a longer run, or where one or two other hyperparameters have another value.

    A threshold may do nothing at defaults, and Nesterov's momentum needs a momentum.
    """
    news = list_candidates(every[name])
    return any(
        trials.differs({name: new}, base, steps)
        for base, steps in _vary_others(trials, name, every)
        for new in (news[:FEW] if base else news)
    )


def _vary_others(trials: Trials, name: str, every: Values) -> Iterator[tuple[Values, int]]:
    yield {}, SHORT
    yield {}, LONG
    partners = {other: value for other, value in every.items() if other != name}
    for other, value in partners.items():
        for new in list_candidates(value):
            if trials.differs({other: new}, {}, SHORT):
                yield {other: new}, SHORT
                break
    off = [other for other, value in partners.items() if value in (True, False, 0)]
    for pair in combinations(off, 2):
        yield {other: list_candidates(partners[other])[0] or 0.1 for other in pair}, SHORT


def _logs(trials: Trials, name: str, value: Any) -> bool:
    """Whether a switch or a period changes how many lines are printed or logged.

    Their number, not their words: a constructor that prints all it was given would swallow nothing.
    """
    usual = trials.count_lines({})
    return isinstance(value, int) and any(
        not trials.explain_refusal({name: new}) and trials.count_lines({name: new}) != usual
        for new in list_candidates(value)
    )


def _explain(trials: Trials, name: str, value: Any) -> str:
    """Refused whatever the value, in the words for the mildest; or without effect."""
    tried = {new: trials.explain_refusal({name: new}) for new in list_candidates(value)}
    if all(tried.values()):
        new, words = next(iter(tried.items()))
        return f"{name}={new} raises {words!r}"
    usual = copy_tensors(find_tensors(dict(trials.run({}, SHORT).optimizer.state)))
    for new in (new for new, words in tried.items() if not words):
        other = copy_tensors(find_tensors(dict(trials.run({name: new}, SHORT).optimizer.state)))
        if len(other) == len(usual) and not identical(other, usual):
            return f"{name} changes state, but no parameter"
    return f"{name} changes nothing"
