"""The plan of a fair study as plain data: its entrants, points and seeds, and the trials of each.

Rules 2 to 7 of the protocol: the space is declared before, every entrant has the same budget,
points are chosen on seeds that are never reported, and the default is reported beside the chosen
point.
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
        bases: one spec a task and entrant, at the entrant's default point; seed and phase are none.
        points: of the search space in each tuning; the tuning budget is the same for every entrant.
        tuning_seeds: seeds a point is tried on.
        repeats: tunings, each on points of its own.
        sampler, rank, seed: how points are drawn, how they are ranked, the seed of the draw.
        reporting_seeds: seeds that the default and the chosen points are reported on.
    """

    bases: tuple[TrialSpec, ...]
    points: int
    tuning_seeds: int
    repeats: int
    sampler: str
    rank: str
    seed: int
    reporting_seeds: int

    @property
    def study(self) -> str:
        return self.bases[0].context.study

    def points_of(self, base: TrialSpec) -> int:
        """Count the points of this entrant in each tuning: none where it declares no space."""
        return self.points if base.optimizer.search_space else 0

    def repeats_of(self, base: TrialSpec) -> range:
        """Return the indices of its tunings."""
        return range(self.repeats if self.points_of(base) else 0)

    def selection_trials(
        self, base: TrialSpec, repeat: int, index: int, point: Mapping[str, Any]
    ) -> list[TrialSpec]:
        """Return the trials that try a point, one a tuning seed; they never open the test split."""
        spec = self._at(base, Phase.SELECT, repeat, index, point)
        return [replace(spec, seed=s) for s in protocol.selection_seeds(self.tuning_seeds)]

    def report_trials(
        self,
        base: TrialSpec,
        repeat: int = 0,
        index: int | None = None,
        point: Mapping[str, Any] | None = None,
    ) -> list[TrialSpec]:
        """Return the trials that report a chosen point or the default, one a fresh seed."""
        spec = self._at(base, Phase.REPORT, repeat, index, point or {})
        return [replace(spec, seed=s) for s in protocol.reporting_seeds(self.reporting_seeds)]

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
        )
        optimizer = at(base.optimizer, point)
        origin = replace(base.origin, tuning=tuning)
        return replace(base, optimizer=optimizer, phase=phase, origin=origin)


def make_plan(bases: Sequence[TrialSpec], tuning: Mapping[str, Any], reporting: int) -> Plan:
    """Make a plan from the keys ``tuning.*`` and ``reporting.seeds``, checked.

    Raises:
        RefusedInput: naming key, value and remedy.
    """
    least = {"trials": 0, "seeds": 1, "repeats": 1, "seed": 0}
    for key, low in least.items():
        if tuning[key] < low:
            raise RefusedInput(f"tuning.{key}={tuning[key]}: has to be at least {low}")
    most = protocol.SELECTION_SEEDS
    if not 1 <= reporting <= most:
        raise RefusedInput(f"reporting.seeds={reporting}: has to be between 1 and {most}")
    check_sampler(tuning["sampler"])
    if tuning["rank"] not in RANKS:
        raise RefusedInput(
            f"tuning.rank={tuning['rank']}: unknown; {suggest(tuning['rank'], RANKS)}"
        )
    return Plan(
        bases=tuple({base.config_hash: base for base in bases}.values()),
        points=tuning["trials"],
        tuning_seeds=tuning["seeds"],
        repeats=tuning["repeats"],
        sampler=tuning["sampler"],
        rank=tuning["rank"],
        seed=tuning["seed"],
        reporting_seeds=reporting,
    )
