"""Claims of plans: a study's settings are claimed while a command runs it, as a trial is.

Two commands with one plan share the work. Of two with different plans one is refused, before it
trains: else each would record what the other cannot continue.

A claim is a tag of the study, one a process. Whoever makes a claim writes it first and looks then,
so that of two at least one sees the other; who has it is decided as for trials
(``bench.tracking.claims.decide_claim``). The plan itself is a file of the study's summary run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, NamedTuple

from bench.spec import RefusedInput, Status, digest
from bench.spec.errors import StoreLost
from bench.tracking import claims, owner
from bench.tracking.opening import open_store
from bench.tracking.server import heartbeat
from bench.tracking.store import Store, TrialRun, ensure_study, ensure_summary
from bench.tracking.uri import sqlite_path

PREFIX = "optbench.plan."
OWNER = ("host", "pid", "process")
POLL_S = 0.2
"""Seconds between looks at a claim that another process makes as well."""


class _Claim(NamedTuple):
    """A claim of another process: its tag, what that says, and the process as claims know it."""

    tag: str
    said: dict[str, Any]
    run: TrialRun


@contextmanager
def claim_plan(
    uri: str, study: str, plan: str, find_conflict: Callable[[str], str]
) -> Iterator[None]:
    """Hold the claim of a plan inside.

    Args:
        plan: as text.
        find_conflict: compares with the text of another plan and returns the refusal; empty where
            both may run.

    Raises:
        RefusedInput: another process runs the study with a plan that is in conflict.
    """
    store = open_store(uri, writes=True)
    number = ensure_study(store, study)
    # processes of one machine know of each other from the system
    alive = heartbeat.keep_beating(store, number) if sqlite_path(uri) is None else nullcontext()
    with alive:
        claim = _PlanClaim(store, number, study, plan, find_conflict)
        try:
            claim.make()
            yield
        finally:
            with suppress(StoreLost):  # then it ends with this process
                claim.withdraw()


class _PlanClaim:
    """The claim of this process in one study."""

    def __init__(
        self, store: Store, number: str, study: str, plan: str, find_conflict: Callable[[str], str]
    ) -> None:
        self._store, self._number, self._study = store, number, study
        self._find_conflict = find_conflict
        self._conflicts: dict[str, str] = {}  # by digest of the other plan
        self._owner = owner.identify()
        self._tag = PREFIX + digest({key: self._owner[key] for key in OWNER})
        self._digest = digest({"plan": plan})
        self._run = ensure_summary(store, number, study)
        store.put_text(self._run, _name_file(self._digest), plan)

    def make(self) -> None:
        """Make the claim; wait while it is open who has it."""
        self._say(Status.CLAIMING)
        while True:
            rivals = [one for one in self._find_others() if self._get_conflict(one)]
            verdict = claims.decide_claim(self._tag, [one.run for one in rivals])
            if verdict:
                self._say(Status.RUNNING)
                return
            if verdict is False:
                self.withdraw()
                for one in rivals:
                    if one.said["status"] == Status.RUNNING:
                        raise RefusedInput(self._get_conflict(one))
                time.sleep(POLL_S)
                self._say(Status.CLAIMING)
            time.sleep(POLL_S)

    def withdraw(self) -> None:
        """Give the claim back."""
        self._store.tag_study(self._number, {self._tag: None})

    def _say(self, status: Status) -> None:
        said = {"status": status, "plan": self._digest, "run": self._run, "owner": self._owner}
        self._store.tag_study(self._number, {self._tag: json.dumps(said)})

    def _find_others(self) -> list[_Claim]:
        """Find the claims of processes that are alive; remove those of the others."""
        study = self._store.find_study(self._study)
        assert study is not None
        beats = heartbeat.read_heartbeats(study.tags)
        others, gone = [], []
        for tag, text in study.tags.items():
            if not tag.startswith(PREFIX) or tag == self._tag:
                continue
            one = _parse(tag, text, beats)
            if one is not None and claims.is_running(one.run):
                others.append(one)
            else:
                gone.append(tag)
        if gone:
            self._store.tag_study(self._number, dict.fromkeys(gone))
        return others

    def _get_conflict(self, other: _Claim) -> str:
        plan = str(other.said["plan"])
        if plan == self._digest:
            return ""
        if plan not in self._conflicts:
            text = self._store.read_text(str(other.said["run"]), _name_file(plan))
            self._conflicts[plan] = self._find_conflict(text or "")
        return self._conflicts[plan]


def _parse(tag: str, text: str, beats: dict[str, float]) -> _Claim | None:
    """Parse a claim; None for what is none."""
    try:
        said = json.loads(text)
        tags = {str(key): str(value) for key, value in said["owner"].items()}
        run = TrialRun(tag, "RUNNING", {**tags, "status": str(said["status"])})
        run.last_seen = beats.get(heartbeat.name_tag(tags), 0.0)
        return _Claim(tag, {key: str(said[key]) for key in ("status", "plan", "run")}, run)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _name_file(plan: str) -> str:
    return f"plan.{plan}.json"  # a client lists the top of a run alone
