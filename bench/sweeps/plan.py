"""The plan of a fair study as plain data: its entrants, tunings and seeds, and the trials of each.

The space is declared before anything runs. Every tuning tries the same number of settings, chooses
one on seeds that are never reported, and reports it once on a seed of its own. The default is
reported beside the tunings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.spec import Phase, RefusedInput, TrialSpec, Tuning, protocol
from bench.spec.hyperparameters import at
from bench.spec.suggest import suggest
from bench.sweeps.search import check_sampler

RANKS = ("final", "steps_to_target")


@dataclass(frozen=True)
class Plan:
    """A study before it runs.

    Attributes:
        bases: one spec a task and entrant, at the entrant's default; seed and phase are none.
        points: settings of each tuning, the default among them; the same for every entrant.
        tuning_seeds: seeds that a tuning tries each of its settings on.
        rerank: so many of its best settings are tried on one more seed; 0: none.
        repeats: tunings of every entrant, each on settings and seeds of its own.
        reference_factor: the reference is tuned so many times as often.
        sampler, rank, seed: how settings are drawn, how they are ranked, the seed of the draws.
        reporting_seeds: seeds that the default is reported on.
    """

    bases: tuple[TrialSpec, ...]
    points: int
    tuning_seeds: int
    rerank: int
    repeats: int
    reference_factor: int
    sampler: str
    rank: str
    seed: int
    reporting_seeds: int

    @property
    def study(self) -> str:
        return self.bases[0].context.study

    def points_of(self, base: TrialSpec) -> int:
        """Count the settings of this entrant in each tuning: none where it declares no space."""
        return self.points if base.optimizer.search_space else 0

    def repeats_of(self, base: TrialSpec) -> range:
        """Return the numbers of its tunings."""
        is_reference = base.optimizer.name == base.origin.reference
        return range(self.most_repeats(is_reference) if self.points_of(base) else 0)

    def most_repeats(self, is_reference: bool) -> int:
        """Count the tunings of the reference or of another optimizer."""
        return self.repeats * (self.reference_factor if is_reference else 1)

    def selection_trials(
        self,
        base: TrialSpec,
        repeat: int,
        index: int,
        point: Mapping[str, Any],
        *,
        again: bool = False,
    ) -> list[TrialSpec]:
        """Return the trials that try a setting; they never open the test split.

        Args:
            again: on one more seed.
        """
        spec = self._at(base, Phase.SELECT, repeat, index, point)
        seeds = protocol.selection_seeds(repeat, self.tuning_seeds + again)
        return [replace(spec, seed=seed) for seed in seeds]

    def report_trial(
        self, base: TrialSpec, repeat: int, index: int, point: Mapping[str, Any]
    ) -> TrialSpec:
        """Return the one trial that reports the choice of a tuning."""
        spec = self._at(base, Phase.REPORT, repeat, index, point)
        return replace(spec, seed=protocol.reporting_seed(repeat))

    def default_trials(self, base: TrialSpec) -> list[TrialSpec]:
        """Return the trials that report the default."""
        spec = self._at(base, Phase.REPORT, 0, None, {})
        return [replace(spec, seed=s) for s in protocol.default_seeds(self.reporting_seeds)]

    def _at(
        self,
        base: TrialSpec,
        phase: Phase,
        repeat: int,
        index: int | None,
        point: Mapping[str, Any],
    ) -> TrialSpec:
        tuning = Tuning(
            space=base.optimizer.search_space,
            sampler=self.sampler,
            seed=self.seed,
            points=self.points_of(base),
            repeat=repeat,
            index=index,
            rank=self.rank,
            draw=protocol.DRAW,
            repeats=max(1, len(self.repeats_of(base))),
            seeds=self.reporting_seeds,
            rerank=self.rerank if self.points_of(base) else 0,
        )
        optimizer = at(base.optimizer, point)
        origin = replace(base.origin, tuning=tuning)
        return replace(base, optimizer=optimizer, phase=phase, origin=origin)


def make_plan(bases: Sequence[TrialSpec], tuning: Mapping[str, Any], reporting: int) -> Plan:
    """Make a plan from the keys ``tuning.*`` and ``reporting.seeds``, checked.

    Raises:
        RefusedInput: naming key, value and remedy.
    """
    least = {"trials": 0, "seeds": 1, "repeats": 1, "reference_factor": 1, "seed": 0, "rerank": 0}
    for key, low in least.items():
        if tuning[key] < low:
            raise RefusedInput(f"tuning.{key}={tuning[key]}: it has to be at least {low}")
    most = protocol.SEEDS_A_TUNING - (tuning["rerank"] > 0)
    if tuning["seeds"] > most:
        raise RefusedInput(
            f"tuning.seeds={tuning['seeds']}: each tuning has {protocol.SEEDS_A_TUNING} seeds of "
            f"its own. Use at most {most}."
        )
    if tuning["rerank"] and not 2 <= tuning["rerank"] <= tuning["trials"]:
        raise RefusedInput(
            f"tuning.rerank={tuning['rerank']}: so many of the tuning.trials={tuning['trials']} "
            "settings of a tuning cannot compete again. Use 0 for none, or 2 to tuning.trials."
        )
    tunings = tuning["repeats"] * tuning["reference_factor"]
    if tunings > protocol.MOST_TUNINGS:
        raise RefusedInput(
            f"tuning.repeats={tuning['repeats']}: with tuning.reference_factor="
            f"{tuning['reference_factor']} these are {tunings} tunings of the reference. Use at "
            f"most {protocol.MOST_TUNINGS}."
        )
    if not 1 <= reporting <= protocol.REPORTING_SEEDS:
        raise RefusedInput(
            f"reporting.seeds={reporting}: it has to be between 1 and {protocol.REPORTING_SEEDS}, "
            "where the seeds of tunings begin"
        )
    check_sampler(tuning["sampler"])
    if tuning["rank"] not in RANKS:
        raise RefusedInput(
            f"tuning.rank={tuning['rank']}: unknown; {suggest(tuning['rank'], RANKS)}"
        )
    return Plan(
        bases=tuple({base.config_hash: base for base in bases}.values()),
        points=tuning["trials"],
        tuning_seeds=tuning["seeds"],
        rerank=tuning["rerank"],
        repeats=tuning["repeats"],
        reference_factor=tuning["reference_factor"],
        sampler=tuning["sampler"],
        rank=tuning["rank"],
        seed=tuning["seed"],
        reporting_seeds=reporting,
    )
