"""The overrides of a sweep's command line, before Hydra composes anything."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

MULTIRUN = {"-m", "--multirun"}


def defer_overrides(words: Sequence[str]) -> list[str]:
    """Write single values that belong to a swept group as a choice of one.

    Hydra first composes the sweep's own config, with every default choice and all words that have
    one value: ``-m optimizer=momentum,nesterov optimizer.momentum=0.8`` would set the momentum of
    adam, which has none. A choice of one is left to the trials.
    """
    if not MULTIRUN & set(words):
        return list(words)
    parsed = {word: _parse(word) for word in words}
    swept = {one.key_or_group for one in parsed.values() if one and one.is_sweep_override()}
    return [_write_choice(word) if _belongs_to(parsed[word], swept) else word for word in words]


def _parse(word: str) -> Override | None:
    """Parse an override; None for an option, or for a word that is refused later."""
    try:
        return None if word.startswith("-") else OverridesParser.create().parse_override(word)
    except HydraException:
        return None


def _belongs_to(one: Override | None, swept: set[str]) -> bool:
    if one is None or one.is_sweep_override() or one.type is None or one.type.name != "CHANGE":
        return False
    return one.key_or_group.partition(".")[0] in swept and "." in one.key_or_group


def _write_choice(word: str) -> str:
    key, _, value = word.partition("=")
    return f"{key}=choice({value})"
