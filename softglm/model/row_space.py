"""Wide data: with more features than rows, the optimum lies in the space that the rows span.

Only the products of the coefficients with the centred rows enter the likelihood, and a component orthogonal to all of
them can only add to a ridge. With X_c' = V S U' (V orthonormal, r <= n columns) the fit on the r features X_c V = U S,
with the same ridge, has coefficients V' B: p is replaced by the rank r, exactly.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.data import Block, Rows, RowsInMemory

# The most that the spreads of penalised columns may differ by. (Others are scaled.)
_WIDEST = 1e5
# Singular values below this, times p, relative to the largest are rounding.
_RANK_TOLERANCE = np.finfo(np.float64).eps


@final
@dataclass(frozen=True)
class RowSpace:
    """The map between coefficients on p features and on the r coordinates of the row space.

    Attributes
    ----------
    basis : array of shape (p, r)
        V, with the columns of X divided by `scale` first.
    scale, center : array of shape (p,)
    """

    basis: FloatArray
    scale: FloatArray
    center: FloatArray

    def up(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return coef, shape (p, q), and intercept, from those on the reduced features, shape (r, q)."""
        whole = (self.basis @ coef) / self.scale[:, np.newaxis]
        return whole, intercept - self.center @ whole

    def down(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the nearest coefficients on the reduced features, shape (r, q), and the intercept."""
        return self.basis.T @ (coef * self.scale[:, np.newaxis]), intercept + self.center @ coef


def row_space(rows: Rows, *, centred: bool, penalised: bool) -> tuple[Rows, RowSpace] | None:
    """Return the reduced rows, with r <= n features in place of p > n, and the way back.

    None if the scales of the columns differ so much that the largest would drown the others in rounding.

    Parameters
    ----------
    rows : Rows
    centred : bool
        Whether there is an intercept.
    penalised : bool
        If not, the columns are scaled to unit variance first, so that the solution is of minimum norm in those.
    """
    zero = np.zeros(rows.n_features)
    parts = rows.concatenate(lambda block: (block.centred(zero).T, *_observed(block)))
    counted = parts[2] > 0.0
    columns, targets, weights, offset = (part[..., counted] for part in parts)
    center = columns @ weights / weights.sum() if centred else zero
    columns -= center[:, np.newaxis]
    scale = np.ones(rows.n_features)
    spread = np.sqrt(columns**2 @ weights / weights.sum())
    varying = spread[spread > 0.0]
    if penalised and varying.max(initial=1.0) > _WIDEST * varying.min(initial=1.0):
        return None
    if not penalised:
        scale[spread > 0.0] = varying
        columns /= scale[:, np.newaxis]
    # The triangle first, which is small: a singular value decomposition of p rows is dear.
    orthonormal, triangle = linalg.qr(columns, mode="economic", overwrite_a=True)
    left, singular, right = linalg.svd(triangle)
    # Centred rows have rank n - 1 at most. What rounding adds would be scaled up where nothing is penalised.
    rank = int((singular > _RANK_TOLERANCE * rows.n_features * singular.max(initial=0.0)).sum())
    basis: FloatArray = orthonormal @ left[:, :rank]
    reduced = RowsInMemory(
        np.ascontiguousarray((singular[:rank, np.newaxis] * right[:rank]).T),
        targets.T if targets.ndim == 2 else targets,
        weights,
        offset.T if rows.has_offset else None,
    )
    return reduced, RowSpace(basis, scale, center)


def _observed(block: Block) -> tuple[npt.NDArray[Any], FloatArray, FloatArray]:
    weights = np.ones(len(block)) if block.weights is None else block.weights
    offset = np.empty((0, len(block))) if block.offset is None else block.offset.T
    return block.targets.T, weights, offset
