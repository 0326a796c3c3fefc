"""Passes in single precision: nearly half the price, while what the rows lose is less than what is asked of them."""

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import AdaptedRows, Rounding, Rows
from softglm.model.objective import Objective
from softglm.sums import CONSTANT, Squares, SquaresAbout, Totals

# The mean weight of the rows up to which, and down to the reciprocal, their weights are within the range of float32.
_RANGE = 1e6
# Columns of such spreads have squares within it.
_SMALLEST, _LARGEST = 1e-10, 1e10


def in_single_precision(objective: Objective) -> Objective | None:
    """Return this objective with passes in float32; None where that is out of range, or does not pay."""
    rows, center = objective.rows, objective.moments.center
    if not (objective.tuning.in_single_precision and rows.can_be_rounded and _pays(objective)):
        return None
    spread = _spread(rows, center, objective.tuning.near)
    is_constant = spread <= CONSTANT * np.abs(center)
    is_in_range = ((spread > _SMALLEST) & (spread < _LARGEST) | is_constant).all()
    if not is_in_range or _stays_far(rows, center, objective.tuning.near):
        return None
    return objective.in_single_precision(*_rounded(objective, spread, Rounding(center, is_constant)))


def _pays(objective: Objective) -> bool:
    """Tell whether the weights are in range, and conversion costs less than it saves."""
    is_in_range = 1.0 / _RANGE < objective.moments.total_weight / objective.rows.n_rows < _RANGE
    return is_in_range and (objective.shape[1] > 1 or objective.rows.dtype == np.float32)


def _rounded(objective: Objective, spread: FloatArray, about_center: Rounding) -> tuple[Rows, FloatArray]:
    """Return the rows in float32, and their center there: few as a copy, many as they are, or converted as read."""
    rows, center, tuning = objective.rows, objective.moments.center, objective.tuning
    if rows.n_entries <= tuning.copied_entries:
        return rows.rounded_copy(about_center), np.zeros_like(center)
    if rows.dtype == np.float32:
        return rows, center
    if (np.abs(center) <= tuning.near * spread).all():
        return AdaptedRows(rows, Rounding(None, about_center.is_constant)), center
    return AdaptedRows(rows, about_center), np.zeros_like(center)


def _spread(rows: Rows, center: FloatArray, near: float) -> FloatArray:
    """Return the root mean square distance of the columns of dense X from a center, shape (p,)."""
    squares = rows.sum(Squares())[0] / rows.n_rows - center**2
    if (center**2 > near**2 * squares).any():  # what is left is rounding: another pass, twice as long
        squares, *_ = rows.sum(SquaresAbout(center, rows.n_rows))
    return np.asarray(np.sqrt(squares))


def _stays_far(rows: Rows, center: FloatArray, near: float) -> bool:
    """Tell whether a column that varies is far from the center, which without an intercept is 0."""
    if center.any():
        return False
    mean = rows.sum(Totals())[0] / rows.n_rows
    spread, distance = _spread(rows, mean, near), np.abs(mean)
    return bool(((distance > near * spread) & (spread > CONSTANT * distance)).any())
