"""The core of every sweep: specs in, outcomes out. What makes the specs is a sweeper's business."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench import build, progress
from bench.progress import Told, each
from bench.spec import Outcome, RefusedInput, Status, TrialSpec
from bench.sweeps.launchers import Launch


def run(
    specs: Sequence[TrialSpec],
    uri: str,
    launch: Launch,
    size: int | None = None,
    telling: Callable[[Sequence[TrialSpec]], Told] = each,
) -> dict[str, Outcome]:
    """Answer from the record, check, launch, collect. Every trial ends as a row of the store.

    Args:
        specs: trials of one study; equal ones run once.
        size: trials launched at a time; None for all.
        telling: makes of the trials to run what hears of their ends; by default a line each.

    Returns:
        How each trial ended, by ``config_hash``.

    Raises:
        RefusedInput: a trial cannot be built; nothing has trained.
    """
    from bench import record, tracking

    study = _study(specs)
    wanted = {spec.config_hash: spec for spec in specs}
    known = tracking.resume(uri, study)
    outcomes = {
        key: record.outcome(spec, known[key]) for key, spec in wanted.items() if key in known
    }
    new = {key: spec for key, spec in wanted.items() if key not in known}
    inapplicable = build.check(new.values())
    progress.assumed(specs)
    progress.say(
        f"study {study}: {len(wanted)} trials, {len(outcomes)} recorded, "
        f"{len(new) - len(inapplicable)} to run"
    )
    for key, reason in inapplicable.items():
        outcomes[key] = record.skip(new[key], uri, reason)
        progress.say(outcomes[key]["line"])
    pending = [spec for key, spec in new.items() if key not in inapplicable]
    told, step = telling(pending), size or max(1, len(pending))
    for start in range(0, len(pending), step):
        part = pending[start : start + step]
        ended = launch(part, lambda at, outcome, start=start: told(start + at, outcome))
        outcomes |= {spec.config_hash: one for spec, one in zip(part, ended, strict=True)}
    return outcomes


def failures(outcomes: Mapping[str, Outcome]) -> list[str]:
    """A line for each trial that failed."""
    failed = (one for one in outcomes.values() if one["status"] == Status.FAILED)
    return [f"{one['label']}: {one['reason']}" for one in failed]


def _study(specs: Sequence[TrialSpec]) -> str:
    studies = {spec.study for spec in specs}
    if len(studies) > 1:
        raise RefusedInput(f"study={','.join(sorted(studies))}: one sweep belongs to one study")
    return studies.pop()
