"""What Submitit asks of Slurm, done by processes of this machine: four commands in a folder.

No queue and no nodes: what is tested with it is what is asked of Slurm and what is made of its
answers, not Slurm.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

COMMON = f"""#!{sys.executable}
import json, os, pathlib, re, signal, subprocess, sys
jobs = pathlib.Path(__file__).parent / "jobs"
"""
COMMANDS = {
    "sbatch": """
text = pathlib.Path(sys.argv[1]).read_text()
(jobs / "asked").write_text(text)
last = re.search(r"--array=0-(\\d+)", text)
number = str(1000 + len(list(jobs.glob("*.pid"))))
for index in range(int(last[1]) + 1 if last else 1):
    name = f"{number}_{index}" if last else number
    env = {**os.environ, "SLURM_JOB_ID": str(int(number) + index), "SLURM_NTASKS": "1"}
    env |= {"SLURM_JOB_NUM_NODES": "1", "SLURM_NODEID": "0", "SLURM_PROCID": "0"}
    env |= {"SLURM_LOCALID": "0", "SLURM_JOB_NODELIST": "node1"}
    if last:
        env |= {"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": str(index)}
    line = f"bash {sys.argv[1]}; echo $? > {jobs / name}.rc"
    process = subprocess.Popen(
        ["sh", "-c", line], env=env, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    (jobs / f"{name}.pid").write_text(str(process.pid))
print("Submitted batch job", number)
""",
    "srun": """
start = next(at for at, word in enumerate(sys.argv) if word.endswith("python"))
os.execv(sys.argv[start], sys.argv[start:])
""",
    "sacct": """
print("JobID|State|NodeList")
for pid in sorted(jobs.glob("*.pid")):
    end = pid.with_suffix(".rc")
    code = end.read_text().strip() if end.exists() else None
    state = {None: "RUNNING", "": "RUNNING", "0": "COMPLETED"}.get(code, "NODE_FAIL")
    print(f"{pid.stem}|{state}|node1")
""",
    "scancel": """
for name in sys.argv[1:]:
    for pid in [*jobs.glob(f"{name}.pid"), *jobs.glob(f"{name}_*.pid")]:
        os.killpg(int(pid.read_text()), signal.SIGTERM)
""",
}


def install(folder: Path) -> Path:
    """Put the commands into a folder, for the path; returns where they keep their jobs."""
    (folder / "jobs").mkdir(parents=True)
    for name, code in COMMANDS.items():
        (folder / name).write_text(COMMON + code)
        os.chmod(folder / name, 0o755)  # noqa: PTH101
    return folder / "jobs"
