"""All checks of one optimizer, and how one of them is judged."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from bench.build import components
from bench.check import converges
from bench.check.checks import CHECKS
from bench.check.findings import Check, Failed, Finding, Grade, Measurement, Report, S
from bench.check.problems import make_standard
from bench.check.tasks import TASK_CHECKS, Subject
from bench.runtime import capture
from bench.runtime.guard import raise_stop
from bench.runtime.timeout import time_limit
from bench.spec import NotApplicable, OptimizerSpec, RefusedInput, TrialSpec
from bench.spec.errors import TimeLimitExceeded, describe_error
from bench.spec.needs import add_hint

SECONDS = 120.0
"""That a check may take: enough to compile an update once, not at each of many shapes."""


def examine(
    spec: OptimizerSpec,
    reference: str = "",
    on_check: Callable[[Check[Any]], None] | None = None,
    seconds: float = SECONDS,
) -> Report:
    """Every check of one optimizer.

    Args:
        on_check: hears of each check before it begins.
        seconds: that a check may take.

    Raises:
        RefusedInput: it cannot be built.
    """
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # the cycle that this warns of ends with the next zero_grad, which frees the gradients
        warnings.filterwarnings("ignore", message=".*create_graph=True.*", category=UserWarning)
        with capture.capture_output() as lines:
            spec, tamed = _prepare(spec, seconds)
        if tamed is None:
            findings = [Finding(CHECKS[0], Grade.UNFINISHED, _describe_timeout(seconds))]
        else:
            asked = [(check, spec if check.as_is else tamed) for check in CHECKS]
            findings = list(_run_checks(asked, on_check, seconds))
    warned = [str(warning.message).split("\n", maxsplit=1)[0] for warning in caught]
    printed = chain(lines, *(one.printed for one in findings))
    return Report(
        spec,
        reference,
        tuple(findings),
        warnings=tuple(dict.fromkeys(warned)),
        printed=tuple(dict.fromkeys(printed)),
        seconds=time.perf_counter() - began,
    )


def examine_task(
    trial: TrialSpec,
    reference: str = "",
    on_check: Callable[[Check[Any]], None] | None = None,
    seconds: float = SECONDS,
) -> Report:
    """Every check of the task of a trial, as ``examine`` does of an optimizer."""
    began = time.perf_counter()
    subject = Subject.of(trial)
    findings = tuple(_run_checks([(check, subject) for check in TASK_CHECKS], on_check, seconds))
    return Report(trial, reference, findings, seconds=time.perf_counter() - began)


def _run_checks(
    questions: Iterable[tuple[Check[S], S]],
    on_check: Callable[[Check[Any]], None] | None,
    seconds: float,
) -> Iterator[Finding]:
    """Of every check; of the first alone where that goes wrong."""
    for number, (check, subject) in enumerate(questions):
        if on_check is not None:
            on_check(check)
        with capture.capture_output() as lines:
            finding = judge(check, subject, seconds)
        yield replace(finding, printed=tuple(lines))
        if number == 0 and finding.grade in (Grade.FAILED, Grade.UNFINISHED):
            return


def _prepare(spec: OptimizerSpec, seconds: float) -> tuple[OptimizerSpec, OptimizerSpec | None]:
    """The optimizer with a learning rate, and with one at which nothing diverges.

    None for the second where that took longer than a check may.

    Raises:
        RefusedInput: it cannot be built.
    """
    try:
        with time_limit(seconds):
            components.build_optimizer(spec, make_standard(spec))
            spec = converges.resolve_rate(spec)
            return spec, converges.tame_rate(spec)
    except RefusedInput:
        raise
    except TimeLimitExceeded:
        return spec, None
    except BaseException as error:  # the first check meets it again, and says what it is
        raise_stop(error)
        return spec, spec


def judge(check: Check[S], spec: S, seconds: float = SECONDS) -> Finding:
    """How one check ends. An exception inside it is a failure with its line, never a crash."""
    try:
        with time_limit(seconds):
            answer = check.run(spec)
    except NotApplicable as reason:
        return Finding(check, Grade.NOT_APPLICABLE, str(reason))
    except Failed as fault:
        return Finding(check, Grade.FAILED, str(fault))
    except TimeLimitExceeded:
        return Finding(check, Grade.UNFINISHED, _describe_timeout(seconds))
    except BaseException as error:
        raise_stop(error)
        words = _describe_exception(error, getattr(spec, "needs", ()))
        return Finding(check, Grade.FAILED, words, raised=True)
    if isinstance(answer, Measurement):
        return Finding(check, Grade.MEASURED, answer.text, answer.value)
    return Finding(check, Grade.PASSED, answer)


def _describe_timeout(seconds: float) -> str:
    return (
        f"takes longer than {seconds:g} s; if it compiles, an argument of it may turn that off, "
        "else give it longer with --limit SECONDS"
    )


def _describe_exception(error: BaseException, needs: tuple[str, ...]) -> str:
    """``TypeError: … (lion.py:97)``: what was raised and where."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    words = describe_error(error).split("\n", maxsplit=1)[0]
    return add_hint(f"{words} ({Path(frame.filename).name}:{frame.lineno})", needs)
