"""``optbench``: one trial, or with ``-m`` a sweep of trials and its report."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.text import Text

from bench import build, ending, progress
from bench.address import check_uri, sqlite_path
from bench.config import refusal, schema
from bench.config.trial import refuse_study_keys, trial_spec
from bench.embedded.lookup import lookup
from bench.outcome import from_record, stands
from bench.spec import RefusedInput, Status, TrialResult, TrialSpec
from bench.sweeps import plugins
from bench.sweeps.words import deferred


def job(cfg: DictConfig) -> dict[str, Any]:
    """What Hydra runs: one trial alone, or one of a sweep by a launcher of another package."""
    hydra_cfg = HydraConfig.get()
    if hydra_cfg.mode == RunMode.RUN:
        try:
            refuse_study_keys(cfg)
            if cfg.compare:
                raise RefusedInput(f"compare={cfg.compare}: only a sweep's report heeds it; add -m")
            return _alone(trial_spec(cfg, hydra_cfg.runtime.choices), cfg.tracking.uri)
        except Exception as error:
            raise SystemExit(error) from error  # Hydra would print the job's overrides before it
    from bench import record

    spec = trial_spec(cfg, hydra_cfg.runtime.choices)
    launcher = hydra_cfg.runtime.choices["hydra/launcher"]
    outcome = record.run(spec, cfg.tracking.uri, launcher)
    progress.say(Text(f"{hydra_cfg.job.num + 1} ") + progress.shown(outcome))
    return dict(outcome)


def _alone(spec: TrialSpec, uri: str) -> dict[str, Any]:
    check_uri(uri)
    progress.assumed([spec])
    known = _known(spec, uri)
    if known is not None and stands(spec, known):
        return dict(from_record(spec, known))
    for reason in build.check([spec]).values():
        raise RefusedInput(reason)
    from bench import record  # now that there is work to do: MLflow takes seconds to import

    outcome = record.answer(spec, uri)
    if outcome["status"] == Status.FAILED:
        sys.exit(1)
    return dict(outcome)


def _known(spec: TrialSpec, uri: str) -> TrialResult | None:
    """What is recorded of a trial, by the cheapest way that its store has."""
    if sqlite_path(uri) is not None:
        return lookup(uri, spec.study, spec.config_hash)
    from bench import tracking

    return tracking.answers(uri, spec.study, {spec.config_hash}).get(spec.config_hash)


def main() -> None:
    """Entry point; its exit codes are those of ``bench.ending``."""
    # Threads that spin while they wait cost a stack tenfold beside a busy process; read by torch.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.path.append(str(Path.cwd()))  # a user's own module beside a user's own YAML
    schema.register()
    plugins.register()
    sys.argv[1:] = deferred(sys.argv[1:])
    with ending.answered(), refusal.explained():
        hydra.main(version_base="1.3", config_path="pkg://conf", config_name="config")(job)()


command = ending.command(main)

if __name__ == "__main__":
    command()
