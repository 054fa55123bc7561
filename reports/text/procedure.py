"""The procedure of a study in three sentences, with the numbers of this study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.spec import protocol
from reports.analysis.arms import Arm, Kind
from reports.analysis.study import Study

TEST = (
    "Two optimizers differ where an exact rank-sum test over these independent results, summed "
    "over tasks for overall verdicts, shows it after Holm's correction over the whole report."
)


def describe_procedure(study: Study) -> str:
    """Say how the results came about and what a difference is, as one paragraph."""
    tuned = [arm for arm in study.arms if arm.kind is Kind.TUNED]
    newest = [arm for arm in tuned if arm.standing.draw >= protocol.DRAW]
    if newest:
        return f"{_describe_tunings(newest, study.reference)} {TEST}"
    if tuned:
        return (
            f"Every optimizer was tuned once, with {_range(arm.tried for arm in tuned)} settings; "
            "its choice was trained with several seeds. One tuning is one result, so tuned rows "
            f"have no verdict. {TEST}"
        )
    seeds = _range(len(arm.results) for arm in study.arms)
    return f"Nothing was tuned: every optimizer was trained with {seeds} seeds. {TEST}"


def _describe_tunings(tuned: list[Arm], reference: str) -> str:
    own = [arm.tunings for arm in tuned if arm.optimizer == reference]
    others = [arm.tunings for arm in tuned if arm.optimizer != reference] or own
    more = f", the reference {_times(own)}" if own and set(own) != set(others) else ""
    drawn = {arm.tried - 1 for arm in tuned}
    settings = f"{_range(drawn)} setting{'' if drawn == {1} else 's'}"
    return (
        f"Every optimizer is tuned {_times(others)} on every task{more}. Each tuning tries the "
        f"optimizer's default and {settings} of its own, on a validation seed of its own; its best "
        "setting is then trained once with a fresh seed and tested."
    )


def _times(counts: Sequence[int]) -> str:
    """``once``, ``10 times``, ``4 to 10 times``."""
    return "once" if set(counts) == {1} else f"{_range(counts)} times"


def _range(counts: Iterable[int]) -> str:
    """``10``, ``8 to 10``."""
    found = sorted(set(counts)) or [0]
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"
