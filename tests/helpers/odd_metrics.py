"""A task whose metric has the name that the environment says."""

from __future__ import annotations

import os

from tasks.image import ImageClassification


class Odd(ImageClassification):
    """Classification with one more metric, from ``ODD_METRIC_FROM`` examples on."""

    def metrics(self, sums, count):
        found = super().metrics(sums, count)
        if count >= int(os.environ.get("ODD_METRIC_FROM", "0")):
            found[os.environ["ODD_METRIC"]] = found["accuracy"]
        return found
