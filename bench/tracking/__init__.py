"""Record of trials in MLflow: write, look up, read.

The only package that imports MLflow, and only for stores other than a file of this machine, and to
make the first of those.
"""

from bench.tracking.declared import declare_plan, read_plans
from bench.tracking.errors import ReadOnlyStore
from bench.tracking.opening import prepare
from bench.tracking.plans import claim_plan
from bench.tracking.read import (
    StudyRecords,
    discard_interrupted,
    discard_job,
    find_result,
    find_running,
    list_studies,
    next_generation,
    read,
    read_job_results,
    read_results,
    read_study,
    resume,
)
from bench.tracking.recorder import open_recorder
from bench.tracking.store import Recorder
from bench.tracking.summary import (
    attach_report,
    attach_text,
    find_report,
    read_text,
    summarize,
)
from bench.tracking.views import View, save_views

__all__ = [
    "ReadOnlyStore",
    "Recorder",
    "StudyRecords",
    "View",
    "attach_report",
    "attach_text",
    "claim_plan",
    "declare_plan",
    "discard_interrupted",
    "discard_job",
    "find_report",
    "find_result",
    "find_running",
    "list_studies",
    "next_generation",
    "open_recorder",
    "prepare",
    "read",
    "read_job_results",
    "read_plans",
    "read_results",
    "read_study",
    "read_text",
    "resume",
    "save_views",
    "summarize",
]
