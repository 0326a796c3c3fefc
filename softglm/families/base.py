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
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
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


class UnconstrainedFamily(ExponentialFamily):
    """A family in which every eta in R^q is a distribution.

    Only such a family can be regressed on x by eta = theta' x without the line
    leaving the parameter space. To what the theory needs, it adds what the fit needs:
    one fast pass, and the shape of the curvature.

    References
    ----------
    F. Bach, "Self-concordant analysis for logistic regression", 2010.
    doi:10.1214/09-EJS521

    Examples
    --------
    >>> from softglm.families import Categorical, Gamma, UnconstrainedFamily
    >>> isinstance(Categorical(3), UnconstrainedFamily), isinstance(Gamma(), UnconstrainedFamily)
    (True, False)
    """

    def normalizer_and_mean(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """A(eta) and the mean, in one pass.

        The kernel of the fit, and the one method that **may overwrite** its argument:
        the mean is returned in the memory of eta where that saves a temporary.

        Parameters
        ----------
        eta : array, shape (q, ...)
            Natural parameters; may be overwritten.

        Returns
        -------
        log_normalizer : array, shape (...)
            In nats.
        mean : array, shape (q, ...)
            In units of T(y).
        """
        return self.log_normalizer(eta), self.mean(eta)

    @property
    def identifiable_directions(self) -> FloatArray:
        """Orthonormal columns (q, r) that span where A is strictly convex."""
        return _identity(self.n_parameters)

    @property
    def n_identifiable(self) -> int:
        """The number r of identifiable directions, known without forming them."""
        return self.n_parameters

    @property
    def has_many_classes(self) -> bool:
        """Whether this is a die of so many faces that matrices of shape (q, q) would cost more than the data.

        The Fisher information is then diag(mu) - mu mu' / sum(mu), known by its mean, and so may its averages be taken.
        """
        return False

    def identified(self, parameters: FloatArray) -> FloatArray:
        """Project on the identifiable directions: leave out what changes no distribution.

        Parameters
        ----------
        parameters : array, shape (..., q)
            Natural parameters, the parameter axis last.

        Returns
        -------
        array, shape (..., q)
            Of the same distributions.
        """
        basis = self.identifiable_directions
        return np.asarray(parameters @ basis @ basis.T)

    @property
    def n_curvature_directions(self) -> int:
        """The number d of curvature directions, known without forming them."""
        return self.n_parameters

    @property
    def curvature_directions(self) -> FloatArray:
        """Rows D_d of shape (d, q) along which A bends, whatever eta is.

        The Hessian of A is the sum of v_d D_d D_d' with ``curvature_weights`` v_d >= 0,
        a sum without cancellation; and A is self-concordant along them, for all u, h::

            abs(D^3 A[u, u, h]) <= max_d abs(<D_d, h>) D^2 A[u, u].
        """
        return _identity(self.n_parameters)

    @abstractmethod
    def curvature_weights(self, mean: FloatArray) -> FloatArray:
        """How much A bends along each curvature direction.

        Parameters
        ----------
        mean : array, shape (q, ...)
            The gradient of A at the point in question.

        Returns
        -------
        array, shape (d, ...)
            The weights v_d, at least 0, in memory the caller may overwrite.
        """

    @abstractmethod
    def curvature_slopes(self, mean: FloatArray, forms: FloatArray) -> FloatArray:
        """How fast the curvature changes with eta: the gradient of the sum of c_d v_d, the third derivative of A.

        Parameters
        ----------
        mean : array, shape (q, ...)
            The gradient of A at the point in question.
        forms : array, shape (d, ...)
            Any numbers c_d; of a matrix C the numbers D_d' C D_d, for which the sum is the trace of C times A''.

        Returns
        -------
        array, shape (q, ...)
            In memory the caller may overwrite.
        """

    def most_opposed(self, statistic: FloatArray, eta: FloatArray, off: FloatArray) -> float:
        """Return the most by which an eta may oppose what was observed: the largest of minus <D, eta>, see `opposing`.

        Parameters
        ----------
        statistic : array, shape (q, rows)
            T(y).
        eta : array, shape (q, rows)
            Natural parameters, which may be overwritten.
        off : array, shape (q, rows)
            What each may be off by.

        Returns
        -------
        float
            -inf where nothing could have been another.
        """
        worst = -np.inf
        for where, directions in self.opposing(statistic):
            opposed = np.abs(directions) @ off[:, where] - directions @ eta[:, where]
            worst = max(worst, float(opposed.max(initial=-np.inf)))
        return worst

    def curvature_sums(self, mean: FloatArray) -> FloatArray:
        """Add up the sizes of the entries of each row of A''(eta): bounds, from the means.

        Parameters
        ----------
        mean : array, shape (q, ...)
            Means.

        Returns
        -------
        array, shape (q, ...)
            For each parameter, how fast its mean can change, at most, with the largest change of eta.
        """
        directions = np.abs(self.curvature_directions)
        lengths = directions * directions.sum(axis=1, keepdims=True)
        return np.asarray(np.tensordot(lengths.T, self.curvature_weights(mean), axes=1))

    @property
    def largest_mean(self) -> float:
        """What an entry of a mean is at most; inf where there is no end."""
        return float("inf")

    @property
    def largest_curvature(self) -> float:
        """What the entries of a row of A'' add up to in size, at most, whatever eta; inf where there is no end."""
        return float("inf")

    def steps_to_boundary(self, mean: FloatArray, direction: FloatArray) -> float:  # noqa: ARG002
        """How far a mean may move along a direction before it leaves the mean space.

        Parameters
        ----------
        mean : array, shape (q,)
            In its interior.
        direction : array, shape (q,)
            Not 0.

        Returns
        -------
        float
            In units of the direction; where there is no end, or only one far off, that in which some entry moves by 1.
        """
        return float(1.0 / np.abs(direction).max())

    def total_information(self, mean: FloatArray, weights: FloatArray | None) -> FloatArray:
        """Sum the Fisher information over rows.

        Parameters
        ----------
        mean : array, shape (q, rows)
            The gradient of A in each row.
        weights : array, shape (rows,), or None
            How often each row counts; None for once each.

        Returns
        -------
        array, shape (q, q)
            A symmetric positive semidefinite matrix.
        """
        bends = self.curvature_weights(mean)
        totals = bends.sum(axis=1) if weights is None else bends @ weights
        directions = self.curvature_directions
        return (directions.T * totals) @ directions

    def information_diagonal(self, mean: FloatArray, weights: FloatArray | None) -> FloatArray:
        """Sum the diagonal of the Fisher information over rows.

        Parameters
        ----------
        mean : array, shape (q, rows)
            The gradient of A in each row.
        weights : array, shape (rows,), or None
            How often each row counts; None for once each.

        Returns
        -------
        array, shape (q,)
            That of `total_information`, at least 0.
        """
        bends = self.curvature_weights(mean)
        totals = bends.sum(axis=1) if weights is None else bends @ weights
        return np.asarray(totals @ np.square(self.curvature_directions))

    def information_trace(self, mean: FloatArray) -> FloatArray:
        """Return the trace of the Fisher information.

        Parameters
        ----------
        mean : array, shape (q, ...)
            The gradient of A at the point in question.

        Returns
        -------
        array, shape (...)
            At least 0.
        """
        squares = np.square(self.curvature_directions).sum(axis=1)
        return np.tensordot(squares, self.curvature_weights(mean), axes=1)

    def can_fall(self, statistic: FloatArray) -> BoolArray:
        """Whether T could have been lower than observed along each curvature direction.

        With `can_rise` this says when a maximum-likelihood estimate exists: it does not
        if some theta' x never points where T could have gone, and somewhere points away.

        Parameters
        ----------
        statistic : array, shape (q, ...)
            T(y), or an average of such.

        Returns
        -------
        array of bool, shape (d, ...)
            False where T was at its least. Nowhere, unless a subclass whose y has an end says so.
        """
        return np.ones((len(self.curvature_directions), *statistic.shape[1:]), dtype=bool)

    def can_rise(self, statistic: FloatArray) -> BoolArray:
        """Whether T could have been higher than observed along each direction.

        Parameters
        ----------
        statistic : array, shape (q, ...)
            T(y), or an average of such.

        Returns
        -------
        array of bool, shape (d, ...)
            False where T was at its most.
        """
        return np.ones((len(self.curvature_directions), *statistic.shape[1:]), dtype=bool)

    def classes_observed(self, statistic: FloatArray) -> BoolArray:
        """Tell which classes were observed, in part at least.

        Parameters
        ----------
        statistic : array, shape (q, rows)
            T(y), or an average of such.

        Returns
        -------
        array of bool, shape (K, rows)
            Of no classes, unless a subclass is about some.
        """
        return np.empty((0, statistic.shape[1]), dtype=bool)

    def opposing(self, statistic: FloatArray) -> Iterator[tuple[BoolArray, FloatArray]]:
        """Yield what was observed, one kind after the other: where, and along which directions T could have been lower.

        All that `can_fall` and `can_rise` say, for directions and for their negatives, in parts that are small where
        directions are many.

        Parameters
        ----------
        statistic : array, shape (q, rows)
            T(y), or an average of such.

        Yields
        ------
        tuple of array of bool, shape (rows,), and array, shape (m, q)
        """
        directions = self.curvature_directions
        for sign, could in ((1.0, self.can_fall(statistic)), (-1.0, self.can_rise(statistic))):
            for direction, where in zip(sign * directions, could, strict=True):
                yield where, direction[np.newaxis]


@lru_cache(maxsize=16)
def _identity(size: int) -> FloatArray:
    """The same matrix each time, read-only: small fits ask for it a dozen times."""
    matrix = np.identity(size)
    matrix.flags.writeable = False
    return matrix
