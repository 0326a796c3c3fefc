"""Counts without an upper limit."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, gammaln

from softglm.arrays import BoolArray, FloatArray
from softglm.families.batches import require, steps_to_zero
from softglm.families.factorials import expected_log_factorial
from softglm.families.unconstrained import UnconstrainedFamily

# Above this mean, the series of E[log Y!] is exact to double precision.
LARGE_MEAN = 1000.0


@final
@dataclass(frozen=True)
class Poisson(UnconstrainedFamily):
    """Counts of rare events: y in {0, 1, 2, ...}, eta = log of the expected count.

    A(eta) = exp(eta) is also the mean and the Fisher information. Beyond eta = 709 it
    is inf, silently and never NaN: a solver that steps there sees a non-finite
    objective, which it reports as a status.

    Examples
    --------
    >>> import numpy as np
    >>> Poisson().log_normalizer(np.array([[0.0, np.log(2.0), 1e4]])).round(9).tolist()
    [1.0, 2.0, inf]
    """

    n_parameters = 1

    def sufficient_statistic(self, y: npt.ArrayLike) -> FloatArray:
        """y itself, of shape (1, ...)."""
        return np.asarray(y, dtype=np.float64)[np.newaxis]

    def log_normalizer(self, eta: FloatArray) -> FloatArray:
        """exp(eta)."""
        return self.normalizer_and_mean(eta.copy())[0]

    def mean(self, eta: FloatArray) -> FloatArray:
        """exp(eta)."""
        return self.normalizer_and_mean(eta.copy())[1]

    def normalizer_and_mean(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """exp(eta) twice, in separate memory; the mean overwrites eta."""
        with np.errstate(over="ignore"):
            np.exp(eta, out=eta)
        return eta[0].copy(), eta

    def fisher_information(self, eta: FloatArray) -> FloatArray:
        """exp(eta)."""
        return self.mean(eta)[np.newaxis]

    def curvature_weights(self, mean: FloatArray) -> FloatArray:
        """mu."""
        return mean.copy()

    def curvature_slopes(self, mean: FloatArray, forms: FloatArray) -> FloatArray:
        """mu c."""
        return np.asarray(mean * forms)

    def steps_to_boundary(self, mean: FloatArray, direction: FloatArray) -> float:
        """Until the mean is 0."""
        return min(steps_to_zero(mean, direction), super().steps_to_boundary(mean, direction))

    def can_fall(self, statistic: FloatArray) -> BoolArray:
        """Unless it is 0; it can always rise."""
        return statistic > 0.0

    def natural_parameter(self, mean: FloatArray) -> FloatArray:
        """log(mu)."""
        require(
            np.all((mean > 0) & np.isfinite(mean), axis=0),
            "Poisson: the mean must be positive and finite",
            mean,
            "A count that is always zero has no finite eta.",
        )
        return np.log(mean)

    def log_carrier(self, y: npt.ArrayLike) -> FloatArray:
        """-log y!."""
        return -gammaln(np.asarray(y, dtype=np.float64) + 1.0)

    def mean_log_carrier(self, eta: FloatArray) -> FloatArray:
        """-E[log Y!], by summation; for large means by its asymptotic series.

        References
        ----------
        R. J. Evans, J. Boersma, N. M. Blachman and A. A. Jagers, "The entropy of a
        Poisson distribution", SIAM Review 30, 1988. doi:10.1137/1030059
        """
        mean = self.mean(eta)[0]
        small = np.minimum(mean, LARGE_MEAN)
        # P(Y >= j) = gammainc(j, mean), below exp(-60) at 12 deviations and 40 more.
        largest = int(np.max(small + 12.0 * np.sqrt(small), initial=0.0)) + 40
        summed = expected_log_factorial(lambda j: gammainc(j, small), largest)

        large = np.maximum(mean, LARGE_MEAN)
        log_large = np.maximum(eta[0], np.log(LARGE_MEAN))
        stirling = large * (log_large - 1.0) + 0.5 * (log_large + np.log(2.0 * np.pi))
        correction = 0.5 - (1 / 12 + (1 / 24 + 19 / 360 / large) / large) / large
        return -np.where(mean < LARGE_MEAN, summed, stirling + correction)
