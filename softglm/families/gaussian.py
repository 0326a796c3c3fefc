"""The bell curve of unit variance."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.families.batches import inner
from softglm.families.unconstrained import UnconstrainedFamily

LOG_SQRT_TWO_PI = 0.5 * math.log(2.0 * math.pi)


@final
@dataclass(frozen=True)
class Gaussian(UnconstrainedFamily):
    """A real number y with variance 1, eta = its mean.

    A(eta) = eta^2 / 2 is its own conjugate; the carrier is the standard normal density.

    Examples
    --------
    >>> import numpy as np
    >>> here, there = np.array([1.0]), np.array([3.0])
    >>> float(Gaussian().kl_divergence(here, there))
    2.0
    """

    n_parameters = 1

    def sufficient_statistic(self, y: npt.ArrayLike) -> FloatArray:
        """y itself, of shape (1, ...)."""
        return np.asarray(y, dtype=np.float64)[np.newaxis]

    def log_normalizer(self, eta: FloatArray) -> FloatArray:
        """eta^2 / 2."""
        return 0.5 * inner(eta, eta)

    def mean(self, eta: FloatArray) -> FloatArray:
        """eta."""
        return eta.copy()

    def normalizer_and_mean(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """eta^2 / 2, and eta itself."""
        return self.log_normalizer(eta), eta

    def fisher_information(self, eta: FloatArray) -> FloatArray:
        """1."""
        return np.ones_like(eta)[np.newaxis]

    def curvature_weights(self, mean: FloatArray) -> FloatArray:
        """1."""
        return np.ones_like(mean)

    def curvature_slopes(self, mean: FloatArray, forms: FloatArray) -> FloatArray:  # noqa: ARG002 - for any
        """0."""
        return np.zeros_like(mean)

    def natural_parameter(self, mean: FloatArray) -> FloatArray:
        """mu."""
        return mean.copy()

    def log_carrier(self, y: npt.ArrayLike) -> FloatArray:
        """-y^2 / 2 - log(2 pi) / 2."""
        return -self.log_normalizer(self.sufficient_statistic(y)) - LOG_SQRT_TWO_PI

    def mean_log_carrier(self, eta: FloatArray) -> FloatArray:
        """-(1 + eta^2) / 2 - log(2 pi) / 2."""
        return -0.5 - self.log_normalizer(eta) - LOG_SQRT_TWO_PI
