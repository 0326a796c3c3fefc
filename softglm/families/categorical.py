"""A die, and with it the softmax."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.linalg import helmert
from scipy.special import entr

from softglm.arrays import BoolArray, FloatArray
from softglm.families.batches import diagonal, inner, require, safe_exponent, steps_to_zero, total
from softglm.families.unconstrained import UnconstrainedFamily

# Far above the rounding of a sum of probabilities, far below a forgotten class.
SUM_TOLERANCE = 1e-8
# Of so few means pairs are copied before they are multiplied.
_SMALL = 2**14
# So few classes that their matrices of constants are small, and as dear to make as a pass over some hundred rows.
_FEW = 32
# More classes than this have no Hessians: there is no use for matrices of their size, whose products and decompositions
# cost more than passes over the rows, and soon their memory more than the rows.
_MANY = 256


@final
@dataclass(frozen=True)
class Categorical(UnconstrainedFamily):
    """One throw of a die with K faces: y in {0, ..., K-1}, T(y) one-hot.

    A is logsumexp and its gradient is softmax. Both are written in *symmetric*
    coding, one eta per class: a constant added to every eta adds itself to A and
    leaves softmax alone. That makes eta identifiable up to a constant only, and it is
    what keeps the arithmetic safe: the constant is chosen so that no exp overflows.
    *Minimal* coding spends the freedom on a pivot class whose eta is 0.

    Parameters
    ----------
    n_classes : int
        K, at least 2.

    Examples
    --------
    >>> import numpy as np
    >>> die = Categorical(3)
    >>> eta = np.log([0.5, 0.25, 0.25]) + 1000.0
    >>> die.mean(eta).round(12).tolist()
    [0.5, 0.25, 0.25]
    >>> bits = die.entropy(eta) / np.log(2.0)
    >>> round(float(bits), 9)
    1.5
    """

    n_classes: int

    def __post_init__(self) -> None:
        if self.n_classes < 2:
            raise ValueError(
                f"n_classes must be at least 2, got {self.n_classes}. A die with one "
                "face leaves nothing to learn: drop the model or add a class."
            )

    @property
    def n_parameters(self) -> int:
        """K: one per class."""
        return self.n_classes

    def sufficient_statistic(self, y: npt.ArrayLike) -> FloatArray:
        """The one-hot column of each code in y, of shape (K, ...)."""
        return np.stack([np.equal(y, code) for code in range(self.n_classes)]).astype(np.float64)

    def log_normalizer(self, eta: FloatArray) -> FloatArray:
        """Logsumexp: log of the sum of exp(eta_k)."""
        return self.normalizer_and_mean(eta.copy())[0]

    def mean(self, eta: FloatArray) -> FloatArray:
        """Softmax: exp(eta_k) over the sum of exp(eta_l)."""
        return self.normalizer_and_mean(eta.copy())[1]

    def normalizer_and_mean(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Logsumexp and softmax; the softmax overwrites eta."""
        shift = _shift_into_range(eta)
        np.exp(eta, out=eta)
        normalizer = total(eta)
        eta *= 1.0 / normalizer
        log_normalizer: FloatArray = np.log(normalizer)
        if shift is not None:
            log_normalizer += shift
        return log_normalizer, eta

    def log_softmax(self, eta: FloatArray) -> FloatArray:
        """eta - A(eta): finite also where the probability itself underflows to 0.

        Parameters
        ----------
        eta : array, shape (K, ...)
            Natural parameters.

        Returns
        -------
        array, shape (K, ...)
            Log-probabilities, in nats.
        """
        # Without the shift, A would round off the fine digits of a large eta.
        shifted: FloatArray = eta - eta.max(axis=0)
        return shifted - self.log_normalizer(shifted)

    def log_softmax_jacobian(self, eta: FloatArray) -> FloatArray:
        """I - 1 mu': entry (k, l) is the derivative of log mu_k by eta_l.

        Parameters
        ----------
        eta : array, shape (K, ...)
            Natural parameters.

        Returns
        -------
        array, shape (K, K, ...)
            A matrix of rank K - 1 for each of the batch.
        """
        mean = self.mean(eta)
        return diagonal(np.ones_like(mean)) - mean[np.newaxis]

    def fisher_information(self, eta: FloatArray) -> FloatArray:
        """diag(mu) - mu mu'."""
        mean = self.mean(eta)
        return diagonal(mean) - mean[:, np.newaxis] * mean

    def fisher_product(self, eta: FloatArray, direction: FloatArray) -> FloatArray:
        """mu_k (u_k - <mu, u>), without forming the matrix."""
        mean = self.mean(eta)
        return mean * (direction - inner(mean, direction))

    def conjugate(self, mean: FloatArray) -> FloatArray:
        """The sum of mu_k log(mu_k), also where some are 0."""
        require(
            np.all(mean >= 0.0, axis=0) & (abs(total(mean) - 1.0) < SUM_TOLERANCE),
            "Categorical: the means must be probabilities that sum to one",
            mean,
            "Divide counts by their total.",
        )
        return -total(entr(mean))

    @property
    def identifiable_directions(self) -> FloatArray:
        """The vectors of sum zero, in Helmert's basis, of shape (K, K-1)."""
        return _matrix(_contrasts, self.n_classes)

    @property
    def n_identifiable(self) -> int:
        """K - 1."""
        return self.n_classes - 1

    @property
    def has_many_classes(self) -> bool:
        """Beyond 256."""
        return self.n_classes > _MANY

    def identified(self, parameters: FloatArray) -> FloatArray:
        """Centre over the classes."""
        if not self.has_many_classes:
            return super().identified(parameters)
        return np.asarray(parameters - parameters.mean(axis=-1, keepdims=True))

    @property
    def n_curvature_directions(self) -> int:
        """K (K - 1) / 2: one for each pair of classes."""
        return self.n_classes * (self.n_classes - 1) // 2

    @property
    def curvature_directions(self) -> FloatArray:
        """e_k - e_l for k < l: the covariance seen as a sum over pairs of classes."""
        return _matrix(_differences, self.n_classes)

    def curvature_weights(self, mean: FloatArray) -> FloatArray:
        """mu_k mu_l for k < l."""
        if mean.size <= _SMALL:  # quicker than a loop
            first, second = _pairs(self.n_classes)
            weights = mean.take(first, axis=0)
            weights *= mean.take(second, axis=0)
            return weights
        weights = np.empty_like(mean, shape=(self.n_curvature_directions, *mean.shape[1:]))
        start = 0
        for k in range(self.n_classes - 1):
            np.multiply(mean[k], mean[k + 1 :], out=weights[start : start + self.n_classes - 1 - k])
            start += self.n_classes - 1 - k
        return weights

    def curvature_slopes(self, mean: FloatArray, forms: FloatArray) -> FloatArray:
        """b_k - mu_k sum(b), where b_k = mu_k sum_l mu_l c_kl."""
        bends = self.curvature_weights(mean)
        bends *= forms
        slopes, start = np.zeros_like(mean), 0
        for k in range(self.n_classes - 1):
            of_class = bends[start : start + self.n_classes - 1 - k]
            slopes[k] += of_class.sum(axis=0)
            slopes[k + 1 :] += of_class
            start += self.n_classes - 1 - k
        slopes -= mean * total(slopes)
        return slopes

    def curvature_sums(self, mean: FloatArray) -> FloatArray:
        """2 mu_k (1 - mu_k): without forming the pairs."""
        return 2.0 * mean * (1.0 - mean)

    @property
    def largest_mean(self) -> float:
        """A probability is at most 1."""
        return 1.0

    @property
    def largest_curvature(self) -> float:
        """2 mu_k (1 - mu_k) is at most 1/2."""
        return 0.5

    def steps_to_boundary(self, mean: FloatArray, direction: FloatArray) -> float:
        """Until the probability of some class is 0."""
        return steps_to_zero(mean, direction)

    def total_information(self, mean: FloatArray, weights: FloatArray | None) -> FloatArray:
        """diag(sum mu) - sum mu mu': one product, where pairs of classes would be many."""
        weighted = mean if weights is None else mean * weights
        products = weighted @ mean.T
        # The rows of each covariance sum to zero; a diagonal made so loses no digits.
        np.fill_diagonal(products, 0.0)
        return np.diag(products.sum(axis=1)) - products

    def information_diagonal(self, mean: FloatArray, weights: FloatArray | None) -> FloatArray:
        """The sum of mu_k (1 - mu_k)."""
        bends = mean * (1.0 - mean)
        return np.asarray(bends.sum(axis=1) if weights is None else bends @ weights)

    def information_trace(self, mean: FloatArray) -> FloatArray:
        """1 - sum mu_k^2, in a form that rounding cannot make negative."""
        return inner(mean, 1.0 - mean)

    def can_fall(self, statistic: FloatArray) -> BoolArray:
        """Mass can go from class k to class l where there is some."""
        return statistic[_pairs(self.n_classes)[0]] > 0.0

    def can_rise(self, statistic: FloatArray) -> BoolArray:
        """Mass can come to class k from class l where there is some."""
        return statistic[_pairs(self.n_classes)[1]] > 0.0

    def classes_observed(self, statistic: FloatArray) -> BoolArray:
        """Where there is mass."""
        return statistic > 0.0

    def opposing(self, statistic: FloatArray) -> Iterator[tuple[BoolArray, FloatArray]]:
        """Mass can have been in any other class l than the k where it is: along e_k - e_l, K - 1 of them for each k."""
        return ((mass > 0.0, _to_others(self.n_classes, k)) for k, mass in enumerate(statistic))

    def most_opposed(self, statistic: FloatArray, eta: FloatArray, off: FloatArray) -> float:
        """The largest of the others, or the next where that is the observed itself: without forming the pairs."""
        observed, rows = np.nonzero(statistic > 0.0)
        own = eta[observed, rows] - off[observed, rows]
        highest = np.add(eta, off, out=eta)
        leading, places = highest.argmax(axis=0), np.arange(eta.shape[1])
        first = highest[leading, places]
        highest[leading, places] = -np.inf
        next_to_it = highest.max(axis=0, initial=-np.inf)
        others = np.where(leading[rows] == observed, next_to_it[rows], first[rows])
        return float((others - own).max(initial=-np.inf))

    def natural_parameter(self, mean: FloatArray) -> FloatArray:
        """Log probabilities, centred to sum zero (symmetric coding)."""
        require(
            np.all(mean > 0, axis=0) & (abs(total(mean) - 1.0) < SUM_TOLERANCE),
            "Categorical: the means must be positive probabilities that sum to one",
            mean,
            "Divide counts by their total; a class that never occurs has no finite eta: leave it out.",
        )
        log_mean = np.log(mean)
        return _centred(log_mean)

    def minimal_from_symmetric(self, eta: FloatArray, pivot: int = -1) -> FloatArray:
        """Log odds against the pivot class, which is left out.

        Parameters
        ----------
        eta : array, shape (K, ...)
            Symmetric coding.
        pivot : int
            The class whose eta is to be 0; by default the last.

        Returns
        -------
        array, shape (K-1, ...)
            Minimal coding, in nats.
        """
        return np.delete(eta - eta[pivot], pivot, axis=0)

    def symmetric_from_minimal(self, eta: FloatArray, pivot: int = -1) -> FloatArray:
        """Put the pivot class back, and centre to sum zero.

        Parameters
        ----------
        eta : array, shape (K-1, ...)
            Minimal coding.
        pivot : int
            The class whose eta is 0; by default the last.

        Returns
        -------
        array, shape (K, ...)
            Symmetric coding, in nats.
        """
        return _centred(np.insert(eta, pivot % self.n_classes, 0.0, axis=0))


@lru_cache(maxsize=16)
def _pairs(n_classes: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The pairs of classes k < l."""
    first, second = np.triu_indices(n_classes, 1)
    return first, second


def _matrix(make: Callable[[int], FloatArray], n_classes: int) -> FloatArray:
    """A matrix that belongs to a number of classes; where they are few it is kept, and read-only."""
    return _kept(make, n_classes) if n_classes <= _FEW else make(n_classes)


@lru_cache(maxsize=64)
def _kept(make: Callable[[int], FloatArray], n_classes: int) -> FloatArray:
    matrix = make(n_classes)
    matrix.flags.writeable = False
    return matrix


def _contrasts(n_classes: int) -> FloatArray:
    return np.asarray(helmert(n_classes).T)


def _differences(n_classes: int) -> FloatArray:
    first, second = _pairs(n_classes)
    identity = np.identity(n_classes)
    return identity[first] - identity[second]


def _to_others(n_classes: int, k: int) -> FloatArray:
    """Return e_k - e_l for every other class l, shape (K - 1, K)."""
    directions = -np.identity(n_classes)
    directions[:, k] += 1.0
    return np.delete(directions, k, axis=0)


def _shift_into_range(eta: FloatArray) -> FloatArray | None:
    """Subtract, in place, the maximum over classes if some exp would overflow, or all of a row underflow; return it.

    Seldom, because writing eta once more takes as long as exp itself.
    """
    safe = safe_exponent(eta.dtype)
    # The length of eta, for few rows quicker than its extremes, tells most often.
    if np.vdot(eta, eta) < safe * safe or (eta.max(initial=-safe) < safe and eta.min(initial=safe) > -safe):
        return None
    maximum: FloatArray = eta.max(axis=0)
    if np.abs(maximum).max(initial=0.0) < safe:
        return None
    eta -= maximum
    return maximum


def _centred(eta: FloatArray) -> FloatArray:
    return eta - total(eta) / len(eta)
