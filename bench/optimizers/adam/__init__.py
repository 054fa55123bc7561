"""Our Adam: ``optimizer.py`` has the algorithm, the other files run it at the speed of memory."""

from bench.optimizers.adam.optimizer import Adam, AdamW, adam_update

__all__ = ["Adam", "AdamW", "adam_update"]
