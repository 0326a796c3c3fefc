"""The likelihood as a function of the coefficients of the working columns."""

from collections.abc import Sequence
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.families import Bernoulli
from softglm.model import Prepared
from softglm.sparse.columns import WorkingColumns
from softglm.sparse.matrix import Columns
from softglm.sums import relative, tilted_mean

Indices = npt.NDArray[np.intp]


@final
class Point(NamedTuple):
    """Where it was evaluated.

    Attributes
    ----------
    coef : array of shape (k, q)
    likelihood : float
        The mean negative log-likelihood.
    eta, mean : arrays of shape (q, n)
    """

    coef: FloatArray
    likelihood: float
    eta: FloatArray
    mean: FloatArray


@final
class WorkingLikelihood:
    """Values, gradients and Hessians in the columns that are held.

    Parameters
    ----------
    prepared : Prepared
    held : WorkingColumns

    Attributes
    ----------
    n_evaluations : int
        In all.
    """

    def __init__(self, prepared: Prepared, held: WorkingColumns) -> None:
        self._family, self._count, self._held = prepared.family, prepared.count, held
        moments = prepared.likelihood.moments
        self._constants = np.repeat(moments.mean_target[np.newaxis], held.n_constants, axis=0)
        self._cross, self._offset_term = moments.cross * held.units[:, np.newaxis], moments.offset_term
        self.n_evaluations = 0
        self.extend()

    def extend(self) -> None:
        """Take newly held columns into account."""
        # The mean of z t', which is what the likelihood is linear in.
        self._linear = np.concatenate([self._constants, self._cross[self._held.features]])

    def at(self, coef: FloatArray) -> Point:
        """Evaluate at coefficients of shape (k, q)."""
        self.n_evaluations += 1
        self._count.add()
        eta = self._held.matrix.times(coef)
        if self._held.offset is not None:
            eta += self._held.offset
        log_normalizer, mean = self._family.normalizer_and_mean(eta.copy())
        linear = float(np.vdot(self._linear, coef)) + self._offset_term
        return Point(coef, float(self._held.weights @ log_normalizer) - linear, eta, mean)

    def gradient(self, mean: FloatArray) -> FloatArray:
        """Return the gradient in all columns, shape (k, q), where these are the means, shape (q, n)."""
        return self.gradient_in(self._held.matrix, mean, slice(None))

    def gradient_in(self, columns: Columns, mean: FloatArray, which: Indices | slice) -> FloatArray:
        """Return the gradient in some of the columns, given those, shape (r, q), where these are the means."""
        return np.asarray(columns.sums(mean * self._held.weights) - self._linear[which])

    def gradients(self, means: FloatArray) -> FloatArray:
        """Return those of s points in all columns, shape (q, s, k), where these are the means, shape (q, s, n)."""
        q, s, n = means.shape
        products = (means * self._held.weights).reshape(-1, n) @ self._held.array.T
        return np.asarray(products.reshape(q, s, -1) - self._linear.T[:, np.newaxis])

    def information(self, mean: FloatArray, columns: FloatArray) -> FloatArray:
        """Return the Hessian in some columns, shape (r, n), where these are the means: shape (r, q, r, q)."""
        r, q = len(columns), len(mean)
        information = np.empty((r, q, r, q))
        for a, first in enumerate(columns):
            weighted = self._held.weights * first
            for b, second in enumerate(columns[: a + 1]):
                block = self._family.total_information(mean, weighted * second)
                information[a, :, b] = information[b, :, a] = block
        return information

    def moves(self, step: FloatArray) -> FloatArray:
        """Return by what a step of the coefficients, shape (k, q), moves eta, shape (q, n)."""
        return self._held.matrix.times(step)

    def tilted(self, point: Point, moves: FloatArray) -> FloatArray:
        """Return the means mu (1 + u - <mu, u>), shape (q, n), to which moves u of eta lead to first order."""
        mean = self.probabilities(point)
        u = np.concatenate([np.zeros((len(mean) - len(moves), mean.shape[1])), moves])
        return tilted_mean(self._family, mean, relative(mean, u))

    def probabilities(self, point: Point) -> FloatArray:
        """Return those of all classes, shape (K, n), each with full relative accuracy."""
        return self._family.probabilities(point.eta) if isinstance(self._family, Bernoulli) else point.mean

    def probabilities_of(self, points: Sequence[Point]) -> FloatArray:
        """Return those of s points, shape (K, s, n)."""
        if isinstance(self._family, Bernoulli):
            return self._family.probabilities(np.stack([point.eta for point in points], axis=1))
        return np.stack([point.mean for point in points], axis=1)
