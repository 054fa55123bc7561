"""Figures of a report: a file each, with ``TITLE``, ``CAPTION``, ``info`` (numbers), ``plot``.

Another figure is another file with these four and its place in ``FIGURES``. ``info`` takes a
``reports.study.Study`` and gives a table; ``plot`` draws that table and gives None where there is
nothing to show.
"""

from reports.figures import best_of_k, learning_curves, sensitivity, to_target

FIGURES = (learning_curves, sensitivity, best_of_k, to_target)
"""In the order of the page."""
