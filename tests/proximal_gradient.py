"""The truth under a penalty with kinks or bounds: accelerated proximal gradients in plain NumPy, until nothing moves.

Of softglm it takes the value of the penalty and its prox, which have tests of their own. K columns of eta, whatever K:
of two classes the first is 0.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from problems import Data

from softglm.arrays import FloatArray
from softglm.model.penalties import SparsePenalty

_MAX_STEPS = 5000
# Of coefficients of standardised columns, relative to the rounding of the arithmetic.
_STILL = 4.0


@dataclass(frozen=True)
class Minimum:
    """coef of shape (p, q), the intercept at the means of the columns, (q,), and F there."""

    coef: FloatArray
    constant: FloatArray
    value: float


def deviations(data: Data, *, fit_intercept: bool) -> FloatArray:
    """Return how far columns are from their means, or from 0, a root mean square; 1 for constant ones."""
    weights = data.row_weights / data.total_weight
    center = weights @ data.dense if fit_intercept else np.zeros(data.dense.shape[1])
    scale = np.sqrt(weights @ (data.dense - center) ** 2)
    scale[scale <= 1e-12 * np.abs(center)] = 1.0
    return scale


class SparseRegression:
    """F(B, b) of the data under a penalty.

    The penalty is one of standardised columns, in units of their deviations, so that gradient steps suit it.
    """

    def __init__(self, data: Data, penalty: SparsePenalty, *, fit_intercept: bool, dtype: Any = np.float64) -> None:
        self.penalty, self.fit_intercept, self.dtype = penalty, fit_intercept, dtype
        self.targets = data.shares.astype(dtype)
        weights = data.row_weights.astype(dtype)
        self.weights = weights / weights.sum()
        X = data.dense.astype(dtype)
        self.center = self.weights @ X if fit_intercept else np.zeros(X.shape[1], dtype=dtype)
        self.rows = X - self.center
        self.scale = deviations(data, fit_intercept=fit_intercept)
        self.offset = np.zeros_like(self.targets)
        if data.offset is not None:
            self.offset[:, -1 if data.offset.ndim == 1 else slice(None)] = data.offset
        self.q = 1 if data.n_classes == 2 else data.n_classes

    def value(self, coef: FloatArray, constant: FloatArray) -> Any:
        """Return F."""
        eta = self._eta(coef, constant)
        shift = eta.max(axis=1)
        log_normalizer = shift + np.log(np.exp(eta - shift[:, np.newaxis]).sum(axis=1))
        return self.weights @ (log_normalizer - (self.targets * eta).sum(axis=1)) + self._penalty(coef)

    def minimum(self) -> Minimum:
        """Return the minimum, by steps of one over the largest curvature there may be, with momentum (FISTA)."""
        p, q, strength = len(self.scale), self.q, self.penalty.smooth.strength[:, np.newaxis]
        rows = np.column_stack([self.rows / self.scale, np.ones(len(self.rows))])
        gram = (rows.T * self.weights) @ rows
        largest = 0.5 * np.linalg.eigvalsh(gram.astype(float)).max() + (strength[:p, 0] / self.scale**2).max()
        steps, coef, constant = 1.0 / (largest * self.scale**2), np.zeros((p, q), self.dtype), np.zeros(q, self.dtype)
        ahead, at, speed = coef, constant, 1.0
        for _ in range(_MAX_STEPS):
            slopes, residual = self._gradient(ahead, at)
            slopes += strength[:p] * ahead
            moved = self.penalty.prox(ahead - steps[:, np.newaxis] * slopes, steps)
            shifted = at - residual / largest if self.fit_intercept else constant
            back = np.vdot((ahead - moved) * (self.scale**2)[:, np.newaxis], moved - coef)
            speed = 1.0 if back + np.vdot(at - shifted, shifted - constant) > 0.0 else speed
            change = np.abs((moved - coef) * self.scale[:, np.newaxis]).max() + np.abs(shifted - constant).max()
            faster = (1.0 + np.sqrt(1.0 + 4.0 * speed**2)) / 2.0
            ahead = moved + (speed - 1.0) / faster * (moved - coef)
            at = shifted + (speed - 1.0) / faster * (shifted - constant)
            coef, constant, speed = moved, shifted, faster
            if change <= _STILL * np.finfo(self.dtype).eps:
                break
        return Minimum(coef, constant, self.value(coef, constant))

    def _eta(self, coef: FloatArray, constant: FloatArray) -> FloatArray:
        eta = self.rows @ coef + constant
        return (np.column_stack([np.zeros(len(eta)), eta]) if self.q == 1 else eta) + self.offset

    def _gradient(self, coef: FloatArray, constant: FloatArray) -> tuple[FloatArray, FloatArray]:
        eta = self._eta(coef, constant)
        shares = np.exp(eta - eta.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        residuals = (self.weights[:, np.newaxis] * (shares - self.targets))[:, -self.q :]
        return self.rows.T @ residuals, residuals.sum(axis=0)

    def _penalty(self, coef: FloatArray) -> Any:
        strength = self.penalty.smooth.strength[: len(coef), np.newaxis]
        return (strength * coef * coef).sum() / 2.0 + self.penalty.kinked(coef)
