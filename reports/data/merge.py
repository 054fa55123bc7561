"""The trials of baselines beside one's own: what joins, what is left out, what is refused.

Entrants that only a baseline has become rows of their own. Of an entrant that both have the trials
are pooled: they are the same but for the seed where settings, optimizer and schedule are, and one's
own stands where both ran the same trial. Refused is what would be compared or pooled though it is
not the same: other settings of a task, another optimizer under one name, tuning by another draw.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bench.spec import Phase, RefusedInput, TrialRecord, digest, protocol
from bench.spec.hyperparameters import flat
from reports.data.ids import setting_id

Records = Sequence[TrialRecord]
Place = tuple[str, str]
"""Id of a setting, and the entrant's name."""


def merge_baselines(
    own: Records, baselines: Mapping[str, Records]
) -> tuple[list[TrialRecord], list[str]]:
    """Merge the trials of a report, one's own first; also return sentences on the baselines'.

    Args:
        own: may be empty; then the first baseline stands for them.
        baselines: by name.

    Raises:
        RefusedInput: with every difference, where it is, both values and the way out.
    """
    records, notes = list(own), []
    for name, theirs in baselines.items():
        joined, remarks = (list(theirs), []) if not records else _join(records, theirs, name)
        ran = {record.config_hash for record in records}
        fresh = [record for record in joined if record.config_hash not in ran]
        notes += [_count_joined(name, fresh, len(joined) - len(fresh)), *remarks]
        records += fresh
    return records, notes


def check_draws(records: Records, where: str) -> None:
    """Refuse trials of one entrant that were tuned by several draws: they are no one tuning.

    Args:
        where: names the studies.
    """
    for (_, entrant), own in _by_place(records).items():
        newest = max(map(_design, own))
        draws = {
            digest(draw): draw for one in own if _design(one) == newest and (draw := _draw(one))
        }
        if len(draws) > 1:
            first, second, *_ = draws.values()
            listed = "; ".join(f"{key}: {a} and {b}" for key, a, b in _differences(first, second))
            raise RefusedInput(
                f"{where}: {entrant} on {_task(own[0])} was tuned by several draws ({listed}); "
                "report the studies apart, or leave it out with optimizer=…"
            )


def _join(own: Records, theirs: Records, name: str) -> tuple[list[TrialRecord], list[str]]:
    """Select the trials of one baseline that belong beside one's own."""
    if not theirs:
        return [], [f"{name}: nothing of it is left by the filters"]
    tasks = {_task(record) for record in own}
    absent = sorted({_task(record) for record in theirs} - tasks)
    shared = [record for record in theirs if _task(record) in tasks]
    if not shared:
        raise RefusedInput(
            f"compare={name}: it has trials on {', '.join(absent) or 'no task'} and this study on "
            f"{', '.join(sorted(tasks))}; run one of its tasks"
        )
    settings = _settings(own)
    for task, there in _by_task(_settings(shared)).items():
        here = _by_task(settings)[task]
        if not here.keys() & there.keys():
            _refuse_settings(name, task, next(iter(here.values())), next(iter(there.values())))
    joined = [record for record in shared if _setting(record) in settings]
    _refuse_phases(name, own, joined)
    _refuse_entrants(name, own, joined)
    other = len(shared) - len(joined)
    joined, older = _drop_older_designs(own, joined)
    remarks = []
    if older:
        remarks.append(
            f"{name}: tunings of {', '.join(sorted(older))} by an older version are left out; "
            "those of this study stand"
        )
    if absent:
        remarks.append(
            f"{name}: left out, for no trial of this study is on it: {', '.join(absent)}"
        )
    if other:
        remarks.append(
            f"{name}: {other} trials under settings that this study has not are left out"
        )
    if alone := sorted(tasks - {_task(record) for record in theirs}):
        remarks.append(f"{name}: has no trial on {', '.join(alone)}, where this study stands alone")
    return joined, remarks


def _refuse_settings(
    name: str, task: str, here: Mapping[str, Any], there: Mapping[str, Any]
) -> None:
    differences = "; ".join(
        f"{key} is {a} here and {b} there" for key, a, b in _differences(flat(here), flat(there))
    )
    raise RefusedInput(
        f"compare={name}: {task} has other settings: {differences}. "
        "Run this task as the baseline did, or leave it out with task=…"
    )


def _refuse_phases(name: str, own: Records, theirs: Records) -> None:
    """Refuse a sweep that explores and a study that reports in one table."""
    here, there = _studied(own), _studied(theirs)
    for record in theirs:
        setting = _setting(record)
        if setting in there - here:
            raise RefusedInput(
                f"compare={name}: on {_task(record)} it reports points by a declared plan and this "
                "study only explores; run yours as a study too: optbench -m hydra/sweeper=study …"
            )
        if setting in here - there:
            raise RefusedInput(
                f"compare={name}: on {_task(record)} it only explores and this study reports "
                "points by a declared plan; compare with the baseline of a study"
            )


def _studied(records: Records) -> set[str]:
    return {_setting(record) for record in records if record.phase is not Phase.EXPLORE}


def _refuse_entrants(name: str, own: Records, theirs: Records) -> None:
    here, there = _by_place(own), _by_place(theirs)
    refused: dict[tuple[str, ...], None] = {}
    for place in sorted(here.keys() & there.keys()):
        differences = [
            *_optimizer_differences(here[place], there[place]),
            *_draw_differences(here[place], there[place]),
        ]
        for key, ours, others in differences:
            refused[place[1], f"{key} is {ours} here and {others} there"] = None
    if refused:
        listed = "; ".join(": ".join(difference) for difference in refused)
        raise RefusedInput(
            f"compare={name}: one name, but not the same optimizer: {listed}. Give yours another "
            "name (bench.name in its YAML), run it as the baseline did, or leave it out with "
            "optimizer=…"
        )


def _optimizer_differences(here: Records, there: Records) -> Iterator[tuple[str, str, str]]:
    """List where two optimizers differ beyond the points that were tried."""
    for ours, our_point in _optimizers(here):
        for theirs, their_point in _optimizers(there):
            for key, a, b in _differences(ours, theirs):
                if _hyperparameter(key) not in our_point | their_point:
                    yield f"optimizer.{key}", a, b


def _draw_differences(here: Records, there: Records) -> Iterator[tuple[str, str, str]]:
    """List where tunings of one design differ; those of two designs are never pooled."""
    ours, theirs = (
        {_design(r): draw for r in all_ if (draw := _draw(r))} for all_ in (here, there)
    )
    for design in ours.keys() & theirs.keys():
        yield from _differences(ours[design], theirs[design])


def _drop_older_designs(own: Records, joined: Records) -> tuple[list[TrialRecord], set[str]]:
    """Drop tunings of an entrant whose own are of a newer design; also return who it was."""
    newest: dict[Place, int] = {}
    for record in own:
        if _draw(record):
            place = _setting(record), protocol.entrant(record.config)
            newest[place] = max(newest.get(place, 0), _design(record))
    kept, dropped = [], set()
    for record in joined:
        place = _setting(record), protocol.entrant(record.config)
        is_tuned = record.tuning is not None and record.tuning.index is not None
        if is_tuned and _design(record) < newest.get(place, 0):
            dropped.add(place[1])
        else:
            kept.append(record)
    return kept, dropped


def _design(record: TrialRecord) -> int:
    return record.tuning.draw if record.tuning else 0


def _draw(record: TrialRecord) -> dict[str, Any]:
    """Return what two parts of one tuning share; empty where nothing was tuned."""
    tuning = record.tuning
    if tuning is None or not tuning.space:
        return {}
    return {
        "search_space": json.dumps(dict(tuning.space), sort_keys=True),
        "tuning.sampler": tuning.sampler,
        "tuning.seed": tuning.seed,
        "tuning.rank": tuning.rank,
    }


def _optimizers(records: Records) -> list[tuple[dict[str, Any], frozenset[str]]]:
    """List each distinct optimizer without the hyperparameters of its point, and their names."""
    optimizers = {}
    for record in records:
        point = frozenset(flat(record.point))
        described = flat(record.config["optimizer"])
        rest = {key: value for key, value in described.items() if _hyperparameter(key) not in point}
        optimizers[digest({"of": rest, "without": sorted(point)})] = rest, point
    return list(optimizers.values())


def _hyperparameter(key: str) -> str:
    """Return its name: of ``arguments.lr`` and ``rest.arguments.lr``."""
    return key.removeprefix("arguments.").replace("rest.arguments.", "rest.")


def _differences(
    here: Mapping[str, Any], there: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    for key in {**here, **there}:
        ours, theirs = here.get(key, "absent"), there.get(key, "absent")
        if ours != theirs:
            yield key, str(ours), str(theirs)


def _count_joined(name: str, fresh: Records, known: int) -> str:
    """``embedded: 180 trials join: 100 of lion, 80 of sgd; 20 are this study's own already``."""
    counts = Counter(protocol.entrant(record.config) for record in fresh)
    named = ", ".join(f"{count} of {entrant}" for entrant, count in sorted(counts.items()))
    joined = f"{name}: {len(fresh)} trials join{': ' if named else ''}{named}"
    return f"{joined}; {known} more ran here too, and these stand" if known else joined


def _settings(records: Iterable[TrialRecord]) -> dict[str, dict[str, Any]]:
    """Map each setting's id to the setting."""
    return {_setting(record): protocol.setting(record.config) for record in records}


def _by_task(settings: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    tasks: dict[str, dict[str, dict[str, Any]]] = {}
    for key, setting in settings.items():
        tasks.setdefault(setting["task"]["name"], {})[key] = setting
    return tasks


def _by_place(records: Records) -> dict[Place, list[TrialRecord]]:
    groups: dict[Place, list[TrialRecord]] = {}
    for record in records:
        groups.setdefault((_setting(record), protocol.entrant(record.config)), []).append(record)
    return groups


def _setting(record: TrialRecord) -> str:
    return setting_id(record.config)


def _task(record: TrialRecord) -> str:
    return str(record.config["task"]["name"])
