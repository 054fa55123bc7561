"""``optbench``: one trial, or with ``-m`` a sweep of trials and its report."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.text import Text

from bench import tracking
from bench.config import folders, limits, refusal, schema
from bench.config.trial import build_trial_spec, refuse_report_keys, refuse_study_keys
from bench.runtime import exit_codes
from bench.spec import RefusedInput, Status, TrialResult, TrialSpec
from bench.sweeps import execute, plugins, progress
from bench.sweeps.overrides import defer_overrides
from bench.sweeps.preflight import check_trials
from bench.tracking.uri import check_uri, sqlite_path

TARGET_USAGE = """``optbench-target``: a task's target by a written procedure, as lines for YAML.

usage: optbench-target task=NAME [KEY=VALUE ...]

Tunes AdamW, NAdam, momentum and Nesterov alike, once with eight settings each, and runs the best
setting of all again on 20 fresh seeds. The target is the median of their final validation values,
rounded to three digits to the easier side: about half of the seeds of a well tuned standard
optimizer reach it. It is the way of AlgoPerf (arXiv:2306.07179). Keys are those of optbench; a
study of its own keeps the trials, and the same command goes on where it was left.

  tuning.trials=25        more settings           (default: 8)
  reporting.seeds=50      more reruns             (default: 20)
  optimizer=a,b           other optimizers
  study=NAME              (default: target_TASK)
  plan=true               say what it would do, and stop
  hydra/launcher=joblib   in processes            (default: stacked, where it pays)

Exit codes: 0 done, 1 some trial failed, 2 refused input.
"""

TARGET_OPTIMIZERS = ("adamw", "nadam", "momentum", "nesterov")
"""The standard ones, after AlgoPerf."""
TARGET_SEEDS = 20


def job(cfg: DictConfig) -> TrialResult:
    """Run one trial for Hydra: alone, or as a job of another package's launcher."""
    hydra_cfg = HydraConfig.get()
    if hydra_cfg.mode == RunMode.RUN:
        try:
            refuse_study_keys(cfg)
            refuse_report_keys(cfg)
            return _run_alone(build_trial_spec(cfg, hydra_cfg.runtime.choices), cfg.tracking.uri)
        except Exception as error:
            raise SystemExit(error) from error  # Hydra would print the job's overrides before it
    spec = build_trial_spec(cfg, hydra_cfg.runtime.choices)
    progress.say_data_notes([spec])
    launcher = hydra_cfg.runtime.choices["hydra/launcher"]
    (spec,) = execute.number_trials([spec], cfg.tracking.uri)
    result = execute.run(spec, cfg.tracking.uri, launcher)
    progress.say(Text(f"{hydra_cfg.job.num + 1} ") + progress.format_end(spec, result))
    return result


def _run_alone(spec: TrialSpec, uri: str) -> TrialResult:
    check_uri(uri)
    progress.say_assumptions([spec])
    progress.say_data_notes([spec])
    if spec.context.fresh:
        (spec,) = execute.number_trials([spec], uri)
    stored = _look_up(spec, uri)
    if stored is not None and execute.can_reuse(spec, stored):
        return execute.reuse(spec, stored)
    for reason in check_trials([spec]).values():
        raise RefusedInput(reason)
    result = execute.run_single(spec, uri)
    if result.status is Status.FAILED:
        sys.exit(1)
    return result


def _look_up(spec: TrialSpec, uri: str) -> TrialResult | None:
    """Return the stored result of a trial by the cheapest way that its store has."""
    if sqlite_path(uri) is not None:
        return tracking.find_result(uri, spec.context.study, spec.config_hash)
    return tracking.read_results(uri, spec.context.study, {spec.config_hash}).get(spec.config_hash)


def main() -> None:
    """Run ``optbench``; its exit codes are those of ``bench.runtime.exit_codes``."""
    # Threads that spin while they wait cost a stack tenfold beside a busy process; read by torch.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.path.append(str(Path.cwd()))  # a user's own module beside a user's own YAML
    schema.register()
    plugins.register()
    with exit_codes.exit_with_code(), refusal.exit_on_refusal(), folders.guard_folders():
        limits.check_words(sys.argv[1:])
        sys.argv[1:] = defer_overrides(sys.argv[1:])
        hydra.main(version_base="1.3", config_path="pkg://conf", config_name="config")(job)()


def target() -> None:
    """Run ``optbench-target``; ends the process with its exit code."""
    words = sys.argv[1:]
    if not words or {"-h", "--help"} & set(words):
        print(TARGET_USAGE)
        sys.exit(0 if words else 2)
    overrides = [word for word in words if "=" in word and not word.startswith("-")]
    options = [word for word in words if word not in overrides]
    given = dict(word.split("=", maxsplit=1) for word in overrides)
    defaults = {
        "optimizer": ",".join(TARGET_OPTIMIZERS),
        "tuning": "small",
        "tuning.repeats": "1",  # a target needs one good setting, not a test
        "tuning.reference_factor": "1",
        "reporting.seeds": str(TARGET_SEEDS),
        "study": f"target_{given.get('task', '')}",
    }
    absent = [f"{key}={value}" for key, value in defaults.items() if key not in given]
    sys.argv[1:] = [*options, "-m", "hydra/sweeper=target", *absent, *overrides]
    main()


command = exit_codes.make_command(main)
target_command = exit_codes.make_command(target)

if __name__ == "__main__":
    command()
