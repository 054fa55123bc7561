"""Figures of a report; each file holds an ``info`` (numbers) and a ``plot`` (thin drawing)."""
