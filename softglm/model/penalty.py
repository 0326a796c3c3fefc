"""What is added to the mean negative log-likelihood: a convex quadratic in the parameters."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray


class Penalty(ABC):
    """A penalty r(theta) on stacked parameters of shape (m, q): p rows of coefficients, then the intercepts if any."""

    def value(self, parameters: FloatArray) -> float:
        """Return r(theta)."""
        return self.value_and_gradient(parameters)[0]

    def value_and_gradient(self, parameters: FloatArray) -> tuple[float, FloatArray]:
        """Return r(theta), which is quadratic, so half of <theta, grad r>; and grad r(theta), shape (m, q)."""
        gradient = self.gradient(parameters)
        return float(np.vdot(parameters, gradient)) / 2.0, gradient

    @abstractmethod
    def gradient(self, parameters: FloatArray) -> FloatArray:
        """Return grad r(theta), shape (m, q)."""

    @abstractmethod
    def rotated(self, n_features: int, n_directions: int) -> "Penalty | None":
        """Return the same penalty on the coefficients of n_directions orthonormal directions of the n_features.

        None if it has no such form.
        """

    @abstractmethod
    def in_units(self, units: FloatArray) -> "Penalty":
        """Return the same penalty on the coefficients of columns that are multiplied by units, shape (p,)."""

    @property
    @abstractmethod
    def curvature(self) -> FloatArray:
        """The second derivative of r along each row of the parameters, shape (m,)."""


@final
@dataclass(frozen=True)
class Ridge(Penalty):
    """r(theta) = 1/2 sum_j strength_j ||theta_j||^2, summed over the rows of the parameters.

    Attributes
    ----------
    strength : array of shape (m,)
        alpha for a coefficient, 0 for an intercept: which rows are penalised is data, never a slice.
    """

    strength: FloatArray

    @classmethod
    def on_coefficients(cls, alpha: float, n_features: int, *, fit_intercept: bool) -> "Ridge":
        """Return alpha on every coefficient and nothing on the intercepts."""
        return cls(np.repeat([alpha, 0.0], [n_features, int(fit_intercept)]))

    def gradient(self, parameters: FloatArray) -> FloatArray:
        return self.strength[:, None] * parameters

    def rotated(self, n_features: int, n_directions: int) -> "Ridge | None":
        features, rest = np.split(self.strength, [n_features])
        if np.ptp(features) > 0.0:
            return None
        return Ridge(np.concatenate([np.full(n_directions, features[0]), rest]))

    def in_units(self, units: FloatArray) -> "Ridge":
        strength = self.strength.copy()
        # One after the other: the square of a unit may overflow where the product does not.
        strength[: len(units)] *= units
        strength[: len(units)] *= units
        return Ridge(strength)

    @property
    def curvature(self) -> FloatArray:
        return self.strength
