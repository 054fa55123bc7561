"""Data sets from the Hugging Face hub, by its library ``datasets`` (extra ``huggingface``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tasks.data.dataset import MissingData


def fetch(
    name: str, task: str, what: str, folder: Path
) -> Mapping[str, Iterable[Mapping[str, Any]]]:
    """A data set's splits, each its rows by column.

    Args:
        name: on the hub, e.g. ``SetFit/sst2``.
        task, what, folder: for errors: which task needs what, and where it was looked for.

    Raises:
        MissingData: at once, if the library or the network is not there.
    """
    try:  # an extra, and slow to import
        from datasets import config, load_dataset
        from huggingface_hub import HfApi  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise MissingData(
            f"task={task}: no {what} in {folder}, and download=true needs Hugging Face datasets: "
            "pip install 'optbench[huggingface]'"
        ) from error
    try:
        if not config.HF_HUB_OFFLINE:  # without network this fails at once, load_dataset after 23 s
            HfApi().dataset_info(name, timeout=10)
        found: Mapping[str, Iterable[Mapping[str, Any]]] = load_dataset(name)
    except Exception as error:  # the HTTP client's own classes change between its versions
        raise MissingData(
            f"task={task}: no {what} in {folder}, and downloading {name} failed ({error}); "
            "put the files there by hand or pass data_dir=PATH"
        ) from error
    return found
