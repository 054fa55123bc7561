"""Figures of a report, one file each; ``reports.figures.registry`` lists them."""
