"""CSV files: what separates their fields, their header, and their columns."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np

from softglm.cli.tables.columns import Column, Labels, UnusableDataError, check_names
from softglm.cli.tables.notation import Notation, Writing
from softglm.cli.tables.packing import opened
from softglm.cli.tables.parsing import column_of, notation_of
from softglm.cli.tables.reading import Reading

_DELIMITERS = ",;\t"
_SEPARATORS = "commas, semicolons or tabs"
# Fields wait for the end of the file joined, which takes a seventh of the memory of texts.
_NUL = "\0"
# In pieces of so many rows.
_ROWS_AT_ONCE = 10_000
_AS_IT_IS = Reading()


def read_csv(
    path: Path, target: str, reading: Reading = _AS_IT_IS, *, rows_at_once: int = _ROWS_AT_ONCE
) -> tuple[list[Column], Labels]:
    """Return the features and the target of a CSV file, packed or not, its fields between commas, semicolons or tabs.

    Parameters
    ----------
    path : Path
    target : str
        The name of its column.
    reading : Reading
    rows_at_once : int
        How many are read before their fields are joined.

    Raises
    ------
    UnusableDataError, ValueError
        If it cannot be read as a table.
    """
    with opened(path) as file:
        delimiter = _delimiter(file, target)
        rows = _rows(csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True))
        header = next(rows, [])
        if not any(header):
            raise UnusableDataError(f"{path} is empty: expected a line of column names, and rows below it.")
        _check_no_nul(header)
        named = [name for name in header if name]
        misread = _misread_header(header, target)
        check_names(path, named, target, reading.dropped, weights=reading.weights, advice=misread)
        fields = _fields(rows, len(header), rows_at_once)
    if not fields:
        raise UnusableDataError(f"{path} has column names but no rows.")
    left_out = {target, *reading.dropped}
    texts = fields[header.index(target)].split(_NUL)
    kept = [(name, column) for name, column in zip(header, fields, strict=True) if name not in left_out]
    # Two passes, so that the fields of only one column are in memory as so many texts.
    writings = [Writing.of(reading.present_of(set(column.split(_NUL)))) for _, column in kept]
    settled = {
        *([Notation.POINT] if delimiter == "," else ()),
        *(next(iter(w.readings)) for (name, _), w in zip(kept, writings, strict=True) if name and w.settles),
    }

    def notation_in(name: str, writing: Writing) -> Notation | None:
        return notation_of(path, name, writing, settled, reading.notation, can_be_decimal=delimiter != ",")

    columns = []
    for (name, column), writing in zip(kept, writings, strict=True):
        notation = notation_in(name, writing) if name else None
        entries = column.split(_NUL)
        kinds = reading.present_of(set(entries))
        columns.append(column_of(name, entries, notation, kinds - reading.numbers_for_nothing(kinds, notation)))
    kinds = set(texts)
    present = reading.present_of(kinds)
    notation = notation_in(target, Writing.of(present))
    present -= reading.numbers_for_nothing(present, notation)
    labels = np.array(texts, dtype=object)
    return columns, Labels(target, labels, np.isin(labels, list(kinds - present)), notation=notation)


def _delimiter(file: TextIO, target: str) -> str:
    """Return what separates the fields, of what makes as many in the first row as in the header, and a target."""
    merits = {}
    for mark in _DELIMITERS:
        header, row = _first_two(csv.reader(file, delimiter=mark, skipinitialspace=True))
        merits[mark] = (len(header) == len(row) > 1, target in header, len(header))
        file.seek(0)
    return max(_DELIMITERS, key=merits.__getitem__)


def _first_two(reader: Iterator[list[str]]) -> tuple[list[str], list[str]]:
    """Return the first two rows, empty where there are none: a wide file read by a wrong mark has too long fields."""
    try:
        first, second = [*islice(_rows(reader), 2), [], []][:2]
    except ValueError:
        return [], []
    return first, second


def _misread_header(header: Sequence[str], target: str) -> str:
    """Return what may be wrong with a file in whose header the target is not; empty if nothing can be seen."""
    if header[0].lower().startswith("sep="):
        return "Its first line says what separates the fields: drop that line."
    if header[0].startswith("#"):
        return "Its first line looks like a comment: the first line must hold the column names."
    if len(header) == 1 or target in re.split(r"[^\w.-]+", " ".join(header)):
        return f"Names and fields must be separated by {_SEPARATORS}."
    return ""


def _rows(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield the rows of a CSV file that are not blank; whitespace around fields is none of theirs."""
    number = 0
    try:
        for row in reader:
            fields = [field.strip() for field in row]
            if any(fields) or len(fields) > 1:
                number += 1
                yield fields
    except csv.Error as error:
        place = f"row {number}" if number else "the header"
        raise ValueError(f"{place} has a quote that is not closed, or text behind one that is ({error})") from error


def _fields(rows: Iterator[list[str]], n_columns: int, rows_at_once: int) -> list[str]:
    """Return the fields of each column, joined; of no rows an empty list."""
    pieces: list[list[str]] = [[] for _ in range(n_columns)]
    n_rows = 0
    while block := list(islice(rows, rows_at_once)):
        for number, row in enumerate(block, start=n_rows + 1):
            if len(row) != n_columns:
                raise ValueError(f"its header has {n_columns} names, but row {number} has {len(row)} values")
        for column, fields in zip(pieces, zip(*block, strict=True), strict=True):
            _check_no_nul(fields)
            column.append(_NUL.join(fields))
        n_rows += len(block)
    return [_NUL.join(column) for column in pieces] if n_rows else []


def _check_no_nul(fields: Sequence[str]) -> None:
    if _NUL in "".join(fields):
        raise ValueError("it holds NUL characters, as UTF-16 does. Save it as CSV in UTF-8")
