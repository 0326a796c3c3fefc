"""The elastic net: lasso and ridge, each coefficient by itself."""

from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.model.penalties.ridge import Ridge
from softglm.model.penalties.sparse import EntrywisePenalty


@final
@dataclass(frozen=True)
class ElasticNet(EntrywisePenalty):
    """r(B) = sum_j [ l1_j ||B_j||_1 + c_j / 2 ||B_j||^2 ].

    Attributes
    ----------
    l1 : array of shape (p,)
    smooth : Ridge
        With c.
    """

    l1: FloatArray
    smooth: Ridge

    @classmethod
    def on_coefficients(
        cls, alpha: float, l1_ratio: float, factors: FloatArray, *, fit_intercept: bool
    ) -> "ElasticNet":
        """Return alpha times factors, shape (p,): the share l1_ratio of it as L1, the rest as a ridge."""
        strength = alpha * factors
        return cls(l1_ratio * strength, Ridge(np.append((1.0 - l1_ratio) * strength, np.zeros(int(fit_intercept)))))

    @property
    def groups(self) -> IntArray:
        return np.arange(len(self.l1), dtype=np.int32)

    @property
    def is_kinked(self) -> BoolArray:
        return self.l1 > 0.0

    @property
    def is_free(self) -> BoolArray:
        return np.asarray((self.l1 == 0.0) & (self.smooth.strength[: len(self.l1)] == 0.0))

    def bounds(self, n_parameters: int) -> None:  # noqa: ARG002 - there are none
        return None

    def kinked(self, coef: FloatArray) -> float:
        return float(self.l1 @ np.abs(coef).sum(axis=1))

    def prox(self, coef: FloatArray, step: FloatArray) -> FloatArray:
        return _towards_zero(coef, (step * self.l1)[:, np.newaxis])

    def conjugate(self, slopes: FloatArray) -> float:
        curvature = self.smooth.strength[: len(self.l1)]
        beyond = np.square(_towards_zero(slopes, self.l1[:, np.newaxis])).sum(axis=1)[~self.is_free]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = beyond / (2.0 * curvature[~self.is_free])
        return float(np.where(beyond > 0.0, shares, 0.0).sum())

    def pull(self, slopes: FloatArray) -> FloatArray:
        largest, held = np.abs(slopes).max(axis=1), self.is_kinked
        return np.asarray(np.divide(largest, self.l1, out=np.zeros_like(largest), where=held))

    def violation(self, coef: FloatArray, gradient: FloatArray) -> FloatArray:
        l1 = self.l1[:, np.newaxis]
        return np.where(coef == 0.0, _towards_zero(gradient, l1), gradient + l1 * np.sign(coef))

    def times(self, factor: float) -> Self:
        return type(self)(factor * self.l1, Ridge(factor * self.smooth.strength))

    def in_units(self, units: FloatArray) -> Self:
        return type(self)(self.l1 * units, self.smooth.in_units(units))

    def restricted(self, features: npt.NDArray[np.intp]) -> Self:
        p = len(self.l1)
        strength = np.concatenate([self.smooth.strength[:p][features], self.smooth.strength[p:]])
        return type(self)(self.l1[features], Ridge(strength))


def _towards_zero(values: FloatArray, by: FloatArray) -> FloatArray:
    """Return values moved towards 0 by so much, and not beyond it."""
    return np.asarray(np.sign(values) * np.maximum(np.abs(values) - by, 0.0))
