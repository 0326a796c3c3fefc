"""The elastic net: lasso and ridge, each coefficient by itself."""

from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.model.penalties.ridge import Ridge
from softglm.model.penalties.sparse import EntrywisePenalty
from softglm.model.penalties.thresholds import largest, towards_zero
from softglm.once import cached_property


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

    @cached_property
    def is_free(self) -> BoolArray:
        return np.asarray((self.l1 == 0.0) & (self.smooth.strength[: len(self.l1)] == 0.0))

    def bounds(self, n_parameters: int) -> None:  # noqa: ARG002 - there are none
        return None

    def kinked(self, coef: FloatArray) -> float:
        return float((self.l1 @ np.abs(coef)).sum())

    def prox(self, coef: FloatArray, step: FloatArray) -> FloatArray:
        return towards_zero(coef, (step * self.l1)[:, np.newaxis])

    def conjugate(self, gradient: FloatArray) -> float:
        beyond = np.maximum(np.abs(gradient) - self.l1[:, np.newaxis], 0.0)
        beyond[self.is_free] = 0.0
        squares = np.einsum("jk,jk->j", beyond, beyond)
        where = squares.nonzero()[0]
        if not len(where):
            return 0.0
        with np.errstate(divide="ignore"):
            return float((squares[where] / (2.0 * self.smooth.strength[where])).sum())

    def pull(self, gradient: FloatArray) -> FloatArray:
        most, held = largest(np.abs(gradient)), self.is_kinked
        return np.asarray(np.divide(most, self.l1, out=np.zeros_like(most), where=held))

    def violation(self, coef: FloatArray, gradient: FloatArray) -> FloatArray:
        l1 = self.l1[:, np.newaxis]
        return np.where(coef == 0.0, towards_zero(gradient, l1), gradient + l1 * np.sign(coef))

    def times(self, factor: float) -> Self:
        return type(self)(factor * self.l1, Ridge(factor * self.smooth.strength))

    def in_units(self, units: FloatArray) -> Self:
        return type(self)(self.l1 * units, self.smooth.in_units(units))

    def restricted(self, features: npt.NDArray[np.intp]) -> Self:
        return type(self)(self.l1[features], self.smooth.restricted(features, len(self.l1)))
