"""``did you mean``: the nearest valid name, for every refusal of a word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(word: object, valid: Iterable[object]) -> str:
    """``did you mean 'lr'? Valid: betas, eps, lr``."""
    names = sorted(str(name) for name in valid if not str(name).startswith("_"))
    near = difflib.get_close_matches(str(word), names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Valid: {', '.join(names)}"
