"""The plain command line of the commands that Hydra does not read: ``key=value``, options."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from bench.spec import RefusedInput
from bench.spec.suggest import suggest


def parse_arguments(
    words: Iterable[str], keys: Collection[str], needed: Collection[str] = ("study",)
) -> dict[str, str]:
    """Parse ``["study=a", "--compare", "b"]`` to ``{"study": "a", "compare": "b"}``.

    Args:
        keys: all there are; each may also be written ``--key=value`` or ``--key value``.
        needed: of these at least one has to be given.

    Raises:
        RefusedInput: for anything else, with the remedy.
    """
    given: dict[str, str] = {}
    for word, key, value in _split_words(words, keys):
        if key not in keys:
            raise RefusedInput(f"{word}: {key!r} is no key; {suggest(key, keys)}")
        if not value:
            raise RefusedInput(f"{word}: no value; write {key}=VALUE")
        if key in given:
            raise RefusedInput(f"{word}: {key} is given twice; keep one of them")
        given[key] = value
    if needed and not set(needed) & set(given):
        first = next(iter(needed))
        raise RefusedInput(f"{first}: no value; write {first}=NAME")
    return given


def split_options(
    words: Iterable[str], options: Collection[str]
) -> tuple[list[str], dict[str, str]]:
    """Split words from ``--option VALUE`` and ``--option=VALUE``; the last value counts.

    Raises:
        RefusedInput: an option is unknown or has no value.
    """
    others, given, rest = [], {}, list(words)
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        if not word.startswith("--"):
            others.append(word)
            continue
        if not equals and rest and not rest[0].startswith("--"):
            value = rest.pop(0)
        known = f"the options are {', '.join(options)}"
        if option not in options:
            raise RefusedInput(f"unrecognized arguments: {word}; {known}")
        if not value:
            raise RefusedInput(f"argument {option}: no value; write it after the option; {known}")
        given[option] = value
    return others, given


def parse_list(given: Mapping[str, str], key: str) -> tuple[str, ...]:
    """Parse the values of ``key=a,b``, each once, in their order; none without the key.

    Raises:
        RefusedInput: one of them is empty.
    """
    if key not in given:
        return ()
    values = [value.strip() for value in given[key].split(",")]
    if not all(values):
        raise RefusedInput(f"{key}={given[key]}: an empty value; write {key}=A or {key}=A,B")
    return tuple(dict.fromkeys(values))


def parse_switch(given: Mapping[str, str], key: str) -> bool:
    """Parse ``key=true`` or ``key=false``; False without the key.

    Raises:
        RefusedInput: it is neither true nor false.
    """
    value = given.get(key, "false")
    if value not in ("true", "false"):
        raise RefusedInput(f"{key}={value}: no switch; write {key}=true or {key}=false")
    return value == "true"


def _split_words(words: Iterable[str], keys: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Split each word into itself, its key and its value, which may be empty."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        key, equals, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and not equals and rest and rest[0].partition("=")[0] not in keys:
            value = rest.pop(0)
        yield word, key, value
