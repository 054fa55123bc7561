"""Language identification of short names: which of 24 languages is ``Vlaams`` written in?

The strings are the names of territories, languages, currencies and scripts in the Unicode Common
Locale Data Repository (CLDR), as Babel ships it. A string that occurs in more than one language
(``Kuba`` is Czech, German, Hungarian, ...) has no answer and is dropped, and so is one that is too
long. Babel 2.18 has 25 034 strings for these languages; 22 756 occur in one language only, of which
22 273 fit: from 585 in Danish to 1 389 in Japanese. Another Babel may hold slightly other names;
the data fingerprint then differs.

License: Unicode-3.0. No network and no folder are needed.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from babel import Locale

from tasks.data.dataset import Dataset, stratified_split, take

LANGUAGES = (  # ISO 639-1
    *("bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hi", "hu"),
    *("it", "ja", "ko", "nl", "pl", "pt", "ro", "ru", "sv", "tr", "uk", "zh"),
)
MAX_LENGTH = 48  # bytes, with a space on either side: where a name begins and ends tells a lot
VOCABULARY_SIZE = 256  # byte values; UTF-8 text holds no byte 0, which is padding
HELD_OUT = 0.1  # share of validation, and of test
SPLIT_SEED = 0


def load(*, data_dir: str, download: bool) -> Dataset:
    """UTF-8 bytes ``[N, 48]``, uint8, 0 = padding; a fixed stratified split of 80 / 10 / 10 %."""
    labelled = list_labelled_names()
    tokens = encode([name for name, _ in labelled])
    targets = np.array([label for _, label in labelled], dtype=np.int64)
    held_out = round(HELD_OUT * len(targets))
    sizes = (len(targets) - 2 * held_out, held_out, held_out)
    train, val, test = (
        take(tokens, targets, part) for part in stratified_split(targets, sizes, SPLIT_SEED)
    )
    return Dataset(train, val, test, LANGUAGES, vocabulary_size=VOCABULARY_SIZE)


def list_labelled_names() -> list[tuple[str, int]]:
    """Names that occur in one language only and fit, each with its language's index, sorted."""
    names = [list_names(language) for language in LANGUAGES]
    occurrences = Counter(name for of_language in names for name in of_language)
    return sorted(
        (name, label)
        for label, of_language in enumerate(names)
        for name in of_language
        if occurrences[name] == 1 and len(name.encode()) <= MAX_LENGTH - 2
    )


def list_names(language: str) -> set[str]:
    """Every name of a territory, language, currency or script in ``language``."""
    locale = Locale.parse(language)
    tables = (locale.territories, locale.languages, locale.currencies, locale.scripts)
    return {name for table in tables for name in table.values()}


def encode(names: list[str]) -> np.ndarray:
    """UTF-8 bytes of each name between spaces, then zeros: uint8 ``[len(names), 48]``."""
    padded = b"".join(f" {name} ".encode().ljust(MAX_LENGTH, b"\0") for name in names)
    return np.frombuffer(padded, dtype=np.uint8).reshape(len(names), MAX_LENGTH)
