"""Relations between columns that hold exactly: copies, and sums of whole numbers such as dummies."""

import numpy as np
import numpy.typing as npt
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.sums import Fractions, Residuals

# A coefficient is a power of two, or a whole number, that is so near.
_NEAR = 1e-4
# Of a relation between whole numbers, solved for one of them.
_LARGEST_DENOMINATOR = 12
# Whole numbers of so many binary digits, and their sums up to these, are exact.
_DIGITS = 52


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
    highest, lowest, size = rows.max(Residuals(relations))
    are_zero = (highest == 0.0) & (lowest == 0.0)
    are_constant = highest == -lowest if centred else are_zero
    # Whole numbers of one unit add up without rounding; and of two numbers, times powers of two,
    # a difference of 0 is one.
    units = np.ldexp(1.0, _DIGITS - np.frexp(size)[1])
    are_whole = rows.max(Fractions(relations, units))[0] == 0.0
    are_powers = np.isin(np.abs(np.frexp(relations)[0]), (0.0, 0.5)).all(axis=0)
    are_pairs = are_powers & ((relations != 0.0).sum(axis=0) <= 2)
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
    simple = [found for relation in relations.T if (found := _simple(relation)) is not None]
    return np.column_stack(simple) if len(simple) == k else None


def _simple(relation: FloatArray) -> FloatArray | None:
    """Return a relation, shape (p,), in whole numbers, or in powers of two; None where these are not near."""
    powers = np.ldexp(np.sign(relation), np.round(np.log2(np.maximum(np.abs(relation), _NEAR))).astype(int))
    powers[relation == 0.0] = 0.0
    for multiple in range(1, _LARGEST_DENOMINATOR + 1):
        scaled = multiple * relation
        if (np.abs(scaled - np.round(scaled)) <= _NEAR).all():
            return np.asarray(np.round(scaled))
    return powers if (np.abs(relation - powers) <= _NEAR).all() else None
