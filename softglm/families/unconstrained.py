"""What a regression asks of an exponential family, beyond what it assumes about y: the shape of A's curvature."""

from abc import abstractmethod
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.families.base import ExponentialFamily


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
