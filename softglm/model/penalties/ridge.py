"""The ridge: a strength for each row of the parameters."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.model.penalties.penalty import Penalty


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

    def in_units(self, units: FloatArray) -> "Ridge":
        strength = self.strength.copy()
        # One after the other: the square of a unit may overflow where the product does not.
        strength[: len(units)] *= units
        strength[: len(units)] *= units
        return Ridge(strength)

    def restricted(self, features: npt.NDArray[np.intp], n_features: int) -> "Ridge":
        """Return the same on these of the n_features, and on the intercepts."""
        return Ridge(np.concatenate([self.strength[features], self.strength[n_features:]]))

    @property
    def curvature(self) -> FloatArray:
        return self.strength
