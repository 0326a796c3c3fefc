r"""Columns that double precision serves badly as they are: of a spread that is tiny, or tiny beside their mean.

Squares of the first underflow, so that they seem constant. Of the second eta = b + B' x cancels, and its rounding, or
that of sum w t (x - c)', would be an optimum where classes separate and there is none. In (x - origin) * units both are
like any others, and theta is that of the columns as they are, scaled back. Where something is penalised enough, the
coefficients of the first are 0 for all that they can do, and the second do no harm.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.data import AdaptedRows, Rebasing, Rows
from softglm.model.coordinates import KroneckerCoordinates
from softglm.model.objective import Objective
from softglm.sums import LargestSizes

# A penalty of this strength leaves nothing to columns of less than this spread.
_STRONG, _TINY = 1e-180, 1e-80
# A column whose mean is beyond has a last digit above this spread.
_NEAR = 1e-60
# How many times its spread the mean of a column may be.
_FAR = 1e3
# The largest and smallest power of two for a unit: its reciprocal is a normal number.
_MOST, _LEAST = 1020, -1020


@final
@dataclass(frozen=True)
class Basis:
    """The map between the coefficients of x and those of (x - origin) * units.

    Attributes
    ----------
    origin, units : array of shape (p,)
    """

    origin: FloatArray
    units: FloatArray

    def up(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return coef, shape (p, q), and intercept, shape (q,), of x."""
        whole = coef * self.units[:, np.newaxis]
        return whole, intercept - self.origin @ whole

    def down(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return coef, shape (p, q), and intercept, shape (q,), of (x - origin) * units."""
        return coef / self.units[:, np.newaxis], intercept + self.origin @ coef


def rebased(objective: Objective, coordinates: KroneckerCoordinates) -> tuple[Objective, Basis] | None:
    """Return the objective on rows that double precision serves well, and the way back; None if these are such.

    Parameters
    ----------
    objective : Objective
    coordinates : KroneckerCoordinates
        Of the null model, or about those.
    """
    rows, center = objective.rows, objective.moments.center
    strength = objective.penalty.curvature[: len(center)]
    if rows.origin is not None or strength.min(initial=np.inf) >= _STRONG:
        return None
    reach = coordinates.reach[: len(center)]
    is_tiny = ((reach == 0.0) | (reach > 1.0 / _TINY)) & (strength < _STRONG) & (np.abs(center) < _NEAR)
    units = _units(rows, is_tiny) if is_tiny.any() else np.ones(len(center))
    units[strength * units * units > 1.0 / _STRONG] = 1.0
    origin = np.zeros(len(center))
    # F is about one over the spread, or larger.
    if not rows.is_sparse and (np.abs(center) * reach > _FAR).any():
        is_far = np.abs(center) > _FAR * coordinates.spreads[: len(center)]
        origin[is_far & (reach > 0.0)] = center[is_far & (reach > 0.0)]
    if not origin.any() and (units == 1.0).all():
        return None
    penalty = objective.penalty.in_units(units)
    there = Objective(
        AdaptedRows(rows, Rebasing(origin, units)),
        objective.family,
        penalty,
        fit_intercept=objective.fit_intercept,
        tuning=objective.tuning,
    )
    return there, Basis(origin, units)


def units_of(largest: FloatArray) -> FloatArray:
    """Return the powers of two, shape (p,), that bring these sizes to about 1; 1 for 0."""
    _, exponents = np.frexp(largest)
    return np.where(largest > 0.0, np.ldexp(1.0, np.clip(-exponents, _LEAST, _MOST)), 1.0)


def _units(rows: Rows, chosen: BoolArray) -> FloatArray:
    """Return units for the chosen columns, and ones for the others, shape (p,)."""
    return np.where(chosen, units_of(rows.max(LargestSizes())[0]), 1.0)
