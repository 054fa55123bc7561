"""The core of every sweep: specs in, outcomes out. A sweeper makes the specs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench import tracking
from bench.spec import ELSEWHERE, Outcome, RefusedInput, Status, TrialResult, TrialSpec
from bench.sweeps import execute, progress
from bench.sweeps.launchers.base import Launch
from bench.sweeps.preflight import check_specs
from bench.sweeps.progress import OnTrialEnd, print_ends
from bench.sweeps.resume import select_results


def run(
    specs: Sequence[TrialSpec],
    uri: str,
    launch: Launch,
    size: int | None = None,
    make_callback: Callable[[Sequence[TrialSpec]], OnTrialEnd] = print_ends,
    prepare: Callable[[Sequence[TrialSpec]], None] | None = None,
    stored: Mapping[str, TrialResult] | None = None,
) -> dict[str, Outcome]:
    """Reuse stored results, check, launch, collect. Every trial ends as a row of the store.

    Args:
        specs: trials of one study; equal ones run once.
        size: trials launched at a time; None for all.
        make_callback: takes the trials to run, returns the callback for their ends.
        prepare: is called with the trials to run before anything is built.
        stored: results of the study that the caller has read; None: they are read here.

    Returns:
        How each trial ended, by ``config_hash``.

    Raises:
        RefusedInput: a trial cannot be built; nothing has trained.
    """
    study = _study(specs)
    wanted = {spec.config_hash: spec for spec in specs}
    if stored is None:
        stored = select_results(tracking.resume(uri, study))
    reused = {k: stored[k] for k, spec in wanted.items() if execute.can_reuse(spec, stored.get(k))}
    outcomes = {key: execute.make_outcome(wanted[key], result) for key, result in reused.items()}
    new = {key: spec for key, spec in wanted.items() if key not in reused}
    if prepare is not None:
        prepare(list(new.values()))
    skipped = check_specs(new.values())
    progress.say_assumptions(specs)
    progress.say(
        f"study {study}: {len(wanted)} trials, {len(outcomes)} recorded, "
        f"{len(new) - len(skipped)} to run"
        + (f"; the record is up to {progress.format_age(*reused.values())}" if reused else "")
    )
    for key, reason in skipped.items():
        outcomes[key] = execute.record_skip(new[key], uri, reason)
        progress.say(progress.format_outcome(outcomes[key]))
    pending = [spec for key, spec in new.items() if key not in skipped]
    return outcomes | _run_pending(pending, uri, launch, size, make_callback(pending))


def _run_pending(
    specs: Sequence[TrialSpec], uri: str, launch: Launch, size: int | None, on_end: OnTrialEnd
) -> dict[str, Outcome]:
    """Run trials until each has ended, here or in another process."""
    index = {spec.config_hash: at for at, spec in enumerate(specs)}
    outcomes: dict[str, Outcome] = {}
    pending = list(specs)
    while pending:
        outcomes |= _launch(pending, launch, size, lambda key, one: on_end(index[key], one))
        taken = [one for one in pending if outcomes[one.config_hash]["status"] == ELSEWHERE]
        results: Mapping[str, TrialResult] = {}
        if taken:
            study = taken[0].study
            progress.say(f"study {study}: another process runs {len(taken)} of them; waiting")
            results = execute.wait_for_others(taken, uri)
        for spec in taken:
            if (key := spec.config_hash) in results:
                outcomes[key] = execute.make_outcome(spec, results[key])
                on_end(index[key], outcomes[key])
        pending = [spec for spec in taken if spec.config_hash not in results]
    return outcomes


def _launch(
    specs: Sequence[TrialSpec],
    launch: Launch,
    size: int | None,
    on_end: Callable[[str, Outcome], None],
) -> dict[str, Outcome]:
    """Run each trial once, ``size`` at a time; call back for those that ended here."""
    outcomes: dict[str, Outcome] = {}
    step = size or len(specs)
    for start in range(0, len(specs), step):
        part = specs[start : start + step]

        def on_part_end(at: int, outcome: Outcome, part: Sequence[TrialSpec] = part) -> None:
            if outcome["status"] != ELSEWHERE:
                on_end(part[at].config_hash, outcome)

        ended = launch(part, on_part_end)
        outcomes |= {spec.config_hash: one for spec, one in zip(part, ended, strict=True)}
    return outcomes


def list_failures(outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return a line for each trial that failed."""
    failed = (one for one in outcomes.values() if one["status"] == Status.FAILED)
    return [f"{one['label']}: {one['reason']}" for one in failed]


def _study(specs: Sequence[TrialSpec]) -> str:
    studies = {spec.study for spec in specs}
    if len(studies) > 1:
        raise RefusedInput(f"study={','.join(sorted(studies))}: one sweep belongs to one study")
    return studies.pop()
