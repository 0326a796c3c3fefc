"""Waiting times without memory."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.families.base import ExponentialFamily
from softglm.families.batches import require, total


@final
@dataclass(frozen=True)
class Exponential(ExponentialFamily):
    """A waiting time y >= 0, eta = -rate, hence eta < 0.

    A(eta) = -log(-eta) = -log(rate), finite for a positive rate only.

    Examples
    --------
    >>> import numpy as np
    >>> Exponential().mean(np.array([-4.0])).tolist()
    [0.25]
    """

    n_parameters = 1

    def sufficient_statistic(self, y: npt.ArrayLike) -> FloatArray:
        """y itself, of shape (1, ...)."""
        return np.asarray(y, dtype=np.float64)[np.newaxis]

    def log_normalizer(self, eta: FloatArray) -> FloatArray:
        """-log(rate)."""
        return -total(np.log(_rate(eta)))

    def mean(self, eta: FloatArray) -> FloatArray:
        """1 / rate."""
        return 1.0 / _rate(eta)

    def fisher_information(self, eta: FloatArray) -> FloatArray:
        """1 / rate^2."""
        return (1.0 / _rate(eta) ** 2)[np.newaxis]

    def natural_parameter(self, mean: FloatArray) -> FloatArray:
        """-1 / mu."""
        require(
            np.all((mean > 0) & np.isfinite(mean), axis=0),
            "Exponential: the mean must be positive and finite",
            mean,
            "Waiting times that are all zero have no finite rate.",
        )
        return -1.0 / mean


def _rate(eta: FloatArray) -> FloatArray:
    require(
        np.all(eta < 0, axis=0),
        "Exponential: eta = -rate must be negative",
        eta,
        "Pass minus the rate.",
    )
    return -eta
