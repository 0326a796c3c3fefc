"""What is missing in a table: refused, left out by rows, or filled in from the rows that are fitted."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.cli.tables.columns import Column, Labels, UnusableDataError
from softglm.cli.tables.reading import Missing, option
from softglm.cli.tables.words import count, shortlist

# Of the entries that stand for nothing in a column, an error shows these many.
_MOST_SHOWN = 3
# This one is rather an answer, as of a column of air bags, or of religions.
_ANSWER = "None"


def rows_to_fit(
    path: Path, columns: Sequence[Column], labels: Labels, weights: Column | None, missing: Missing
) -> BoolArray:
    """Return which rows are to be fitted, none without a label or a weight; raise where nothing was said of them."""
    if labels.is_missing.all():
        raise no_label(path, labels.name)
    beside: list[Column | Labels] = [labels] if weights is None else [labels, weights]
    if missing is Missing.ERROR:
        _check_complete(path, columns, beside)
    left_out = _incomplete(beside if missing is Missing.IMPUTE else [*columns, *beside])
    if left_out.all():
        every = sorted([*columns, *beside], key=_n_missing, reverse=True)
        raise nothing_left(path, [column.name for column in every if _n_missing(column)])
    return ~left_out


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


def nothing_left(path: Path, names: Sequence[str]) -> UnusableDataError:
    """Return the error that no row is complete; names are of columns, those with most missing values first."""
    return UnusableDataError(
        f"{path} has missing values in every row, most of them in {shortlist(list(map(repr, names)))}. Drop such "
        "columns, by --drop, or fill in features: --missing impute."
    )


def no_label(path: Path, target: str) -> UnusableDataError:
    """Return the error that no row has a class."""
    return UnusableDataError(
        f"{path} has no value in {target!r}, which is to be predicted: it is missing in every row. Choose another "
        "--target. --help lists what counts as missing."
    )


def left_out_rows(number: int, needed: Sequence[str], missing: Missing) -> str:
    """Return how many rows were left out, and why: where other columns are imputed, for want of those needed."""
    without = f"without {' or '.join(map(repr, needed))}"
    return f"{count(number, 'row')} {'with missing values' if missing is Missing.DROP else without}"


def refused(
    path: Path, found: Sequence[str], features: Sequence[str], *, n_incomplete: int, n_rows: int
) -> UnusableDataError:
    """Return the error that says what is missing, column by column, and what may be done about it."""
    ways = [f"--missing drop leaves out those rows, {n_incomplete} of {n_rows}"]
    if features:
        ways.append("--missing impute fills in the median of numbers, else the most frequent value")
        ways.append(f"{option('--drop', features[0])} leaves out a column")
    return UnusableDataError(
        f"{path} has missing values in {shortlist(found)}. {'; '.join(ways)}. --help lists what counts as missing."
    )


def _check_complete(path: Path, columns: Sequence[Column], beside: Sequence[Column | Labels]) -> None:
    partial = sorted(filter(_n_missing, columns), key=_n_missing, reverse=True)
    found = [_what_is_missing(column) for column in (*partial, *filter(_n_missing, beside))]
    if found:
        is_incomplete = _incomplete([*columns, *beside])
        features = [column.name for column in partial]
        raise refused(path, found, features, n_incomplete=int(is_incomplete.sum()), n_rows=len(is_incomplete))


def _what_is_missing(column: Column | Labels) -> str:
    """Return the name of a column with how many entries are missing, and how they are written."""
    entries = column.entries[column.is_missing]
    marks = sorted(set(entries) - {""}) if entries.dtype.kind == "O" else []
    written = f", as {' or '.join(map(repr, marks[:_MOST_SHOWN]))}" if marks else ""
    if _ANSWER in marks:
        written += f": {option('--not-na', _ANSWER)} has that be a value"
    return f"{column.name!r} ({count(_n_missing(column), 'row')}{written})"


def _n_missing(column: Column | Labels) -> int:
    return int(column.is_missing.sum())


def _incomplete(columns: Sequence[Column | Labels]) -> BoolArray:
    """Return which rows have a missing entry."""
    return np.asarray(np.any([column.is_missing for column in columns], axis=0))
