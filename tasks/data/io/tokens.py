"""From texts to token ids ``[N, L]``, 0 = padding at the end: words, characters or UTF-8 bytes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

PADDING, UNKNOWN = 0, 1
WORD = re.compile(r"\w+|[^\w\s]")
UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f"  # Thai, Lao, Tibetan, Burmese
    "\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf"  # Khmer, Tai Le, New Tai Lue, Tai Tham
    "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f\U0001b000-\U0001b16f"  # kana
    "\u3105-\u312f\u31a0-\u31bf\u3005-\u3007\u3400-\u4dbf"  # Bopomofo, Han
    "\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "]"
)
"""Letters of scripts that put no spaces between words. Korean has spaces."""
BYTES = 256  # token ids of bytes; a text holds no byte 0, which is padding


def split_words(text: str) -> list[str]:
    """Runs of letters and digits, and each other character but spaces, in lower case."""
    return WORD.findall(text.lower())


def split_characters(text: str) -> list[str]:
    """Every character but spaces, in lower case."""
    return [character for character in text.lower() if not character.isspace()]


def share_unspaced(texts: Iterable[str]) -> float:
    """Compute the share of letters that belong to scripts without spaces between words."""
    unspaced = letters = 0
    for text in texts:
        found = len(UNSPACED.findall(text))
        unspaced += found
        letters += found + sum(one.isalpha() for one in UNSPACED.sub("", text))
    return unspaced / max(1, letters)


def build_vocabulary(texts: Iterable[Sequence[str]], min_count: int) -> dict[str, int]:
    """Id of each word seen at least ``min_count`` times; the frequent first, ties by spelling."""
    counts = Counter(word for text in texts for word in text)
    known = sorted((-count, word) for word, count in counts.items() if count >= min_count)
    return {word: number for number, (_, word) in enumerate(known, start=UNKNOWN + 1)}


def encode_words(
    texts: Sequence[Sequence[str]], vocabulary: dict[str, int], length: int
) -> np.ndarray:
    """Ids of each text's first ``length`` words: int32 ``[len(texts), length]``."""
    return pad(
        [[vocabulary.get(word, UNKNOWN) for word in text[:length]] for text in texts], length
    )


def pad(ids: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """Each text's first ``length`` ids, then padding: int32 ``[len(ids), length]``."""
    tokens = np.full((len(ids), length), PADDING, dtype=np.int32)
    for row, of_text in zip(tokens, ids, strict=True):
        kept = of_text[:length]
        row[: len(kept)] = kept
    return tokens


def encode_bytes(texts: Sequence[bytes], length: int) -> np.ndarray:
    """Each text's first ``length`` bytes: uint8 ``[len(texts), length]``."""
    padded = b"".join(text[:length].ljust(length, b"\0") for text in texts)
    return np.frombuffer(padded, dtype=np.uint8).reshape(len(texts), length)
