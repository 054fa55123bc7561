"""The settings that the tunings chose, for people: a sentence, and YAML to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from bench.spec.hyperparameters import hyperparameters
from reports.analysis.choices import Choice, summarize_choices
from reports.analysis.study import Study
from reports.text.numbers import counted


class Chosen(NamedTuple):
    """The setting to use of one entrant on one task; ``yaml`` is the file of an optimizer."""

    comparison: str
    entrant: str
    summary: str
    yaml: str


def list_choices(study: Study) -> list[Chosen]:
    """List the setting of each tuned entrant on each task, in the order of the leaderboards."""
    arms = [row.arm for board in study.leaderboards for row in board.rows]
    return [_describe(one, study.configs[one.run_id]) for one in summarize_choices(arms)]


def _describe(choice: Choice, config: Mapping[str, Any]) -> Chosen:
    values = hyperparameters(config["optimizer"])
    parts = [
        f"{name}={_short(values.get(name))} ({_format_spread(spread)})"
        for name, spread in choice.spread.items()
    ]
    arm = choice.arm
    if not parts:
        summary = f"all {counted(arm.tunings, 'tuning')} chose {arm.point}"
    else:
        summary = f"{', '.join(parts)}, of {counted(arm.tunings, 'tuning')}"
    return Chosen(arm.comparison, arm.entrant, summary, _to_yaml(config["optimizer"]))


def _format_spread(spread: tuple[Any, ...]) -> str:
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in spread):
        return f"{_short(spread[0])} to {_short(spread[-1])}"
    return " or ".join(map(_short, spread))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _to_yaml(optimizer: Mapping[str, Any]) -> str:
    """Write the optimizer in the form of a file of conf/optimizer."""
    lines = {"_target_": optimizer["target"], **optimizer["arguments"]}
    own = {"param_groups": optimizer.get("param_groups", "all"), **_own_block(optimizer)}
    return yaml.safe_dump({**lines, "bench": own}, sort_keys=False, default_flow_style=None)


def _own_block(optimizer: Mapping[str, Any]) -> dict[str, Any]:
    block: dict[str, Any] = {}
    if optimizer.get("needs"):
        block["needs"] = list(optimizer["needs"])
    if optimizer.get("clip_norm") is not None:
        block["clip_norm"] = optimizer["clip_norm"]
    if rest := optimizer.get("rest"):
        block["rest"] = {"_target_": rest["target"], **rest["arguments"]}
    return block
