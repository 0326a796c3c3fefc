"""Random probabilities: Beta for a coin, Dirichlet for a die."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln, polygamma

from softglm.arrays import FloatArray
from softglm.families.base import ExponentialFamily
from softglm.families.batches import diagonal, require, total
from softglm.families.digamma_equations import dirichlet_concentrations


class RandomProbabilities(ExponentialFamily):
    """All that Beta and Dirichlet share, which is all but the way y is written.

    T(y) = log y and eta = alpha - 1 for concentrations alpha > 0, and
    A(eta) = sum_k log Gamma(alpha_k) - log Gamma(sum_k alpha_k).
    """

    def log_normalizer(self, eta: FloatArray) -> FloatArray:
        """The log of the multivariate beta function."""
        concentrations = _concentrations(eta)
        return total(gammaln(concentrations)) - gammaln(total(concentrations))

    def mean(self, eta: FloatArray) -> FloatArray:
        """E[log y_k] = digamma(alpha_k) - digamma(sum of alpha)."""
        concentrations = _concentrations(eta)
        return digamma(concentrations) - digamma(total(concentrations))

    def fisher_information(self, eta: FloatArray) -> FloatArray:
        """diag(trigamma(alpha_k)) - trigamma(sum of alpha)."""
        concentrations = _concentrations(eta)
        return diagonal(polygamma(1, concentrations)) - polygamma(1, total(concentrations))

    def natural_parameter(self, mean: FloatArray) -> FloatArray:
        """Solve the K digamma equations of the mean."""
        require(
            np.all(np.isfinite(mean), axis=0) & (total(np.exp(mean)) < 1.0),
            f"{type(self).__name__}: the means of log y must satisfy sum_k exp(E[log y_k]) < 1",
            mean,
            "Where the sum is 1 y does not vary, and no finite concentration exists.",
        )
        return dirichlet_concentrations(mean) - 1.0


@final
@dataclass(frozen=True)
class Beta(RandomProbabilities):
    """A random probability y: T(y) = (log y, log(1 - y)), eta = (a-1, b-1).

    It is the Dirichlet of two components, of which only the first is written down.

    Examples
    --------
    >>> import numpy as np
    >>> uniform = np.zeros(2)
    >>> Beta().mean(uniform).round(9).tolist()
    [-1.0, -1.0]
    """

    n_parameters = 2

    def sufficient_statistic(self, y: npt.ArrayLike) -> FloatArray:
        """(log y, log(1 - y)), of shape (2, ...)."""
        return np.stack([np.log(y), np.log1p(-np.asarray(y, dtype=np.float64))])


@final
@dataclass(frozen=True)
class Dirichlet(RandomProbabilities):
    """Random probabilities y_1 + ... + y_K = 1, component axis first.

    The density is that of the first K - 1 components.

    Parameters
    ----------
    n_components : int
        K, at least 2.

    Examples
    --------
    >>> import numpy as np
    >>> uniform = np.zeros(3)
    >>> Dirichlet(3).mean(uniform).round(9).tolist()
    [-1.5, -1.5, -1.5]
    """

    n_components: int

    def __post_init__(self) -> None:
        if self.n_components < 2:
            raise ValueError(
                f"n_components must be at least 2, got {self.n_components}. A single probability can only be 1."
            )

    @property
    def n_parameters(self) -> int:
        """K: one per component."""
        return self.n_components

    def sufficient_statistic(self, y: npt.ArrayLike) -> FloatArray:
        """log y, of shape (K, ...)."""
        return np.log(np.asarray(y, dtype=np.float64))


def _concentrations(eta: FloatArray) -> FloatArray:
    concentrations = eta + 1.0
    require(
        np.all(concentrations > 0, axis=0),
        "eta = concentration - 1 must be greater than -1",
        eta,
        "Subtract 1 from positive concentrations.",
    )
    return concentrations
