r"""Columns that are nearly collinear: told apart where double precision can, and read apart then.

Second moments see half the digits of what they are moments of: x and x + 1e-11 z are one column to them. The rows tell
z: in combinations D'(x - c) that hardly vary the large parts cancel, as exactly as subtraction is, and what is left is
scaled up and looked at again, until it varies like any other column, or is no more than the rounding of its terms. On
the combinations T'(x - c) a fit is like any other, with the coefficients T times those.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import AdaptedRows, Mixing, Rows
from softglm.model.exactness import are_exact
from softglm.model.objective import Objective
from softglm.model.penalties import Ridge
from softglm.sums import SecondMoments

# Eigenvalues of second moments with a unit diagonal that are more than rounding by enough digits for a fit.
_CLEAR = 1e-8
# What varies by more than so many times the rounding of its terms is no rounding.
_TOLD = 8.0
# So often what is left is scaled up: half the digits at a time.
_LOOKS = 4


@final
@dataclass(frozen=True)
class Combinations:
    """The map between the coefficients of x and those of T'(x - c).

    Attributes
    ----------
    center, spread : arrays of shape (p,)
        c, and the root mean squares of x - c.
    matrix : array of shape (p, r)
        T.
    """

    center: FloatArray
    spread: FloatArray
    matrix: FloatArray

    def read(self, objective: Objective) -> Objective:
        """Return an objective without penalty on these combinations of its columns."""
        return Objective(
            AdaptedRows(objective.rows, Mixing(self.center, self.matrix, self.spread)),
            objective.family,
            Ridge.on_coefficients(0.0, self.matrix.shape[1], fit_intercept=objective.fit_intercept),
            fit_intercept=objective.fit_intercept,
            tuning=objective.tuning,
        )

    def up(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return coef, shape (p, q), and intercept, shape (q,), of x."""
        whole = self.matrix @ coef
        return whole, intercept - self.center @ whole

    def down(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the nearest coef, shape (r, q), and the intercept, shape (q,), of T'(x - c)."""
        lengths = np.sqrt(np.square(self.matrix).sum(axis=1, keepdims=True))
        units = np.where(lengths > 0.0, lengths, 1.0)
        nearest = np.asarray(np.linalg.lstsq(self.matrix / units, coef / units, rcond=None)[0], dtype=np.float64)
        return nearest, intercept + self.center @ coef


@final
@dataclass(frozen=True)
class Collinearity:
    """Which combinations of the columns vary.

    Attributes
    ----------
    combinations : Combinations or None
        Of the columns, so that none of them are nearly collinear; None where the columns are as good.
    is_told : bool
        Whether what is left out does not vary at all, and not only by no more than the rounding of its terms.
    """

    combinations: Combinations | None
    is_told: bool


def collinearity_of(
    objective: Objective, moments: FloatArray, given: Rows, units: FloatArray | None = None
) -> Collinearity:
    """Tell which combinations of the columns vary.

    Parameters
    ----------
    objective : Objective
        In which nothing is penalised.
    moments : array of shape (m, m)
        The mean of z z' of z = [x - c; 1], 0 for constant columns.
    given : Rows
        Of the objective, before anything was done to them.
    units : array of shape (p,) or None, default=None
        Powers of two by which their columns were multiplied since.
    """
    p = len(objective.moments.center)
    spread = np.sqrt(moments.diagonal()[:p])
    unit = np.divide(1.0, spread, out=np.zeros(p), where=spread > 0.0)
    varies = spread > 0.0
    correlations = moments[:p, :p] * np.outer(unit, unit)
    clear, unclear = _divided(np.diag(unit)[:, varies], correlations[np.ix_(varies, varies)])
    n_clear, untold = clear.shape[1], []
    for _ in range(_LOOKS):
        if objective.rows.is_sparse or not unclear.shape[1]:
            break
        # Directions that second moments tell, and so not quite, still hold some of what is clear.
        together, _ = _moments(objective, np.concatenate([clear, unclear], axis=1), spread)
        r = clear.shape[1]
        unclear = unclear - clear @ np.linalg.solve(together[:r, :r], together[:r, r:])
        left, noise = _moments(objective, unclear, spread)
        sizes = np.sqrt(left.diagonal())
        told = sizes > _TOLD * noise
        untold.append(unclear[:, ~told])
        scale = sizes[told]
        correlations = left[np.ix_(told, told)] / np.outer(scale, scale)
        more, unclear = _divided(unclear[:, told] / scale, correlations)
        clear = np.concatenate([clear, more], axis=1)
    is_better = clear.shape[1] > n_clear
    combinations = Combinations(objective.moments.center, spread, clear) if is_better else None
    left_out = np.concatenate([*untold, unclear], axis=1)
    as_given = left_out if units is None else left_out * units[:, np.newaxis]
    is_told = not left_out.shape[1] or are_exact(given, as_given, centred=objective.fit_intercept)
    return Collinearity(combinations, is_told)


def _moments(objective: Objective, directions: FloatArray, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the second moments of D'(x - c), shape (k, k), D of shape (p, k), and what these are off by, (k,)."""
    mixing = Mixing(objective.moments.center, directions, spread)
    moments, total = AdaptedRows(objective.rows, mixing).sum(SecondMoments(np.zeros(directions.shape[1]), 0))
    return moments / total, mixing.noise


def _divided(directions: FloatArray, correlations: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return combinations of variance 1 of features of variance 1, and those that hardly vary.

    Parameters
    ----------
    directions : array of shape (p, k)
        Of the features.
    correlations : array of shape (k, k)
    """
    variances, vectors = np.linalg.eigh(correlations)
    is_clear = variances > _CLEAR * variances.max(initial=0.0)
    turned = directions @ vectors
    scaled: FloatArray = turned[:, is_clear] / np.sqrt(variances[is_clear])
    return scaled, turned[:, ~is_clear]
