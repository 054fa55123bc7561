"""The core of every sweep: specs in, outcomes out. A sweeper makes the specs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench import tracking
from bench.spec import RefusedInput, Status, TrialResult, TrialSpec
from bench.sweeps import execute, progress
from bench.sweeps.execute import Outcomes
from bench.sweeps.launchers.base import Launch
from bench.sweeps.preflight import check_trials
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
) -> Outcomes:
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
    if stored is None:
        found = tracking.resume(uri, study)
        stored = select_results(found.records)
        if found.unreadable:
            progress.say(found.unreadable)
    wanted: dict[str, TrialSpec] = {}
    for spec in execute.number_trials(specs, uri):
        wanted.setdefault(spec.config_hash, spec)  # of equal settings of a tuning the first stands
    reused = {k: stored[k] for k, spec in wanted.items() if execute.can_reuse(spec, stored.get(k))}
    outcomes = {key: (wanted[key], result) for key, result in reused.items()}
    new = {key: spec for key, spec in wanted.items() if key not in reused}
    if prepare is not None:
        prepare(list(new.values()))
    skipped = check_trials(new.values())
    progress.say_assumptions(specs)
    progress.say_data_notes(specs)
    progress.say(
        f"study {study}: {len(wanted)} trials, {len(outcomes)} recorded, "
        f"{len(new) - len(skipped)} to run"
        + (f"; the record is up to {progress.format_age(*reused.values())}" if reused else "")
    )
    for key, reason in skipped.items():
        outcomes[key] = new[key], execute.record_skip(new[key], uri, reason)
        progress.say(progress.format_end(*outcomes[key]))
    pending = [spec for key, spec in new.items() if key not in skipped]
    return outcomes | _run_pending(pending, uri, launch, size, make_callback(pending))


def _run_pending(
    specs: Sequence[TrialSpec], uri: str, launch: Launch, size: int | None, on_end: OnTrialEnd
) -> Outcomes:
    """Run trials until each has ended, here or in another process."""
    index = {spec.config_hash: at for at, spec in enumerate(specs)}
    outcomes: Outcomes = {}
    pending = list(specs)
    while pending:
        outcomes |= _launch(pending, launch, size, lambda key, one: on_end(index[key], one))
        taken = [one for one in pending if outcomes[one.config_hash][1].status is Status.ELSEWHERE]
        results: Mapping[str, TrialResult] = {}
        if taken:
            study = taken[0].context.study
            progress.say(f"study {study}: another process runs {len(taken)} of them; waiting")
            results = execute.wait_for_others(taken, uri)
        for spec in taken:
            if (key := spec.config_hash) in results:
                outcomes[key] = spec, results[key]
                on_end(index[key], results[key])
        pending = [spec for spec in taken if spec.config_hash not in results]
    return outcomes


def _launch(
    specs: Sequence[TrialSpec],
    launch: Launch,
    size: int | None,
    on_end: Callable[[str, TrialResult], None],
) -> Outcomes:
    """Run each trial once, ``size`` at a time; call back for those that ended here."""
    outcomes: Outcomes = {}
    step = size or len(specs)
    for start in range(0, len(specs), step):
        part = specs[start : start + step]

        def on_part_end(at: int, result: TrialResult, part: Sequence[TrialSpec] = part) -> None:
            if result.status is not Status.ELSEWHERE:
                on_end(part[at].config_hash, result)

        results = launch(part, on_part_end)
        outcomes |= {one.config_hash: (one, end) for one, end in zip(part, results, strict=True)}
    return outcomes


def list_failures(outcomes: Outcomes) -> list[str]:
    """Return a line for each trial that failed."""
    failed = (one for one in outcomes.values() if one[1].status is Status.FAILED)
    return [f"{spec.label()}: {result.reason}" for spec, result in failed]


def _study(specs: Sequence[TrialSpec]) -> str:
    studies = {spec.context.study for spec in specs}
    if len(studies) > 1:
        raise RefusedInput(f"study={','.join(sorted(studies))}: one sweep belongs to one study")
    return studies.pop()
