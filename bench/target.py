"""``optbench-target``: a task's target value by a written procedure, written into its YAML.

usage: optbench-target task=NAME [KEY=VALUE ...]

Tunes AdamW, NAdam, momentum and Nesterov alike, eight points each, and runs the best point of all
again on 20 fresh seeds. The target is the median of their final validation values, rounded to three
digits to the easier side: about half of the seeds of a well tuned standard optimizer reach it. It
is the way of AlgoPerf (arXiv:2306.07179). Keys are those of optbench; a study of its own keeps the
trials, and the same command goes on where it was left.

  tuning=medium           more points             (default: small)
  reporting.seeds=50      more reruns             (default: 20)
  optimizer=a,b           other optimizers
  study=NAME              (default: target_TASK)
  plan=true               say what it would do, and stop
  hydra/launcher=joblib   in processes            (default: stacked, where it pays)

Exit codes: 0 done, 1 some trial failed, 2 refused input.
"""

from __future__ import annotations

import sys

from bench import ending
from bench.__main__ import main as optbench

OPTIMIZERS = ("adamw", "nadam", "momentum", "nesterov")
"""The standard ones, after AlgoPerf."""
SEEDS = 20


def main() -> None:
    """Entry point of ``optbench-target``; ends the process with its exit code."""
    words = sys.argv[1:]
    if not words or {"-h", "--help"} & set(words):
        print(__doc__)
        sys.exit(0 if words else 2)
    overrides = [word for word in words if "=" in word and not word.startswith("-")]
    options = [word for word in words if word not in overrides]
    given = dict(word.split("=", maxsplit=1) for word in overrides)
    usual = {
        "optimizer": ",".join(OPTIMIZERS),
        "tuning": "small",
        "reporting.seeds": str(SEEDS),
        "study": f"target_{given.get('task', '')}",
    }
    absent = [f"{key}={value}" for key, value in usual.items() if key not in given]
    sys.argv[1:] = [*options, "-m", "hydra/sweeper=target", *absent, *overrides]
    optbench()


command = ending.command(main)

if __name__ == "__main__":
    command()
