"""Rows of a text file with a header: CSV, TSV, JSON Lines or Parquet, plain or packed as ``.gz``.

Strict: what a lenient reader would guess (a missing field, another encoding, a quote that never
ends) is refused with file, row and remedy. ``NA`` and ``null`` in a CSV are texts like any other.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tasks.data.dataset import MissingData
from tasks.data.io import unpack

MOST_ROWS = 10_000_000
"""All of them are taken into memory, some hundred bytes each beside their text."""


class Row(NamedTuple):
    """A row's values by column, and where it is: ``row 3 (line 4)``, rows counted from 1."""

    values: Mapping[str, Any]
    place: str


def read(path: Path, columns: Iterable[str], name: str) -> Iterator[Row]:
    """The rows of a file, in its order.

    Args:
        columns: which have to be there; others are passed over.
        name: what errors call the file, e.g. ``data.train=reviews.csv``.

    Raises:
        MissingData: the file or a column is not there, or a row is not readable.
    """
    wanted = tuple(columns)
    reader = READERS.get(get_ending(path))
    if reader is None:
        raise MissingData(
            f"{name}: unknown kind {get_ending(path) or 'of file'}; give one that ends in "
            f"{', '.join(READERS)} (text also packed: .gz)"
        )
    for number, row in enumerate(reader(read_content(path, name), wanted, name), start=1):
        if number > MOST_ROWS:
            raise MissingData(f"{name}: more than {MOST_ROWS:,} rows; give fewer")
        yield row


def get_ending(path: Path) -> str:
    """``.csv`` of ``reviews.CSV`` and of ``reviews.csv.gz``."""
    plain = path.with_suffix("") if unpack.is_packed(path) else path
    return plain.suffix.lower()


def read_content(path: Path, name: str) -> bytes:
    """A file's bytes, unpacked."""
    try:
        return unpack.read(path)
    except FileNotFoundError as error:
        raise MissingData(f"{name}: no such file{_suggest_file(path)}") from error
    except unpack.TooLarge as error:
        raise MissingData(f"{name}: {error}") from error
    except OSError as error:
        raise MissingData(f"{name}: not readable ({error})") from error


def decode(raw: bytes, name: str) -> str:
    """UTF-8 with or without a byte-order mark; names the line that is something else."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise MissingData(
            f"{name}: line {line}: not UTF-8 (byte 0x{raw[error.start]:02x}); convert it: "
            "iconv -f latin1 -t utf-8 FILE > NEW"
        ) from error


def check_columns(there: Iterable[str], wanted: Iterable[str], name: str) -> None:
    """Refuse a column that is not there, with the nearest one that is."""
    known = list(there)
    for column in wanted:
        if column not in known:
            near = difflib.get_close_matches(column, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            listed = ", ".join(known) or "none"
            raise MissingData(f"{name}: no column {column!r}; {hint}Columns: {listed}")


def check_duplicates(there: Iterable[str], wanted: Iterable[str], place: str, what: str) -> None:
    """Refuse a column, or a key, that stands more than once: which of them is meant?"""
    known = list(there)
    for column in wanted:
        if (count := known.count(column)) > 1:
            raise MissingData(
                f"{place}: the {what} {column!r} stands {count} times; rename or remove the others"
            )


def _read_csv(raw: bytes, wanted: tuple[str, ...], name: str) -> Iterator[Row]:
    return _read_separated(raw, wanted, name, delimiter=",", strict=True)


def _read_tsv(raw: bytes, wanted: tuple[str, ...], name: str) -> Iterator[Row]:
    """As IANA's text/tab-separated-values has it: a quote is a character like any other."""
    return _read_separated(raw, wanted, name, delimiter="\t", quoting=csv.QUOTE_NONE)


def _read_separated(
    raw: bytes, wanted: tuple[str, ...], name: str, **dialect: Any
) -> Iterator[Row]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a text may be longer than 128 KiB
    reader = csv.reader(io.StringIO(decode(raw, name), newline=""), **dialect)
    number, line, header = 0, 1, None
    try:
        for fields in reader:
            place, line = f"row {number} (line {line})", reader.line_num + 1
            if not fields:
                continue  # an empty line
            if header is None:
                header, number = fields, 1
                check_columns(header, wanted, name)
                check_duplicates(
                    header, wanted, f"{name}: {place.partition('(')[2][:-1]}", "column"
                )
                continue
            if len(fields) != len(header):
                raise MissingData(
                    f"{name}: {place}: {len(fields)} fields, but the header has {len(header)}; "
                    f"{_explain_quoting(dialect['delimiter'])}"
                )
            yield Row(dict(zip(header, fields, strict=True)), place)
            number += 1
    except csv.Error as error:
        raise MissingData(
            f"{name}: row {number} (line {line}): {error}; {_explain_quoting(dialect['delimiter'])}"
        ) from error
    if header is None:
        raise MissingData(f"{name}: empty; the first line names the columns")


def _explain_quoting(delimiter: str) -> str:
    if delimiter == "\t":
        return "a field holds no tab and no line break"
    return 'put a field with commas, quotes or line breaks in "..." and double its own quotes'


def _read_json_lines(raw: bytes, wanted: tuple[str, ...], name: str) -> Iterator[Row]:
    number = 0
    for line, written in enumerate(decode(raw, name).split("\n"), start=1):
        if not written.strip():
            continue
        number += 1
        place = f"row {number} (line {line})"
        try:
            pairs = json.loads(written, object_pairs_hook=tuple)
        except (ValueError, RecursionError) as error:
            raise MissingData(f"{name}: {place}: no JSON ({error})") from error
        if not isinstance(pairs, tuple):
            raise MissingData(f'{name}: {place}: no object; write {{"COLUMN": VALUE, ...}}')
        keys = [key for key, _ in pairs]
        check_columns(keys, wanted, f"{name}: {place}")
        check_duplicates(keys, wanted, f"{name}: {place}", "key")
        yield Row(dict(pairs), place)


def _read_parquet(raw: bytes, wanted: tuple[str, ...], name: str) -> Iterator[Row]:
    import pyarrow  # slow to import
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(raw))
        check_columns(file.schema_arrow.names, wanted, name)
        check_duplicates(file.schema_arrow.names, wanted, name, "column")
        number = size = 0
        for batch in file.iter_batches(columns=list(wanted)):
            size += batch.nbytes
            unpack.refuse_large(size)
            for values in batch.to_pylist():
                number += 1
                yield Row(values, f"row {number}")
    except unpack.TooLarge as error:
        raise MissingData(f"{name}: {error}") from error
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise MissingData(f"{name}: no readable Parquet ({reason})") from error


READERS: Mapping[str, Callable[[bytes, tuple[str, ...], str], Iterator[Row]]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}


def _suggest_file(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f" ({folder} does not exist)"
    near = difflib.get_close_matches(path.name, [one.name for one in folder.iterdir()], n=1)
    return f"; did you mean {folder / near[0]}?" if near else f" in {folder.resolve()}"
