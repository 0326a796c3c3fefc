r"""What is summed for a dual point nu = t + s (mu' - t), with mu' = mu (1 + v) and v = u - <mu, u>, u = Gamma' z.

Both mu' and t are probabilities, and so is nu where v >= -1.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.families import Bernoulli, UnconstrainedFamily
from softglm.sums.divergences import Divergences, seen_in
from softglm.sums.sum import Sum


@final
@dataclass(frozen=True)
class SelectedFeatures:
    """Some columns of x - c, and 1 for the intercept if that is one of them: z.

    Attributes
    ----------
    columns : int array of shape (k,)
    center : array of shape (k,)
        c of them.
    n_constants : int
        1 or 0.
    """

    columns: npt.NDArray[np.intp]
    center: FloatArray
    n_constants: int

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self.columns) + self.n_constants

    def of(self, block: Block) -> FloatArray:
        """Return z of the rows of a block, shape (r, rows)."""
        features = np.ones((len(self), len(block)))
        if len(self.columns):
            columns = block.X[:, self.columns]
            features[: len(self.columns)] = (columns if isinstance(columns, np.ndarray) else columns.toarray()).T
            features[: len(self.columns)] -= self.center[:, np.newaxis]
        return features


@final
@dataclass(frozen=True)
class Tilt:
    """The means mu at some parameters, and v.

    Attributes
    ----------
    family : UnconstrainedFamily
        Bernoulli or Categorical.
    coef, intercept : arrays of shape (p, q) and (q,)
    features : SelectedFeatures
        z.
    tilt : array of shape (r, q)
        Gamma.
    """

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray
    features: SelectedFeatures
    tilt: FloatArray

    def of(self, block: Block) -> tuple[FloatArray, FloatArray]:
        """Return mu and v, shape (K, rows) each: of both classes of a Bernoulli."""
        eta, u = block.predictor(self.coef, self.intercept), self.tilt.T @ self.features.of(block)
        return means_and_v(self.family, eta, u)

    def sums(self, block: Block, mean: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sum_i w_i x_i mu'_i', shape (p, q), and sum_i w_i mu'_i, (q,), in place of v."""
        tilted = block.weighted(tilted_mean(self.family, mean, v))
        return block.cross(tilted), tilted.sum(axis=1)


def means_and_v(family: UnconstrainedFamily, eta: FloatArray, u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mu and v, shape (K, n) each: of both classes of a Bernoulli; given eta and u, shape (q, n)."""
    mean = class_means(family, eta)
    return mean, relative(mean, np.concatenate([np.zeros_like(u), u]) if isinstance(family, Bernoulli) else u)


def class_means(family: UnconstrainedFamily, eta: FloatArray) -> FloatArray:
    """Return mu, shape (K, n), given eta, (q, n): of both classes of a Bernoulli."""
    return family.probabilities(eta) if isinstance(family, Bernoulli) else family.mean(eta)


def tilted_mean(family: UnconstrainedFamily, mean: FloatArray, v: FloatArray) -> FloatArray:
    """Return mu' of the q natural parameters, shape (q, n), in place of v."""
    v += 1.0
    v *= mean
    return v[len(v) - family.n_parameters :]


def relative(mean: FloatArray, u: FloatArray) -> FloatArray:
    """Return v, shape (K, ..., n), in place of u."""
    u -= np.einsum("k...,k...->...", mean, u)
    return u


@final
@dataclass(frozen=True)
class MeansAndInformation(Sum):
    """sum_i w_i x_i mu_i', shape (p, q), and sum_i w_i mu_i, (q,).

    And the information: sum_i w_i z_ia z_ib A''(eta_i), shape (r (r + 1) / 2, q, q), for a <= b.

    Attributes
    ----------
    family : UnconstrainedFamily
        Bernoulli or Categorical.
    coef, intercept : arrays of shape (p, q) and (q,)
    free : SelectedFeatures
        z.
    """

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray
    free: SelectedFeatures

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        mean = class_means(self.family, block.predictor(self.coef, self.intercept))
        features, q = self.free.of(block), self.family.n_parameters
        weighted = block.weighted(features.copy())
        packed = [_informations(mean, features[first:] * row) for first, row in enumerate(weighted)]
        information = np.concatenate([np.empty((0, len(mean), len(mean))), *packed])
        weighted_mean = block.weighted(mean[-q:].copy())
        return block.cross(weighted_mean), weighted_mean.sum(axis=1), information[:, -q:, -q:].copy()


def _informations(mean: FloatArray, weights: FloatArray) -> FloatArray:
    """Return sum_i w_i (diag(mu_i) - mu_i mu_i'), shape (b, K, K), for each of b rows of weights of any sign."""
    classes = np.arange(len(mean))
    products = (weights[:, np.newaxis] * mean).reshape(-1, mean.shape[1]) @ mean.T
    information = -products.reshape(len(weights), len(mean), len(mean))
    # The rows of each sum to zero; a diagonal made so loses no digits.
    information[:, classes, classes] = 0.0
    information[:, classes, classes] = -information.sum(axis=2)
    return information


@final
@dataclass(frozen=True)
class TiltedDivergences(Sum):
    """sum_i w_i x_i mu'_i', shape (p, q), and sum_i w_i mu'_i, (q,); and of nu for each s, (g,) each: see below.

    These are bounds on sum_i w_i KL(nu_i || mu_i) and sum_ik w_i mu_ik log^2(nu_ik / mu_ik), see `Divergences`. And the
    number of rows of any weight where mu' / mu may be below `least`, (1,): nu may be no probability there, or only
    just, and the bounds are none.

    Attributes
    ----------
    tilt : Tilt
    shrinkage : array of shape (g,)
        1 - s, each below 1.
    least : float
    off : array of shape (r,)
        v is off by off' |z| at the most.
    """

    tilt: Tilt
    shrinkage: FloatArray
    least: float
    off: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        mean, v = self.tilt.of(block)
        counts = slice(None) if block.weights is None else block.weights > 0.0
        touched = np.flatnonzero(self.off)
        least = v.min(axis=0) + 1.0 - self.off[touched] @ np.abs(self.tilt.features.of(block)[touched])
        short = float(np.count_nonzero(least[counts] < self.least))
        seen, weights = seen_in(block.targets.T, len(mean))[..., counts], block.row_weights[counts]
        apart = Divergences.of(mean[:, counts], v[:, counts], seen, weights)
        bounds = np.array([apart.at(h) for h in self.shrinkage.tolist()]).reshape(-1, 2)
        return *self.tilt.sums(block, mean, v), bounds[:, 0].copy(), bounds[:, 1].copy(), np.array([short])
