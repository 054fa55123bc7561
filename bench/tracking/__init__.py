"""The record of trials in MLflow: write, look up, read. The only package that imports it."""

from bench.tracking.client import prepare, studies
from bench.tracking.fetch import runs
from bench.tracking.read import (
    answers,
    attached_text,
    discard_interrupted,
    ended_in,
    held,
    read,
    release,
    resume,
)
from bench.tracking.recorder import Recorder, recorder
from bench.tracking.summary import attach_report, attach_text, report_path, summarize
from bench.tracking.views import View, share
from bench.tracking.write import attach_traceback

__all__ = [
    "Recorder",
    "View",
    "answers",
    "attach_report",
    "attach_text",
    "attach_traceback",
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
    "runs",
    "share",
    "studies",
    "summarize",
]
