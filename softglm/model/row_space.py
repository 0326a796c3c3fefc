"""Wide data: with more features than rows, the optimum lies in the space that the rows span.

Only the products of the coefficients with the centred rows enter the likelihood, and a component orthogonal to all of
them can only add to a ridge. With X_c' = V S U' (V orthonormal, r <= n columns) the fit on the r features X_c V = U S,
with the same ridge, has coefficients V' B: p is replaced by the rank r, exactly.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.data import Rows, RowsInMemory
from softglm.model.rebasing import units_of
from softglm.sums import CONSTANT, Observations
from softglm.tuning import DEFAULT, Tuning

# Singular values below this, times p, relative to the largest are rounding.
_RANK_TOLERANCE = np.finfo(np.float64).eps
# Squares of columns of less spread may underflow.
_TINY = 1e-100
# Rows of which squares are formed at a time.
_ROWS = 16


@final
@dataclass(frozen=True)
class RowSpace:
    """The map between coefficients on p features and on the r coordinates of the row space.

    Attributes
    ----------
    directions, mixing : arrays of shape (p, n) and (n, r)
        V is their product, never formed, with the columns of X divided by `scale` first.
    scale, center : array of shape (p,)
    """

    directions: FloatArray
    mixing: FloatArray
    scale: FloatArray
    center: FloatArray

    def up(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return coef, shape (p, q), and intercept, from those on the reduced features, shape (r, q)."""
        whole = (self.directions @ (self.mixing @ coef)) / self.scale[:, np.newaxis]
        return whole, intercept - self.center @ whole

    def down(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the nearest coefficients on the reduced features, shape (r, q), and the intercept."""
        across = self.directions.T @ (coef * self.scale[:, np.newaxis])
        return self.mixing.T @ across, intercept + self.center @ coef


def row_space(
    rows: Rows, *, centred: bool, penalised: bool, scale: FloatArray | None = None, tuning: Tuning = DEFAULT
) -> tuple[Rows, RowSpace] | None:
    """Return the reduced rows, with r <= n features in place of p > n, and the way back.

    None if the scales of the columns differ so much that the largest would drown the others in rounding.

    Parameters
    ----------
    rows : Rows
    centred : bool
        Whether there is an intercept.
    penalised : bool
        If not, the columns are scaled to unit variance first, so that the solution is of minimum norm in those.
    scale : array of shape (p,) or None, default=None
        By which columns are divided first, if something is penalised: the roots of its strengths, where these differ.
    tuning : Tuning, optional
    """
    zero = np.zeros(rows.n_features)
    parts = rows.concatenate(Observations())
    counted = parts[2] > 0.0
    columns, targets, weights, offset = parts if counted.all() else (part[..., counted] for part in parts)
    center = columns @ weights / weights.sum() if centred else zero
    columns -= center[:, np.newaxis]
    scale = np.ones(rows.n_features) if scale is None else scale
    if penalised:
        columns /= scale[:, np.newaxis]
    # Where nothing is penalised the smallest singular values count.
    factors = _by_products(columns, centred=centred, clear=tuning.clear) if penalised else None
    if factors is None:
        spread = np.sqrt(_squares(columns, weights) / weights.sum())
        varying = spread[spread > 0.0]
        if penalised and varying.max(initial=1.0) > tuning.widest * varying.min(initial=1.0):
            return None
        if not penalised:
            scale = _standardised(columns, weights, spread, center)
        factors = _by_triangle(columns)
    features, directions, mixing = factors
    reduced = RowsInMemory(
        features,
        targets.T if targets.ndim == 2 else targets,
        weights,
        offset.T if rows.has_offset else None,
        tuning=tuning,
    )
    return reduced, RowSpace(directions, mixing, scale, center)


def _standardised(columns: FloatArray, weights: FloatArray, spread: FloatArray, center: FloatArray) -> FloatArray:
    """Divide columns, shape (p, n), by their spreads, in place, and return those; 1 for a constant one, set to 0."""
    units = np.ones(len(spread))
    if (tiny := np.flatnonzero(spread < _TINY)).size:
        units[tiny] = units_of(np.abs(columns[tiny]).max(axis=1))
        columns[tiny] *= units[tiny, np.newaxis]
        spread[tiny] = np.sqrt(_squares(columns[tiny], weights) / weights.sum())
    # What rounding leaves of a constant column would be scaled up.
    is_constant = spread <= CONSTANT * np.abs(center) * units
    columns[is_constant] = 0.0
    columns /= np.where(is_constant, 1.0, spread)[:, np.newaxis]
    return np.where(is_constant, 1.0, spread / units)


def _squares(columns: FloatArray, weights: FloatArray) -> FloatArray:
    """Return sum_i w_i x_i^2, shape (p,), of rows x_i, the columns of an array."""
    total = np.zeros(len(columns))
    for start in range(0, len(weights), _ROWS):
        total += np.square(columns[:, start : start + _ROWS]) @ weights[start : start + _ROWS]
    return total


def _by_products(
    columns: FloatArray, *, centred: bool, clear: float
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Return U S, shape (n, r), and two factors of V, from the products of rows; None if those lose too many digits."""
    squares, left = np.linalg.eigh(columns.T @ columns)
    # Centred rows have rank n - 1 at most.
    squares, left = squares[int(centred) :], left[:, int(centred) :]
    if not squares.min(initial=np.inf) > clear * squares.max(initial=0.0):
        return None
    singular: FloatArray = np.sqrt(squares)
    return np.asarray(left * singular), columns, np.asarray(left / singular)


def _by_triangle(columns: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return U S, shape (n, r), and two factors of V, from orthogonal transformations only."""
    # The triangle first, which is small: a singular value decomposition of p rows is dear.
    orthonormal, triangle = linalg.qr(columns, mode="economic", overwrite_a=True)
    left, singular, right = linalg.svd(triangle)
    # What rounding adds to the rank would be scaled up where nothing is penalised.
    rank = int((singular > _RANK_TOLERANCE * len(columns) * singular.max(initial=0.0)).sum())
    features = np.ascontiguousarray((singular[:rank, np.newaxis] * right[:rank]).T)
    return features, np.asarray(orthonormal), left[:, :rank]
