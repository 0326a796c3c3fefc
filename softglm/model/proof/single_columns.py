"""Columns that separate a class from the others by themselves: levels or words that only one class has, thresholds.

One pass over the rows finds them, however many there are; where they exist no programs are needed to say that a
maximum-likelihood estimate does not.
"""

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.model.objective import Objective
from softglm.sums import ClassRanges

# What differs by so many units in the last place of the largest entry, or less, and is not equal, may be either.
_LAST_DIGITS = 8


def separating_column(objective: Objective) -> int | None:
    """Return the first column of X along which one class has nothing below, or above, what any other has.

    Along the coefficient of that column in that class the likelihood never falls. None where there is no such column;
    where it hangs on the last digits of X; or where rows are read from an origin, or as combinations, so that ties of
    theirs may be none of X.

    Parameters
    ----------
    objective : Objective
    """
    rows = objective.rows
    if rows.origin is not None or rows.noise is not None:
        return None
    opposite, highest = rows.max(ClassRanges(objective.family))
    lowest = -opposite
    if len(highest) < 2:
        return None
    size = np.maximum(np.abs(lowest), np.abs(highest)).max(axis=0)
    digits = _LAST_DIGITS * np.finfo(np.float64).eps * size
    varies = highest.max(axis=0) - lowest.min(axis=0) > digits
    above = _parted(lowest, _of_others(highest), digits, fit_intercept=objective.fit_intercept)
    below = _parted(-highest, _of_others(opposite), digits, fit_intercept=objective.fit_intercept)
    separates = varies & (above | below).any(axis=0)
    return int(separates.argmax()) if separates.any() else None


def _parted(lowest: FloatArray, highest_of_others: FloatArray, digits: FloatArray, *, fit_intercept: bool) -> BoolArray:
    """Tell where each class has nothing below the others, or below 0, where those have nothing above; shape (K, p)."""
    if not fit_intercept:
        return np.asarray((lowest >= 0.0) & (highest_of_others <= 0.0))
    apart = lowest - highest_of_others
    return np.asarray((apart == 0.0) | (apart > digits))


def _of_others(highest: FloatArray) -> FloatArray:
    """Return the largest of the other classes for each class, shape (K, p)."""
    leading, columns = highest.argmax(axis=0), np.arange(highest.shape[1])
    first = highest[leading, columns]
    rest = highest.copy()
    rest[leading, columns] = -np.inf
    others = np.broadcast_to(first, highest.shape).copy()
    others[leading, columns] = rest.max(axis=0)
    return others
