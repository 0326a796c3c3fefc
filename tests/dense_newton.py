"""The truth: softmax regression in plain NumPy, solved by Newton's method. It shares no line with softglm.

K columns of parameters, whatever K. Two classes have one natural parameter in softglm, b = B_1 - B_0, so that
||b||^2 = 2 ||B||^2 where the two columns are opposite: alpha there is 2 alpha here.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from problems import PROBLEMS, Data
from scipy import linalg
from scipy.special import log_softmax

from softglm.arrays import FloatArray

# The squared Newton decrement, in nats: 1e-14 squared.
_EXACT = 1e-28
# Of the Hessian of standardised columns: what is below is a direction that f does not depend on.
_RANK = 1e-12
_ROUNDING = 1e-14
_MAX_STEPS = 100


@dataclass(frozen=True)
class Optimum:
    """coef of shape (p, K), intercept of shape (K,) and f there."""

    coef: FloatArray
    intercept: FloatArray
    value: float


class SoftmaxRegression:
    """f(B, b) of the data at alpha (softglm's alpha), in K columns."""

    def __init__(self, data: Data, alpha: float, *, fit_intercept: bool = True) -> None:
        self.X, self.targets, self.fit_intercept = data.dense, data.shares, fit_intercept
        self.weights = data.row_weights / data.total_weight
        self.alpha = 2.0 * alpha if data.n_classes == 2 else alpha
        self.offset = np.zeros_like(self.targets)
        if data.offset is not None:
            self.offset += np.outer(data.offset, [-0.5, 0.5]) if data.offset.ndim == 1 else data.offset
        # Newton's steps are computed for standardised columns; with raw ones the largest would drown the others.
        self.center = self.weights @ self.X if fit_intercept else np.zeros(self.X.shape[1])
        self.scale = np.sqrt(self.weights @ (self.X - self.center) ** 2)
        # A constant column varies by the rounding of its mean only.
        self.scale[self.scale < 1e-12 * abs(self.center)] = 1.0
        self.scale[self.scale == 0.0] = 1.0
        rows = (self.X - self.center) / self.scale
        self.rows = np.column_stack([rows, np.ones(len(rows))]) if fit_intercept else rows
        self.ridge = np.append(self.alpha / self.scale**2, [0.0] * fit_intercept)

    def value(self, coef: FloatArray, intercept: FloatArray) -> float:
        """Return f at coef and intercept as softglm has them, of shapes (p, q) and (q,)."""
        coef, intercept = in_columns(coef), in_columns(intercept)
        return self._value((self.X - self.center) @ coef + intercept + self.center @ coef, coef)

    def null_value(self) -> float:
        """Return f at the best intercepts without coefficients."""
        if not self.fit_intercept:
            return self._value_at(np.zeros((self.rows.shape[1], self.targets.shape[1])))
        return self._newton(rows=slice(len(self.scale), None)).value

    def optimum(self) -> Optimum:
        """Return the minimum; among many the one nearest to 0 in standardised coordinates."""
        return self._newton(rows=slice(None))

    def hessian(self, coef: FloatArray, intercept: FloatArray) -> FloatArray:
        """Return the Hessian in the K columns [coef; intercept at the center], shape (m K, m K)."""
        parameters = self._standardised(in_columns(coef), in_columns(intercept))
        _, hessian = self._derivatives(parameters)
        unit = np.append(self.scale, [1.0] * self.fit_intercept).repeat(self.targets.shape[1])
        return hessian * np.outer(unit, unit)

    def _standardised(self, coef: FloatArray, intercept: FloatArray) -> FloatArray:
        rows = coef * self.scale[:, np.newaxis]
        return np.vstack([rows, intercept + self.center @ coef]) if self.fit_intercept else rows

    def _value(self, eta: FloatArray, coef: FloatArray) -> float:
        log_likelihood = (self.targets * log_softmax(eta + self.offset, axis=1)).sum(axis=1)
        return float(0.5 * self.alpha * np.sum(coef**2) - self.weights @ log_likelihood)

    def _value_at(self, parameters: FloatArray) -> float:
        coef = parameters[: len(self.scale)] / self.scale[:, np.newaxis]
        return self._value(self.rows @ parameters, coef)

    def _derivatives(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        mean = np.exp(log_softmax(self.rows @ parameters + self.offset, axis=1))
        residuals = self.weights[:, np.newaxis] * (mean - self.targets)
        gradient = self.rows.T @ residuals + self.ridge[:, np.newaxis] * parameters
        m, K = parameters.shape
        hessian = np.empty((m, K, m, K))
        for k in range(K):
            for j in range(K):
                bend = self.weights * mean[:, k] * ((k == j) - mean[:, j])
                hessian[:, k, :, j] = (self.rows.T * bend) @ self.rows + (k == j) * np.diag(self.ridge)
        return gradient.ravel(), hessian.reshape(m * K, m * K)

    def _newton(self, rows: slice) -> Optimum:
        m, K = self.rows.shape[1], self.targets.shape[1]
        # A constant added to every class changes nothing but the penalty: the optimum sums to zero over the classes.
        free = np.kron(np.identity(m)[:, rows], linalg.helmert(K).T)
        # The standardised columns differ in their penalty. At alpha = 0 this changes nothing, nor what is nearest to 0.
        free /= np.sqrt(1.0 + self.ridge).repeat(K)[:, np.newaxis]
        parameters = np.zeros((m, K))
        for _ in range(_MAX_STEPS):
            gradient, hessian = self._derivatives(parameters)
            step = -free @ linalg.pinvh(free.T @ hessian @ free, rtol=_RANK) @ (free.T @ gradient)
            slope = gradient @ step
            if slope > -_EXACT:
                coef = parameters[: len(self.scale)] / self.scale[:, np.newaxis]
                at_center = parameters[-1] if self.fit_intercept else np.zeros(K)
                return Optimum(coef, at_center - self.center @ coef, self._value_at(parameters))
            step, length = step.reshape(m, K), 1.0
            enough = self._value_at(parameters) + _ROUNDING
            while self._value_at(parameters + length * step) > enough + 1e-4 * length * slope:
                length /= 2.0
            parameters = parameters + length * step
        raise AssertionError("the dense Newton method did not converge")


def in_columns(parameters: FloatArray) -> FloatArray:
    """Return parameters of shape (..., q) in K columns: the one of two classes becomes two."""
    parameters = np.asarray(parameters, dtype=np.float64)
    return parameters * [-0.5, 0.5] if parameters.shape[-1] == 1 else parameters


@cache
def truth_of(name: str, alpha_times_weight: float) -> tuple[SoftmaxRegression, Optimum, float]:
    """Return f of a problem of the table, its minimum, and f at the null model."""
    data = PROBLEMS[name]()
    regression = SoftmaxRegression(data, alpha_times_weight / data.total_weight)
    return regression, regression.optimum(), regression.null_value()
