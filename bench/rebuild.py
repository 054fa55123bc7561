"""From a recorded config back to its spec: the inverse of ``TrialSpec.config``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.spec import (
    Budget,
    Component,
    Hardware,
    OptimizerSpec,
    Phase,
    RefusedInput,
    Target,
    TaskSpec,
    TrialSpec,
    digest,
)

Config = Mapping[str, Any]


def trial_spec(
    config: Config, *, study: str, data_dir: str, hardware: Hardware | None = None
) -> TrialSpec:
    """A trial that can run again, with the same ``config_hash``.

    Args:
        config: as ``TrialSpec.config`` gave it, also after a round trip through JSON.
        study, data_dir, hardware: what no config holds.

    Raises:
        RefusedInput: another version recorded it, in words that this one does not have.
    """
    known = {key: value for key, value in config.items() if key != "protocol_version"}
    try:
        spec = TrialSpec(
            **{
                **known,
                "task": _task(config["task"]),
                "model": Component(**config["model"]),
                "optimizer": _optimizer(config["optimizer"]),
                "schedule": Component(**config["schedule"]),
                "budget": Budget(**config["budget"]),
                "phase": Phase(config.get("phase", Phase.EXPLORE)),
            },
            study=study,
            data_dir=data_dir,
            download=False,
            hardware=hardware or Hardware(),
        )
    except (TypeError, KeyError) as error:
        raise RefusedInput(f"a recorded config cannot be read by this version: {error}") from error
    if spec.config_hash != digest(config):
        raise RefusedInput(
            f"a recorded config (protocol {config.get('protocol_version')}) means another trial "
            "in this version; use the version that recorded it"
        )
    return spec


def _task(values: Config) -> TaskSpec:
    data, target = Component(**values["data"]), Target(**values["target_metric"])
    return TaskSpec(**{**values, "data": data, "target_metric": target})


def _optimizer(values: Config) -> OptimizerSpec:
    rest = values.get("rest")
    return OptimizerSpec(
        **{**values, "rest": Component(**rest) if rest else None, "needs": tuple(values["needs"])}
    )
