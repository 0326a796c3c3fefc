"""Bounds on the coefficients, and the elastic net within them."""

from dataclasses import dataclass, replace
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
class Box(EntrywisePenalty):
    """r(B) = sum_j [ l1_j ||B_j||_1 + c_j / 2 ||B_j||^2 ], lower <= B <= upper.

    An effect that only rises is one with the lower bound 0.

    Attributes
    ----------
    l1 : array of shape (p,)
    smooth : Ridge
        With c.
    lower, upper : array of shape (p, q), or (p, 1) for the same in every column
        At most 0, and at least 0; infinite where there is no end.
    """

    l1: FloatArray
    smooth: Ridge
    lower: FloatArray
    upper: FloatArray

    @classmethod
    def on_coefficients(
        cls,
        alpha: float,
        l1_ratio: float,
        factors: FloatArray,
        lower: FloatArray,
        upper: FloatArray,
        *,
        fit_intercept: bool,
    ) -> "Box":
        """Return alpha times factors, shape (p,), the share l1_ratio of it as L1, within bounds.

        The bounds, at most 0 and at least 0, have the shape (p, q), or (p,) for the same in every column.
        """
        strength, p = alpha * factors, len(factors)
        ridge = Ridge(np.append((1.0 - l1_ratio) * strength, np.zeros(int(fit_intercept))))
        return cls(l1_ratio * strength, ridge, lower.reshape(p, -1), upper.reshape(p, -1))

    @cached_property
    def is_free(self) -> BoolArray:
        unpenalised = (self.l1 == 0.0) & (self.smooth.strength[: len(self.l1)] == 0.0)
        endless = np.isneginf(self.lower).all(axis=1) & np.isposinf(self.upper).all(axis=1)
        return np.asarray(unpenalised & endless)

    def bounds(self, n_parameters: int) -> tuple[FloatArray, FloatArray]:
        shape = len(self.l1), n_parameters
        return np.broadcast_to(self.lower, shape), np.broadcast_to(self.upper, shape)

    def kinked(self, coef: FloatArray) -> float:
        if ((coef < self.lower) | (coef > self.upper)).any():
            return float("inf")
        return float((self.l1 @ np.abs(coef)).sum())

    def prox(self, coef: FloatArray, step: FloatArray) -> FloatArray:
        return np.clip(towards_zero(coef, (step * self.l1)[:, np.newaxis]), self.lower, self.upper)

    def conjugate(self, gradient: FloatArray) -> float:
        held = ~self.is_free
        curvature, l1 = self.smooth.strength[: len(self.l1)][held, np.newaxis], self.l1[held, np.newaxis]
        slope = towards_zero(-gradient[held], l1)
        with np.errstate(divide="ignore", invalid="ignore"):
            best = np.clip(np.where(slope == 0.0, 0.0, slope / curvature), self.lower[held], self.upper[held])
        if not np.isfinite(best).all():
            return float("inf")
        return float((slope * best - curvature * best * best / 2.0).sum())

    def pull(self, gradient: FloatArray) -> FloatArray:
        ways = (self.upper > 0.0) & (gradient < 0.0) | (self.lower < 0.0) & (gradient > 0.0)
        most = largest(np.where(ways, np.abs(gradient), 0.0))
        return np.asarray(np.divide(most, self.l1, out=np.zeros_like(most), where=self.is_kinked))

    def violation(self, coef: FloatArray, gradient: FloatArray) -> FloatArray:
        l1 = self.l1[:, np.newaxis]
        nearest = np.where(coef == 0.0, towards_zero(gradient, l1), gradient + l1 * np.sign(coef))
        # At a bound nothing is wrong with a slope that points beyond it.
        nearest = np.where(coef >= self.upper, np.maximum(nearest, 0.0), nearest)
        return np.where(coef <= self.lower, np.minimum(nearest, 0.0), nearest)

    def times(self, factor: float) -> Self:
        return replace(self, l1=factor * self.l1, smooth=Ridge(factor * self.smooth.strength))

    def in_units(self, units: FloatArray) -> Self:
        lower, upper = self.lower / units[:, np.newaxis], self.upper / units[:, np.newaxis]
        return type(self)(self.l1 * units, self.smooth.in_units(units), lower, upper)

    def restricted(self, features: npt.NDArray[np.intp]) -> Self:
        return type(self)(
            self.l1[features],
            self.smooth.restricted(features, len(self.l1)),
            self.lower[features],
            self.upper[features],
        )
