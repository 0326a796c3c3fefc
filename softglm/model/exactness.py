"""Relations between columns that hold exactly: copies, and sums of whole numbers such as dummies."""

import numpy as np
import numpy.typing as npt
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.sums import Residuals

# A coefficient is a power of two, or a whole number, that is so near.
_NEAR = 1e-4
# Whole numbers up to here, and their sums, are exact.
_WHOLE = 2.0**53


def are_exact(rows: Rows, directions: FloatArray, *, centred: bool) -> bool:
    """Tell whether columns are collinear exactly along some directions, and not only to their last digits.

    Parameters
    ----------
    rows : Rows
    directions : array of shape (p, k)
        Along which they hardly vary, in units in which the columns are alike.
    centred : bool
        Whether what they add up to may be a constant, or has to be 0.
    """
    relations = _simplest(directions)
    if relations is None:
        return False
    highest, lowest, size, fraction = rows.max(Residuals(relations))
    lowest = -lowest
    are_whole = (fraction[0] == 0.0) & (size < _WHOLE) & (relations == np.round(relations)).all(axis=0)
    are_pairs = (relations != 0.0).sum(axis=0) <= 2
    are_zero = (highest == 0.0) & (lowest == 0.0)
    are_constant = highest == lowest if centred else are_zero
    return bool((are_whole & are_constant | are_pairs & are_zero).all())


def are_constant(rows: Rows, columns: npt.NDArray[np.intp]) -> bool:
    """Tell whether these columns are the same in all rows of any weight, to the last digit."""
    if not len(columns):
        return True
    relations = np.zeros((rows.n_features, len(columns)))
    relations[columns, np.arange(len(columns))] = 1.0
    highest, lowest, *_ = rows.max(Residuals(relations))
    return bool((highest == -lowest).all())


def _simplest(directions: FloatArray) -> FloatArray | None:
    """Return relations, shape (p, k), each with a pivot of its own; None where some coefficient is no simple number."""
    k = directions.shape[1]
    _, _, order = linalg.qr(directions.T, mode="economic", pivoting=True)
    pivots = directions[order[:k]]
    relations = np.asarray(np.linalg.lstsq(pivots.T, directions.T, rcond=None)[0]).T
    powers = np.ldexp(np.sign(relations), np.round(np.log2(np.maximum(np.abs(relations), _NEAR))).astype(int))
    nearest = np.where(np.abs(relations - np.round(relations)) <= _NEAR, np.round(relations), powers)
    return nearest if (np.abs(relations - nearest) <= _NEAR).all() else None
