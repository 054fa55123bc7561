"""The core of every sweep: specs in, outcomes out. What makes the specs is a sweeper's business."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.spec import RefusedInput, Status, TrialResult, TrialSpec
from bench.sweeps import preflight, progress
from bench.sweeps.execute import Outcomes, stands
from bench.sweeps.launchers.base import Launch
from bench.sweeps.progress import Told, each


def run(
    specs: Sequence[TrialSpec],
    uri: str,
    launch: Launch,
    size: int | None = None,
    telling: Callable[[Sequence[TrialSpec]], Told] = each,
    prepare: Callable[[Sequence[TrialSpec]], None] | None = None,
) -> Outcomes:
    """Answer from the record, check, launch, collect. Every trial ends as a row of the store.

    Args:
        specs: trials of one study; equal ones run once.
        size: trials launched at a time; None for all.
        telling: makes of the trials to run what hears of their ends; by default a line each.
        prepare: hears of what is to run before anything is built.

    Returns:
        How each trial ended, by ``config_hash``.

    Raises:
        RefusedInput: a trial cannot be built; nothing has trained.
    """
    from bench import tracking
    from bench.sweeps import execute

    study = _study(specs)
    wanted = {spec.config_hash: spec for spec in specs}
    recorded = tracking.resume(uri, study)
    known = {key: recorded[key] for key, spec in wanted.items() if stands(spec, recorded.get(key))}
    outcomes = {key: (wanted[key], result) for key, result in known.items()}
    new = {key: spec for key, spec in wanted.items() if key not in known}
    if prepare is not None:
        prepare(list(new.values()))
    inapplicable = preflight.check_trials(new.values())
    progress.assumed(specs)
    progress.say_data_notes(specs)
    progress.say(
        f"study {study}: {len(wanted)} trials, {len(outcomes)} recorded, "
        f"{len(new) - len(inapplicable)} to run"
        + (f"; the record is up to {progress.age(*known.values())}" if known else "")
    )
    for key, reason in inapplicable.items():
        outcomes[key] = new[key], execute.skip(new[key], uri, reason)
        progress.say(progress.shown(*outcomes[key]))
    pending = [spec for key, spec in new.items() if key not in inapplicable]
    told = telling(pending)
    places = {spec.config_hash: at for at, spec in enumerate(pending)}
    while pending:
        outcomes |= _launched(pending, launch, size, lambda key, one: told(places[key], one))
        taken = [one for one in pending if outcomes[one.config_hash][1].status is Status.ELSEWHERE]
        answered = {}
        if taken:
            progress.say(f"study {study}: another process runs {len(taken)} of them; waiting")
            answered = execute.others(taken, uri)
        for spec in taken:
            if (key := spec.config_hash) in answered:
                outcomes[key] = spec, answered[key]
                told(places[key], answered[key])
        pending = [spec for spec in taken if spec.config_hash not in answered]
    return outcomes


def _launched(
    specs: Sequence[TrialSpec],
    launch: Launch,
    size: int | None,
    told: Callable[[str, TrialResult], None],
) -> Outcomes:
    """Each trial once, ``size`` at a time; ``told`` hears of those that ended here."""
    outcomes: Outcomes = {}
    step = size or len(specs)
    for start in range(0, len(specs), step):
        part = specs[start : start + step]

        def heard(at: int, result: TrialResult, part: Sequence[TrialSpec] = part) -> None:
            if result.status is not Status.ELSEWHERE:
                told(part[at].config_hash, result)

        ended = launch(part, heard)
        outcomes |= {
            one.config_hash: (one, result) for one, result in zip(part, ended, strict=True)
        }
    return outcomes


def failures(outcomes: Outcomes) -> list[str]:
    """A line for each trial that failed."""
    failed = (each for each in outcomes.values() if each[1].status is Status.FAILED)
    return [f"{spec.label()}: {result.reason}" for spec, result in failed]


def _study(specs: Sequence[TrialSpec]) -> str:
    studies = {spec.context.study for spec in specs}
    if len(studies) > 1:
        raise RefusedInput(f"study={','.join(sorted(studies))}: one sweep belongs to one study")
    return studies.pop()
