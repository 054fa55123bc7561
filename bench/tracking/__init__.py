"""The record of trials in MLflow: write, look up, read. The only package that imports it."""

from bench.tracking.client import (
    Recorder,
    answers,
    attach_report,
    attach_text,
    attach_traceback,
    discard_interrupted,
    end_tags,
    prepare,
    read,
    resume,
    run_name,
    run_params,
    run_tags,
    runs,
    studies,
)

__all__ = [
    "Recorder",
    "answers",
    "attach_report",
    "attach_text",
    "attach_traceback",
    "discard_interrupted",
    "end_tags",
    "prepare",
    "read",
    "resume",
    "run_name",
    "run_params",
    "run_tags",
    "runs",
    "studies",
]
