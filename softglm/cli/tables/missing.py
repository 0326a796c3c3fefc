"""What is missing in a table: refused, left out by rows, or filled in from the rows that are fitted."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.cli.tables.columns import Column, Labels, UnusableDataError, listed
from softglm.cli.tables.reading import Missing, option
from softglm.cli.tables.words import count, shortlist

# Of the entries that stand for nothing in a column, an error shows these many.
_MOST_SHOWN = 3


def settle(path: Path, columns: list[Column], labels: Labels, missing: Missing) -> tuple[list[Column], Labels]:
    """Return the rows to be fitted, those without a label never among them; raise where nothing was said of them."""
    if missing is Missing.ERROR:
        _check_complete(path, columns, labels)
        return columns, labels
    left_out = labels.is_missing.copy()
    if missing is Missing.DROP:
        left_out = _incomplete(columns, labels)
    if left_out.all():
        every: list[Column | Labels] = [*columns, labels]
        every.sort(key=_n_missing, reverse=True)
        raise UnusableDataError(
            f"{path} has missing values in every row, most of them in {listed(every)}. Drop such columns, by --drop, "
            "or fill in features: --missing impute."
        )
    if not left_out.any():
        return columns, labels
    return [column.at(~left_out) for column in columns], labels.at(~left_out)


def filled(X: FloatArray, rows: Sequence[int] | slice, variables: Sequence[slice]) -> FloatArray:
    """Return all rows, what is missing filled in from some: the median of numbers, else the most frequent value.

    Parameters
    ----------
    X : array of shape (n, p)
        NaN in all columns of a variable where it is missing.
    rows : indices or slice
        Those from which to fill.
    variables : sequence of slice
        The columns of each variable, several for one that is one-hot encoded.
    """
    if not np.isnan(X).any():
        return X
    fills = np.zeros(X.shape[1])  # stays 0 where the rows have no entry: what is constant tells nothing
    for variable in variables:
        known = X[rows, variable]
        known = known[~np.isnan(known[:, 0])]
        if not len(known):
            continue
        if known.shape[1] == 1:
            fills[variable] = np.median(known)
        else:
            fills[variable.start + known.sum(axis=0).argmax()] = 1.0
    return np.where(np.isnan(X), fills, X)


def _check_complete(path: Path, columns: list[Column], labels: Labels) -> None:
    """Raise if values are missing, and say what may be done about them."""
    partial = sorted(
        (column for column in columns if column.is_missing.any()), key=lambda column: -column.is_missing.sum()
    )
    found = [*map(_what_is_missing, partial), *([_what_is_missing(labels)] if labels.is_missing.any() else [])]
    if not found:
        return
    n_rows, n_incomplete = len(labels.entries), int(_incomplete(columns, labels).sum())
    ways = [f"--missing drop leaves out those rows, {n_incomplete} of {n_rows}"]
    if partial:
        ways.append("--missing impute fills in the median of numbers, else the most frequent value")
        ways.append(f"{option('--drop', partial[0].name)} leaves out a column")
    raise UnusableDataError(
        f"{path} has missing values in {shortlist(found)}. {'; '.join(ways)}. --help lists what counts as missing."
    )


def _what_is_missing(column: Column | Labels) -> str:
    """Return the name of a column with how many entries are missing, and how they are written."""
    entries = column.entries[column.is_missing]
    marks = sorted(set(entries) - {""}) if entries.dtype.kind == "O" else []
    written = f", as {' or '.join(map(repr, marks[:_MOST_SHOWN]))}" if marks else ""
    return f"{column.name!r} ({count(_n_missing(column), 'row')}{written})"


def _n_missing(column: Column | Labels) -> int:
    return int(column.is_missing.sum())


def _incomplete(columns: Sequence[Column], labels: Labels) -> BoolArray:
    """Return which rows have a missing entry."""
    incomplete = labels.is_missing.copy()
    for column in columns:
        incomplete |= column.is_missing
    return incomplete
