"""What a check says. Standard library only, so that reports can be read without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from bench.spec import OptimizerSpec, TrialSpec
from bench.spec.hyperparameters import hyperparameters
from bench.spec.search_space import find_outside

S = TypeVar("S")


class Grade(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"
    MEASURED = "measured"  # a number, neither good nor bad
    UNFINISHED = "unfinished"  # it took longer than a check may


class Failed(Exception):
    """What an optimizer does wrong, in a line."""


@dataclass(frozen=True)
class Measurement:
    """A number and how it reads, e.g. ``Measurement(2.0, "2.00 bytes of state per …")``."""

    value: float
    text: str


@dataclass(frozen=True)
class Check(Generic[S]):
    """One question to an optimizer (its ``OptimizerSpec``) or a task (a ``Subject``).

    Attributes:
        name: key in JSON, e.g. ``nan_gradient``.
        title: what a good optimizer does, e.g. ``passes a NaN gradient on``.
        fault: the same for one that does not, e.g. ``hides NaN``.
        meaning: what a failure means for trials, one sentence.
        run: returns a detail or a number. Raises Failed or ``bench.spec.NotApplicable``; any other
            exception is a failure too.
        as_is: at the YAML's own learning rate, even where the tiny problems diverge at it.
    """

    name: str
    title: str
    fault: str
    meaning: str
    run: Callable[[S], str | Measurement]
    as_is: bool = False


@dataclass(frozen=True)
class Finding:
    """A check's answer about one optimizer.

    Attributes:
        value: the number where it is a measurement.
        raised: whether it failed by an exception.
        printed: what its package printed meanwhile, each line once.
    """

    check: Check[Any]
    grade: Grade
    detail: str = ""
    value: float | None = None
    raised: bool = False
    printed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """All findings about one optimizer or task.

    Attributes:
        spec: the optimizer, or a trial of the task.
        reference: link to paper or code, as an optimizer's YAML has it; what a task's says of it.
        refused: why it cannot even be built; then there are no findings.
        warnings: what its package warned of meanwhile, each once.
        printed: what it printed meanwhile, each line once.
    """

    spec: OptimizerSpec | TrialSpec
    reference: str = ""
    findings: tuple[Finding, ...] = ()
    refused: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    printed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the optimizer or task."""
        return self.spec.task.name if isinstance(self.spec, TrialSpec) else self.spec.name

    @property
    def notes(self) -> list[str]:
        """Facts about the YAML that are no fault: ranges that do not hold the default."""
        if isinstance(self.spec, TrialSpec):
            return []
        space, known = self.spec.search_space, hyperparameters(self.spec)
        return [
            f"search_space.{one.name}={space[one.name]} does not hold the default "
            f"{known.get(one.name)}; a study still tries the default first in each tuning"
            for one in find_outside(space, known)
        ]

    def having(self, grade: Grade) -> list[Finding]:
        """The findings of this grade, in the order of the checks."""
        return [finding for finding in self.findings if finding.grade is grade]

    @property
    def failed(self) -> list[Finding]:
        return self.having(Grade.FAILED)

    @property
    def unfinished(self) -> list[Finding]:
        return self.having(Grade.UNFINISHED)

    @property
    def wrong(self) -> list[Finding]:
        """What did not pass, or took too long."""
        return [*self.failed, *self.unfinished]

    @property
    def clean(self) -> bool:
        """Whether every check that applies to it passed."""
        return not (self.refused or self.wrong)

    @property
    def score(self) -> str:
        """``17/18``: passed, of those that apply."""
        passed = len(self.having(Grade.PASSED))
        return f"{passed}/{passed + len(self.wrong)}"

    def value(self, name: str) -> float | None:
        """The number that the check of this name measured."""
        found = [finding.value for finding in self.findings if finding.check.name == name]
        return found[0] if found else None
