"""A two-dimensional y: class probabilities or counts, and what else such a table may be."""

from typing import Any

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.validation.finite import check_numbers
from softglm.validation.labels import check_none_is_missing
from softglm.warn import warn_user

# Columns that hold codes of labels: see `_look_like_codes`.
_MOST_CODES, _LARGEST_CODE, _LEAST_ROWS, _RARE_CODE = 20, 10_000, 12, 0.02
_SEVERAL_LABELS = (
    "where each column holds labels of its own, fit one model per column, with MultiOutputClassifier for example."
)


def read_counts(values: npt.NDArray[Any]) -> FloatArray:
    """Return class probabilities or counts, shape (n, K): finite, none negative, no row empty."""
    try:
        counts = values.astype(np.float64)
    except (TypeError, ValueError):
        counts = None
    if counts is None or values.dtype.kind not in "biufO":
        raise ValueError(
            f"A two-dimensional y must hold class probabilities or counts, got dtype {values.dtype}. Pass labels as a "
            f"one-dimensional array; {_SEVERAL_LABELS}"
        )
    if values.dtype == object:
        check_none_is_missing(counts)
    check_numbers(counts, "y")
    negative = np.flatnonzero((counts < 0.0).any(axis=1))
    if len(negative):
        raise ValueError(
            f"y has negative entries in {len(negative)} rows, the first at row {negative[0]}. A two-dimensional y "
            "holds class probabilities or counts, a column for each class."
        )
    empty = np.flatnonzero(~counts.any(axis=1))
    if len(empty):
        raise ValueError(
            f"y has {len(empty)} rows of zeros only, the first at row {empty[0]}: nothing was observed there. Drop "
            f"those rows.{_other_reading_of_zeros(counts)}"
        )
    return np.asarray(counts)


def _other_reading_of_zeros(counts: FloatArray) -> str:
    """Return what rows of zeros may mean where y is not a table of counts."""
    if _are_marks(counts):
        return " If y marks any number of labels per row, the data are multilabel: fit one model per label instead."
    if _are_few_codes(counts):
        return f" If its columns hold codes that begin at 0, y is not counts: {_SEVERAL_LABELS}"
    return ""


def warn_about_counts(counts: FloatArray) -> None:
    """Warn where counts look like marks, codes or percentages."""
    totals = counts.sum(axis=1)
    if _are_marks(counts) and (totals > 1.0).any():
        warn_user(
            "y is a matrix of zeros and ones in which some row sums to more than 1, and is read as counts. If it marks "
            "several labels per row, the data are multilabel: fit one model per label instead.",
            UserWarning,
        )
    elif _look_like_codes(counts):
        warn_user(
            "The columns of y hold few whole numbers each, as codes of labels do, and are read as counts of "
            f"{counts.shape[1]} classes. If that is not what they are: {_SEVERAL_LABELS}",
            UserWarning,
        )
    elif np.allclose(totals, 100.0):
        warn_user(
            "Every row of y sums to 100, and is read as 100 observations. If they are percentages, pass y / 100.",
            UserWarning,
        )


def _are_marks(counts: FloatArray) -> bool:
    return bool(((counts == 0.0) | (counts == 1.0)).all())


def _look_like_codes(counts: FloatArray) -> bool:
    """Tell whether the columns look like codes of labels, a question of its own in each, rather than counts of classes.

    Codes are few, begin at 0, 1 or a round number, are evenly spaced, and none is as rare as the largest counts are;
    row totals, which mean nothing, vary. So are small counts sometimes. But classes that all occur in every row and
    never often are rare; and given their total m, counts of classes have a variance of m pi (1 - pi) or, where pi
    differs between rows, more, while codes have less: a column of codes does not follow the total. In samples of counts
    (binomial and Poisson of many means, 12 to 1000 rows) this took 1 in 500 for codes, and at worst 1 in 25; of codes
    of two or three labels each, in 50 rows and more, it recognised 19 in 20.
    """
    totals = counts.sum(axis=1)
    if (totals == totals[0]).all() or not _are_few_codes(counts):
        return False
    if counts.min() >= 1.0:
        return True
    spread, rest = totals - totals.mean(), counts - counts.mean(axis=0)
    rest -= np.outer(spread, spread @ rest) / (spread @ spread)
    shares = counts.sum(axis=0) / counts.sum()
    least = len(counts) * totals.mean() * float((shares * (1.0 - shares)).sum())
    # Two standard errors of a variance below.
    return bool((rest**2).sum() < (1.0 - 2.0 * np.sqrt(2.0 / len(counts))) * least)


def _are_few_codes(counts: FloatArray) -> bool:
    """Tell whether each column has few values, evenly spaced from a round number or the next one, none of them rare.

    Round numbers are 0, 10, 20, ...: codes are such as 1..5, 100..102 or 10, 20, 30. Numbers that all have a common
    factor are rather counts times that.
    """
    if len(counts) < _LEAST_ROWS or counts.max() > _LARGEST_CODE or (counts != np.floor(counts)).any():
        return False
    for column in counts.T:
        times = np.bincount(column.astype(np.intp))
        values = np.flatnonzero(times)
        is_even = len(set(np.diff(values).tolist())) == 1 and values[0] % 10 <= 1
        if not is_even or len(values) > _MOST_CODES or times[values].min() < max(_RARE_CODE * len(counts), 2.0):
            return False
    return int(np.gcd.reduce(counts.astype(np.intp), axis=None)) == 1
