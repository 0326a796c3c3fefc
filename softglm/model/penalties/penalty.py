r"""What is added to the mean negative log-likelihood: r(theta) = 1/2 sum_j c_j ||theta_j||^2, c >= 0."""

from abc import ABC, abstractmethod
from typing import final

import numpy as np

from softglm.arrays import FloatArray


class Penalty(ABC):
    """A penalty r(theta) = 1/2 sum_j c_j ||theta_j||^2 on the rows of the parameters, theta of shape (m, q).

    These are p rows of coefficients, then one of intercepts if there are any. Metrics and proofs take c for all of the
    curvature: a quadratic that ties rows together, such as a penalty on differences, is none of these. For a strength
    of its own for each column, or each group of columns, `Ridge` is enough.
    """

    @property
    @abstractmethod
    def curvature(self) -> FloatArray:
        """c, shape (m,): the second derivative of r along each row of the parameters, 0 for intercepts."""

    @abstractmethod
    def in_units(self, units: FloatArray) -> "Penalty":
        """Return the same penalty on the coefficients of columns that are multiplied by units, shape (p,)."""

    @final
    def isotropic(self, n_features: int) -> tuple[FloatArray, float] | None:
        """Return by what to divide the features, shape (p,), so that one strength is theirs in every direction; and it.

        None if nothing does: some are penalised, and some are not.
        """
        strength = self.curvature[:n_features]
        most = float(strength.max(initial=0.0))
        if np.ptp(strength) == 0.0:
            return np.ones(n_features), most
        return (np.sqrt(strength / most), most) if strength.min() > 0.0 else None

    @final
    def value(self, parameters: FloatArray) -> float:
        """Return r(theta)."""
        return self.value_and_gradient(parameters)[0]

    @final
    def value_and_gradient(self, parameters: FloatArray) -> tuple[float, FloatArray]:
        """Return r(theta), which is quadratic, so half of <theta, grad r>; and grad r(theta), shape (m, q)."""
        gradient = self.gradient(parameters)
        return float(np.vdot(parameters, gradient)) / 2.0, gradient

    @final
    def gradient(self, parameters: FloatArray) -> FloatArray:
        """Return grad r(theta), shape (m, q)."""
        return self.curvature[:, np.newaxis] * parameters
