"""Positive amounts: sums of waiting times, and all between."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln, polygamma

from softglm.arrays import FloatArray
from softglm.families.base import ExponentialFamily
from softglm.families.batches import require
from softglm.families.digamma_equations import gamma_shape


@final
@dataclass(frozen=True)
class Gamma(ExponentialFamily):
    """A positive amount y of shape a and rate b: T(y) = (log y, y), eta = (a-1, -b).

    A(eta) = log Gamma(a) - a log(b), finite for positive a and b only.

    Examples
    --------
    >>> import numpy as np
    >>> shape, rate = 3.0, 2.0
    >>> mean_of_log_y, mean_of_y = Gamma().mean(np.array([shape - 1, -rate]))
    >>> float(mean_of_y)
    1.5
    >>> Gamma().natural_parameter(np.array([mean_of_log_y, 1.5])).round(9).tolist()
    [2.0, -2.0]
    """

    n_parameters = 2

    def sufficient_statistic(self, y: npt.ArrayLike) -> FloatArray:
        """(log y, y), of shape (2, ...)."""
        return np.stack([np.log(y), np.asarray(y, dtype=np.float64)])

    def log_normalizer(self, eta: FloatArray) -> FloatArray:
        """log Gamma(a) - a log(b)."""
        shape, rate = _shape_and_rate(eta)
        return gammaln(shape) - shape * np.log(rate)

    def mean(self, eta: FloatArray) -> FloatArray:
        """(digamma(a) - log(b), a / b)."""
        shape, rate = _shape_and_rate(eta)
        return np.stack([digamma(shape) - np.log(rate), shape / rate])

    def fisher_information(self, eta: FloatArray) -> FloatArray:
        """[[trigamma(a), 1/b], [1/b, a/b^2]]."""
        shape, rate = _shape_and_rate(eta)
        scale = 1.0 / rate
        rows = [polygamma(1, shape), scale], [scale, shape * scale**2]
        return np.stack([np.stack(row) for row in rows])

    def natural_parameter(self, mean: FloatArray) -> FloatArray:
        """The a with log(a) - digamma(a) = log E[y] - E[log y], and b = a / E[y]."""
        mean_of_log, mean_of_y = mean
        positive = (mean_of_y > 0) & np.isfinite(mean_of_y)
        spread = np.log(np.where(positive, mean_of_y, 1.0)) - mean_of_log
        require(
            positive & (spread > 0) & np.isfinite(spread),
            "Gamma: the means of (log y, y) must satisfy E[log y] < log E[y]",
            mean,
            "Where they are equal y does not vary, and no finite shape exists.",
        )
        eta_shape = gamma_shape(spread) - 1.0
        # From the shape as eta holds it, so that a / b is E[y] whatever was rounded.
        return np.stack([eta_shape, -(eta_shape + 1.0) / mean_of_y])


def _shape_and_rate(eta: FloatArray) -> tuple[FloatArray, FloatArray]:
    shape, rate = eta[0] + 1.0, -eta[1]
    require(
        (shape > 0) & (rate > 0),
        "Gamma: eta = (shape - 1, -rate) needs a positive shape and rate",
        eta,
        "Subtract 1 from the shape and pass minus the rate.",
    )
    return shape, rate
