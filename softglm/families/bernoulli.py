"""A coin."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.special import entr, logit, xlog1py

from softglm.arrays import BoolArray, FloatArray
from softglm.families.batches import require, safe_exponent, steps_to_zero, total
from softglm.families.unconstrained import UnconstrainedFamily


@final
@dataclass(frozen=True)
class Bernoulli(UnconstrainedFamily):
    """One toss of a coin: y in {0, 1}, eta = log odds of 1.

    A(eta) = log(1 + exp(eta)), so the mean is the logistic function of eta.

    Examples
    --------
    >>> import numpy as np
    >>> Bernoulli().mean(np.array([[-800.0, 0.0, np.log(3.0)]])).round(12).tolist()
    [[0.0, 0.5, 0.75]]
    """

    n_parameters = 1

    def sufficient_statistic(self, y: npt.ArrayLike) -> FloatArray:
        """y itself, of shape (1, ...)."""
        return np.asarray(y, dtype=np.float64)[np.newaxis]

    def log_normalizer(self, eta: FloatArray) -> FloatArray:
        """log(1 + exp(eta))."""
        return self.normalizer_and_mean(eta.copy())[0]

    def mean(self, eta: FloatArray) -> FloatArray:
        """1 / (1 + exp(-eta)), with full relative accuracy however small."""
        return self.normalizer_and_mean(eta.copy())[1]

    def normalizer_and_mean(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Both from exp(eta), or where that could overflow from exp(-abs(eta))."""
        safe = safe_exponent(eta.dtype)
        # The length of eta, for few rows quicker than its extremes, tells most often.
        if np.vdot(eta, eta) < safe * safe or np.abs(eta).max(initial=0.0) < safe:
            np.exp(eta, out=eta)
            log_normalizer = np.log1p(eta[0])
            eta /= 1.0 + eta
            return log_normalizer, eta
        tail = np.exp(-np.abs(eta))
        log_normalizer = np.maximum(eta, 0.0) + np.log1p(tail)
        np.exp(np.minimum(eta, 0.0, out=eta), out=eta)
        eta /= 1.0 + tail
        return log_normalizer[0], eta

    def probabilities(self, eta: FloatArray) -> FloatArray:
        """Those of 0 and of 1, both with full relative accuracy however small.

        Parameters
        ----------
        eta : array, shape (1, ...)
            Log odds of 1.

        Returns
        -------
        array, shape (2, ...)
            Two that sum to one.
        """
        result = np.empty((2, *eta.shape[1:]), dtype=eta.dtype)
        if np.abs(eta).max(initial=0.0) < safe_exponent(eta.dtype):
            odds = np.exp(eta[0])
            np.divide(1.0, 1.0 + odds, out=result[0])
            np.multiply(odds, result[0], out=result[1])
        else:
            result[0], result[1] = self.mean(-eta)[0], self.mean(eta)[0]
        return result

    def fisher_information(self, eta: FloatArray) -> FloatArray:
        """mu (1 - mu), which is mu(eta) mu(-eta)."""
        return (self.mean(eta) * self.mean(-eta))[np.newaxis]

    def conjugate(self, mean: FloatArray) -> FloatArray:
        """mu log(mu) + (1 - mu) log(1 - mu), also where one of them is 0."""
        require(
            np.all((mean >= 0.0) & (mean <= 1.0), axis=0),
            "Bernoulli: the mean must lie between 0 and 1",
            mean,
            "It is the probability of 1.",
        )
        return total(np.asarray(xlog1py(1.0 - mean, -mean), dtype=np.float64) - entr(mean))

    def curvature_weights(self, mean: FloatArray) -> FloatArray:
        """mu (1 - mu)."""
        return mean * (1.0 - mean)

    def curvature_slopes(self, mean: FloatArray, forms: FloatArray) -> FloatArray:
        """mu (1 - mu) (1 - 2 mu) c."""
        return np.asarray(mean * (1.0 - mean) * (1.0 - 2.0 * mean) * forms)

    @property
    def largest_mean(self) -> float:
        """A probability is at most 1."""
        return 1.0

    @property
    def largest_curvature(self) -> float:
        """mu (1 - mu) is at most 1/4."""
        return 0.25

    def steps_to_boundary(self, mean: FloatArray, direction: FloatArray) -> float:
        """Until the mean is 0 or 1."""
        return min(steps_to_zero(mean, direction), steps_to_zero(1.0 - mean, -direction))

    def can_fall(self, statistic: FloatArray) -> BoolArray:
        """Unless it is 0."""
        return statistic > 0.0

    def can_rise(self, statistic: FloatArray) -> BoolArray:
        """Unless it is 1."""
        return statistic < 1.0

    def classes_observed(self, statistic: FloatArray) -> BoolArray:
        """The two sides of the coin, the second is that of 1."""
        return np.concatenate([statistic < 1.0, statistic > 0.0])

    def natural_parameter(self, mean: FloatArray) -> FloatArray:
        """log(mu / (1 - mu))."""
        require(
            np.all((mean > 0) & (mean < 1), axis=0),
            "Bernoulli: the mean must lie strictly between 0 and 1",
            mean,
            "A coin that always falls on one side has no finite log odds.",
        )
        return logit(mean)
