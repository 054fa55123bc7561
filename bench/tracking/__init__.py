"""The record of trials in MLflow: write, look up, read. The only package that imports it, and that
only for stores other than a file of this machine, and to make the first of those."""

from bench.tracking.opening import prepare
from bench.tracking.read import (
    answers,
    discard_interrupted,
    ended_in,
    held,
    read,
    release,
    resume,
    studies,
)
from bench.tracking.recorder import recorder
from bench.tracking.store import Recorder
from bench.tracking.summary import (
    attach_report,
    attach_text,
    attached_text,
    report_path,
    summarize,
)
from bench.tracking.views import View, share

__all__ = [
    "Recorder",
    "View",
    "answers",
    "attach_report",
    "attach_text",
    "attached_text",
    "discard_interrupted",
    "ended_in",
    "held",
    "prepare",
    "read",
    "recorder",
    "release",
    "report_path",
    "resume",
    "share",
    "studies",
    "summarize",
]
