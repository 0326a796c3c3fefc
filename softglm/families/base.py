"""What a generalised linear model assumes about y: an exponential family.

==============  =============  ===============================================
symbol          shape          name in code
==============  =============  ===============================================
q                              ``n_parameters``
eta             (q, ...)       ``eta``, the natural parameter
T(y)            (q, ...)       ``sufficient_statistic(y)``
A(eta)          (...)          ``log_normalizer(eta)``
mu = grad A     (q, ...)       ``mean(eta)``, the expectation of T(Y)
Hessian of A    (q, q, ...)    ``fisher_information(eta)``, the covariance of T(Y)
A*(mu)          (...)          ``conjugate(mean)``
log h(y)        (...)          ``log_carrier(y)``
==============  =============  ===============================================

The parameter axis comes first, so that a reduction over parameters adds whole
contiguous rows; ``...`` is any batch of observations, the same in y and in eta.
"""

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.families.batches import inner


class ExponentialFamily(ABC):
    """The distributions with p(y | eta) = h(y) exp(<eta, T(y)> - A(eta)).

    A is the family: its gradient is the mean, its Hessian the Fisher information,
    its convex conjugate the negative entropy (where the carrier h is 1), its Bregman
    divergence the Kullback-Leibler divergence. A member states T, A, the first two
    derivatives and the inverse of the first; the rest follows here, once.

    Log-probabilities, entropies and divergences are in nats. Arguments are arrays of
    float64 with the parameter axis first, and are never modified. Observations are
    taken to lie in the support.

    References
    ----------
    M. J. Wainwright and M. I. Jordan, "Graphical Models, Exponential Families, and
    Variational Inference", 2008, section 3. doi:10.1561/2200000001

    Examples
    --------
    What follows from A is there for every member:

    >>> import numpy as np
    >>> from softglm.families import Bernoulli, Poisson
    >>> fair, loaded = np.array([0.0]), np.array([np.log(3.0)])
    >>> Bernoulli().kl_divergence(fair, loaded).round(4).tolist()
    0.1438
    >>> Poisson().log_probability(np.array([0, 1]), np.zeros((1, 2))).tolist()
    [-1.0, -1.0]
    """

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """The number q of natural parameters."""

    @abstractmethod
    def sufficient_statistic(self, y: npt.ArrayLike) -> FloatArray:
        """T(y), all that the likelihood sees of y.

        Parameters
        ----------
        y : array-like
            Observations in the support, batch axes last.

        Returns
        -------
        array, shape (q, ...)
            A column for each observation.
        """

    @abstractmethod
    def log_normalizer(self, eta: FloatArray) -> FloatArray:
        """A(eta), the log of the integral of h(y) exp(<eta, T(y)>).

        Parameters
        ----------
        eta : array, shape (q, ...)
            Natural parameters.

        Returns
        -------
        array, shape (...)
            In nats.
        """

    @abstractmethod
    def mean(self, eta: FloatArray) -> FloatArray:
        """E[T(Y)], the gradient of A.

        Parameters
        ----------
        eta : array, shape (q, ...)
            Natural parameters.

        Returns
        -------
        array, shape (q, ...)
            In units of T(y).
        """

    @abstractmethod
    def fisher_information(self, eta: FloatArray) -> FloatArray:
        """Cov[T(Y)], the Hessian of A.

        Parameters
        ----------
        eta : array, shape (q, ...)
            Natural parameters.

        Returns
        -------
        array, shape (q, q, ...)
            A symmetric positive semidefinite matrix for each of the batch.
        """

    @abstractmethod
    def natural_parameter(self, mean: FloatArray) -> FloatArray:
        """Invert the mean: find the eta with grad A(eta) = mean.

        Parameters
        ----------
        mean : array, shape (q, ...)
            Expectations of T(Y).

        Returns
        -------
        array, shape (q, ...)
            Natural parameters.

        Raises
        ------
        ValueError
            If a mean is not in the interior of the mean space. On its boundary the
            distribution is degenerate and no finite eta exists.
        """

    def log_carrier(self, y: npt.ArrayLike) -> FloatArray:
        """log h(y): zero unless the family says otherwise.

        Parameters
        ----------
        y : array-like
            Observations in the support, batch axes last.

        Returns
        -------
        array, shape (...)
            In nats.
        """
        return np.zeros(self.sufficient_statistic(y).shape[1:])

    def mean_log_carrier(self, eta: FloatArray) -> FloatArray:
        """E[log h(Y)]: zero unless the family says otherwise.

        Parameters
        ----------
        eta : array, shape (q, ...)
            Natural parameters.

        Returns
        -------
        array, shape (...)
            In nats.
        """
        return np.zeros(eta.shape[1:])

    def fisher_product(self, eta: FloatArray, direction: FloatArray) -> FloatArray:
        """Multiply the Fisher information at eta by a direction.

        Parameters
        ----------
        eta : array, shape (q, ...)
            Natural parameters.
        direction : array, shape (q, ...)
            A change of eta, one for each of the batch.

        Returns
        -------
        array, shape (q, ...)
            To first order, by how much the mean changes.
        """
        return inner(self.fisher_information(eta), direction[:, np.newaxis])

    def log_probability(self, y: npt.ArrayLike, eta: FloatArray) -> FloatArray:
        """log p(y | eta), the log of a density where y is continuous.

        Parameters
        ----------
        y : array-like
            Observations in the support, batch axes last.
        eta : array, shape (q, ...)
            Natural parameters.

        Returns
        -------
        array, shape (...)
            In nats.
        """
        fit = inner(eta, self.sufficient_statistic(y))
        return fit - self.log_normalizer(eta) + self.log_carrier(y)

    def conjugate(self, mean: FloatArray) -> FloatArray:
        """A*(mean), the maximum over eta of <eta, mean> - A(eta).

        Parameters
        ----------
        mean : array, shape (q, ...)
            Expectations of T(Y), in the interior of the mean space; of coins and dice also on its boundary.

        Returns
        -------
        array, shape (...)
            In nats.
        """
        eta = self.natural_parameter(mean)
        return inner(eta, mean) - self.log_normalizer(eta)

    def entropy(self, eta: FloatArray) -> FloatArray:
        """-E[log p(Y)], which is -A*(mean) - E[log h(Y)].

        Parameters
        ----------
        eta : array, shape (q, ...)
            Natural parameters.

        Returns
        -------
        array, shape (...)
            In nats.
        """
        minus_conjugate = self.log_normalizer(eta) - inner(eta, self.mean(eta))
        return minus_conjugate - self.mean_log_carrier(eta)

    def kl_divergence(self, eta1: FloatArray, eta2: FloatArray) -> FloatArray:
        """E_1[log p(Y | eta1) / p(Y | eta2)], the height of A at eta2 over its tangent at eta1.

        Parameters
        ----------
        eta1 : array, shape (q, ...)
            Natural parameters of the distribution of Y.
        eta2 : array, shape (q, ...)
            Those of the distribution that stands in for it.

        Returns
        -------
        array, shape (...)
            In nats, at least 0.
        """
        rise = self.log_normalizer(eta2) - self.log_normalizer(eta1)
        divergence = rise - inner(self.mean(eta1), eta2 - eta1)
        # Rounding can leave -1e-16 where the two nearly agree.
        return np.maximum(divergence, 0.0)
