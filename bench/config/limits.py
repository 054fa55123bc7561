"""Limits on what is read: YAML files, words of the command line, interpolations.

A few lines of YAML can stand for gigabytes (aliases of aliases), and a few kilobytes can nest
deeper than Python can go. The limits are far above what a config needs, and are checked before
Hydra reads anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import yaml
from omegaconf import DictConfig, ListConfig
from omegaconf.base import Container
from omegaconf.errors import InterpolationResolutionError

from bench.spec import RefusedInput

MAX_BYTES = 256 * 1024
"""Bytes of a YAML, and characters of its text with aliases and interpolations written out.
PyYAML needs two seconds for that much; the largest shipped file has 8 KB."""
MAX_VALUES = 10_000
"""Values in a YAML with aliases written out. OmegaConf needs two seconds for that many."""
MAX_DEPTH = 32
"""Levels of lists and mappings. OmegaConf needs about ten frames of Python's 1000 for each."""
MAX_WORD = 10_000
"""Characters of a word. Hydra's parser is quadratic: eight seconds for 10,000 single characters."""
MAX_INTERPOLATIONS = 1000
"""Interpolations that are resolved for one config, each a millisecond on a busy machine."""
SHOWN = 40
"""Characters of a refused word that its message shows."""


class Size(NamedTuple):
    """Size of a part of a YAML with its aliases written out; ``depth`` is 1 for a scalar."""

    values: int
    characters: int
    depth: int


@dataclass
class _Open:
    """A list or mapping whose end has not come yet."""

    anchor: str | None
    is_mapping: bool
    size: Size = field(default_factory=lambda: Size(1, 0, 1))
    children: int = 0
    keys: set[Any] = field(default_factory=set)

    def add(self, child: Size) -> None:
        own = self.size
        self.size = Size(
            own.values + child.values,
            own.characters + child.characters,
            max(own.depth, 1 + child.depth),
        )
        self.children += 1


def check_yaml(source: str, content: bytes) -> None:
    """Refuse a YAML that is too large, too deep or has a key twice; other mistakes pass.

    Args:
        source: what messages call it, such as ``my_conf/optimizer/mine.yaml``.
        content: at least the first ``MAX_BYTES + 1`` bytes of it.

    Raises:
        RefusedInput: a limit is exceeded.
    """
    if len(content) > MAX_BYTES:
        raise RefusedInput(
            f"{source}: the file is too large. Use at most {MAX_BYTES} bytes, and keep data in "
            "files of another kind."
        )
    try:
        _check_events(source, content.decode())
    except (yaml.YAMLError, UnicodeDecodeError):
        return  # Hydra reads it next, and its message names the place


def _check_events(source: str, text: str) -> None:
    """Add up sizes along the parser's events, which come one by one, so that a bomb ends early."""
    keys = yaml.SafeLoader("")
    anchors: dict[str, Size] = {}
    stack: list[_Open] = []
    values = characters = 0
    for event in cast("Iterator[Any]", yaml.parse(text, Loader=yaml.SafeLoader)):
        where = f"{source}, line {event.start_mark.line + 1}"
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append(_Open(event.anchor, isinstance(event, yaml.MappingStartEvent)))
            if len(stack) > MAX_DEPTH:
                raise RefusedInput(_explain_depth(where))
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            closed = stack.pop()
            anchor, size, more = closed.anchor, closed.size, Size(1, 0, 0)  # the rest was counted
        elif isinstance(event, yaml.AliasEvent):
            if any(event.anchor == one.anchor for one in stack):
                raise RefusedInput(f"{where}: *{event.anchor} contains itself. Write its values.")
            anchor, size = None, anchors.get(str(event.anchor), Size(1, 0, 1))
            more = size
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size = event.anchor, Size(1, len(event.value), 1)
            more = size
            _check_scalar(where, event, stack, keys)
        else:
            continue
        if anchor is not None:
            anchors[anchor] = size
        if len(stack) + size.depth - 1 > MAX_DEPTH:
            raise RefusedInput(_explain_depth(where))
        if stack:
            stack[-1].add(size)
        values, characters = values + more.values, characters + more.characters
        if values > MAX_VALUES or characters > MAX_BYTES:
            raise RefusedInput(
                f"{where}: the file stands for too many values. Use at most {MAX_VALUES} values "
                f"and {MAX_BYTES} characters, aliases included."
            )


def _check_scalar(where: str, event: Any, stack: list[_Open], loader: yaml.SafeLoader) -> None:
    """Refuse a key that its mapping has already, and text with interpolations that nest deeply."""
    if "${" in event.value and _measure_depth(event.value) > MAX_DEPTH:
        raise RefusedInput(_explain_depth(where))
    if not stack or not stack[-1].is_mapping or stack[-1].children % 2:
        return
    tag = event.tag or loader.resolve(yaml.ScalarNode, event.value, event.implicit)
    try:
        key = loader.construct_object(yaml.ScalarNode(tag, event.value))
    except (yaml.YAMLError, ValueError):
        return  # of no known kind, such as the key << that merges another mapping
    if key in stack[-1].keys:
        raise RefusedInput(f"{where}: duplicate key {event.value}. Keep one of the two lines.")
    stack[-1].keys.add(key)


def _explain_depth(where: str) -> str:
    return f"{where}: the values are nested too deeply. Use at most {MAX_DEPTH} levels."


def check_words(words: Sequence[str]) -> None:
    """Refuse words of the command line that are too long or nest too deeply.

    Raises:
        RefusedInput: a limit is exceeded.
    """
    for word in words:
        shown = word if len(word) <= SHOWN else f"{word[:SHOWN]}…"
        if len(word) > MAX_WORD:
            raise RefusedInput(
                f"{shown}: the word is too long. Use at most {MAX_WORD} characters, and write long "
                "values into a YAML."
            )
        if _measure_depth(word) > MAX_DEPTH:
            raise RefusedInput(_explain_depth(shown))


def _measure_depth(text: str) -> int:
    """Return how many brackets are open at once at most."""
    depth = deepest = 0
    for character in text:
        depth += (character in "[{(") - (character in "]})")
        deepest = max(deepest, depth)
    return deepest


@dataclass
class Counter:
    """Interpolations that were resolved so far."""

    count: int = 0


@contextmanager
def limit_interpolations(together: bool = False) -> Iterator[Counter]:
    """Refuse interpolations that multiply, such as ``a: ${b}${b}``, ``b: ${c}${c}`` and so on.

    Args:
        together: count all within this context, instead of those behind each value alone.
    """
    resolve = Container.resolve_parse_tree
    counter, depth = Counter(), 0

    def resolve_counted(self: Container, *args: Any, **options: Any) -> Any:
        nonlocal depth
        counter.count = 1 if depth == 0 and not together else counter.count + 1
        if counter.count > MAX_INTERPOLATIONS:
            raise InterpolationResolutionError(
                f"more than {MAX_INTERPOLATIONS} interpolations stand behind it. Write the value."
            )
        depth += 1
        try:
            value = resolve(self, *args, **options)
        finally:
            depth -= 1
        if isinstance(value, str) and len(value) > MAX_BYTES:
            raise InterpolationResolutionError(
                f"interpolations make it longer than {MAX_BYTES} characters. Write the value."
            )
        return value

    container = cast(Any, Container)
    container.resolve_parse_tree = resolve_counted
    try:
        yield counter
    finally:
        container.resolve_parse_tree = resolve


def to_plain(config: Any, name: str) -> Any:
    """Return a config as plain data with interpolations resolved, within the limits.

    Args:
        name: what messages call it, such as ``optimizer``.

    Raises:
        RefusedInput: a limit is exceeded.
        MissingMandatoryValue: a value is ``???``.
    """
    values = characters = 0

    def convert(node: Any, depth: int) -> Any:
        nonlocal values, characters
        values += 1
        characters += len(node) if isinstance(node, str) else 0
        if depth > MAX_DEPTH:
            raise RefusedInput(_explain_depth(name))
        if values > MAX_VALUES or characters > MAX_BYTES:
            raise RefusedInput(
                f"{name}: interpolations make too many values of it. Use at most {MAX_VALUES} "
                f"values and {MAX_BYTES} characters."
            )
        if isinstance(node, DictConfig):
            return {key: convert(node[key], depth + 1) for key in node}
        if isinstance(node, ListConfig):
            return [convert(node[at], depth + 1) for at in range(len(node))]
        return node

    return convert(config, 0)
