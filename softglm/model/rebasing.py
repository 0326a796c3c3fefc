r"""Columns that double precision serves badly as they are: of a spread that is tiny, or tiny beside their mean.

Squares of the first underflow, so that they seem constant. Of the second eta = b + B' x cancels, and with it as many
digits as the mean is larger than the spread. In (x - origin) * units both are like any others, and theta is that of the
columns as they are, scaled back. What is far is so whatever is penalised, and read from an origin from the first; where
something is penalised enough, the coefficients of a tiny column are 0 for all that they can do.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.data import AdaptedRows, Rebasing, Rows
from softglm.model.exactness import are_constant
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.objective import Objective
from softglm.sums import CONSTANT, LargestSizes, Spread

# A penalty of this strength leaves nothing to columns of less than this spread.
_STRONG, _TINY = 1e-180, 1e-80
# A column whose mean is beyond has a last digit above this spread.
_NEAR = 1e-60
# How many times its spread the mean of a column may be before it is read from an origin; and before a fit reads it so
# where not every column is penalised, and it is the last digits that may separate the classes.
FAR, FAR_UNPENALISED = 1e3, 50.0
# A variance below this, relative to the mean square, may be the rounding of their difference.
_CANCELS = 1e-9
# Veltkamp's constant, 2^27 + 1.
_SPLIT = 134217729.0
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
        return whole, _less_products(intercept, self.origin, whole)

    def down(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return coef, shape (p, q), and intercept, shape (q,), of (x - origin) * units."""
        return coef / self.units[:, np.newaxis], _less_products(intercept, -self.origin, coef)


@final
@dataclass(frozen=True)
class Places:
    """Where columns are, for their spread.

    Attributes
    ----------
    origin : array of shape (p,) or None
        From which to read them: their means where they are far from 0; None if none is.
    in_doubt : array of shape (p,) or None
        The spread of those that seem constant and are not quite: it is that of their last digits, 0 of others.
    """

    origin: FloatArray | None
    in_doubt: FloatArray | None = None


def places_of(objective: Objective) -> Places:
    """Tell which columns are far from 0, and which are constant.

    Any origin is exact, and what is left of an entry is off by half a unit in its own last place at most.

    Parameters
    ----------
    objective : Objective
    """
    rows, center, size = objective.rows, objective.moments.center, objective.moments.size
    if rows.is_sparse or not center.any():
        return Places(None)
    squares = size * size - center * center
    if (center * center <= FAR * FAR * squares).all():
        return Places(None)
    distance = np.abs(center)
    # Where the means are so far, their spread may be rounding.
    unclear = squares <= _CANCELS * size**2
    if unclear.any():
        weight, about = rows.sum(Spread(center))
        squares = np.where(unclear, about / weight, squares)
    spread = np.sqrt(squares)
    seem_constant = spread <= CONSTANT * distance
    origin = np.where((distance > FAR * spread) & ~seem_constant, center, 0.0)
    is_far = origin.any() and np.isfinite(origin).all()
    are_told = are_constant(rows, np.flatnonzero(seem_constant & (distance > 0.0)))
    return Places(origin if is_far else None, None if are_told else np.where(seem_constant, spread, 0.0))


def read_from(objective: Objective, origin: FloatArray) -> Objective:
    """Return the objective on rows that are read from an origin, shape (p,)."""
    rows = AdaptedRows(objective.rows, Rebasing(origin, np.ones_like(origin)))
    return Objective(
        rows,
        objective.family,
        objective.penalty,
        fit_intercept=objective.fit_intercept,
        tuning=objective.tuning,
    )


def _less_products(intercept: FloatArray, origin: FloatArray, coef: FloatArray) -> FloatArray:
    """Return intercept - origin' coef, shape (q,), rounded once: of far origins the products are large, and cancel.

    The error of a product by Dekker 1971 (doi 10.1007/BF01397083), the sum by Shewchuk's.
    """
    far = np.flatnonzero(origin)
    x, y = origin[far, np.newaxis], coef[far]
    products = x * y
    (x_high, x_low), (y_high, y_low) = _halves(x), _halves(y)
    errors = x_low * y_low - (((products - x_high * y_high) - x_low * y_high) - x_high * y_low)
    terms = np.concatenate([intercept[np.newaxis], -products, -errors])
    if not np.isfinite(terms).all():
        return intercept - origin @ coef
    return np.array([math.fsum(column) for column in terms.T])


def _halves(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Split numbers in two of half as many digits, whose products are exact."""
    scaled = _SPLIT * values
    high = scaled - (scaled - values)
    return high, values - high


def rebased(
    objective: Objective, coordinates: KroneckerCoordinates, *, far: float = FAR
) -> tuple[Objective, Basis] | None:
    """Return the objective on rows that double precision serves well, and the way back; None if these are such.

    Parameters
    ----------
    objective : Objective
    coordinates : KroneckerCoordinates
        Of the null model, or about those.
    far : float, optional
        How many times its spread the mean of a column may be.
    """
    rows, center = objective.rows, objective.moments.center
    strength = objective.penalty.curvature[: len(center)]
    if strength.min(initial=np.inf) >= _STRONG:
        return None
    known = np.zeros(len(center)) if rows.origin is None else rows.origin
    reach = coordinates.reach[: len(center)]
    is_tiny = ((reach == 0.0) | (reach > 1.0 / _TINY)) & (strength < _STRONG) & (np.abs(center) < _NEAR)
    units = _units(rows, is_tiny) if is_tiny.any() else np.ones(len(center))
    units[strength * units * units > 1.0 / _STRONG] = 1.0
    origin = np.zeros(len(center))
    # F is about one over the spread, seldom below half of it.
    if not rows.is_sparse and (np.abs(center) * reach > far / 2.0).any():
        is_far = (np.abs(center) > far * coordinates.spreads[: len(center)]) & (known == 0.0)
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
