"""All checks of one optimizer, and how one of them is judged."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import build
from bench.check import converges
from bench.check.checks import CHECKS
from bench.check.findings import Check, Failed, Finding, Grade, Measurement, Report, S
from bench.check.problems import standard
from bench.check.tasks import TASK_CHECKS, Subject
from bench.spec import NotApplicable, OptimizerSpec, RefusedInput, TrialSpec


def examine(
    spec: OptimizerSpec, reference: str = "", on_check: Callable[[Check[Any]], None] | None = None
) -> Report:
    """Every check of one optimizer; ``on_check`` hears of each before it begins.

    Raises:
        RefusedInput: it cannot be built.
    """
    began = time.perf_counter()
    findings: list[Finding] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # the cycle that this warns of ends with the next zero_grad, which frees the gradients
        warnings.filterwarnings("ignore", message=".*create_graph=True.*", category=UserWarning)
        spec, tamed = _ready(spec)
        for check in CHECKS:
            if on_check is not None:
                on_check(check)
            findings.append(judge(check, spec if check.as_is else tamed))
            if findings[0].grade is Grade.FAILED:
                break
    said = dict.fromkeys(str(warning.message).split("\n", maxsplit=1)[0] for warning in caught)
    seconds = time.perf_counter() - began
    return Report(spec, reference, tuple(findings), "", tuple(said), seconds)


def examine_task(
    trial: TrialSpec, reference: str = "", on_check: Callable[[Check[Any]], None] | None = None
) -> Report:
    """Every check of the task of a trial; ``on_check`` hears of each before it begins.

    Raises:
        RefusedInput: it cannot be built.
    """
    began = time.perf_counter()
    subject = Subject.of(trial)
    findings: list[Finding] = []
    for check in TASK_CHECKS:
        if on_check is not None:
            on_check(check)
        findings.append(judge(check, subject))
    return Report(trial, reference, tuple(findings), seconds=time.perf_counter() - began)


def _ready(spec: OptimizerSpec) -> tuple[OptimizerSpec, OptimizerSpec]:
    """The optimizer with a learning rate, and with one at which nothing diverges.

    Raises:
        RefusedInput: it cannot be built.
    """
    try:
        build.optimizer(spec, standard(spec))
        spec = converges.rated(spec)
        return spec, converges.tamed(spec)
    except RefusedInput:
        raise
    except Exception:  # the first check meets it again, and says what it is
        return spec, spec


def judge(check: Check[S], spec: S) -> Finding:
    """How one check ends. An exception inside it is a failure with its line, never a crash."""
    try:
        said = check.run(spec)
    except NotApplicable as reason:
        return Finding(check, Grade.NOT_APPLICABLE, str(reason))
    except Failed as fault:
        return Finding(check, Grade.FAILED, str(fault))
    except Exception as error:
        return Finding(check, Grade.FAILED, _raised(error), raised=True)
    if isinstance(said, Measurement):
        return Finding(check, Grade.MEASURED, said.text, said.value)
    return Finding(check, Grade.PASSED, said)


def _raised(error: Exception) -> str:
    """``TypeError: … (lion.py:97)``: what was raised and where."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    words = str(error).split("\n", maxsplit=1)[0]
    name = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return f"{name} ({Path(frame.filename).name}:{frame.lineno})"
