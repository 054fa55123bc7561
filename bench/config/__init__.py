"""Frozen specs from ``conf/`` and the command line; no other package sees a DictConfig."""
