"""The record of trials in MLflow: write, look up, read. The only package that imports it."""

from bench.tracking.client import prepare, studies
from bench.tracking.fetch import runs
from bench.tracking.read import answers, attached_text, discard_interrupted, held, read, resume
from bench.tracking.recorder import Recorder, recorder
from bench.tracking.write import attach_report, attach_text, attach_traceback

__all__ = [
    "Recorder",
    "answers",
    "attach_report",
    "attach_text",
    "attach_traceback",
    "attached_text",
    "discard_interrupted",
    "held",
    "prepare",
    "read",
    "recorder",
    "resume",
    "runs",
    "studies",
]
