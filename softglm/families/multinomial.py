"""Many throws of one die."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammaln

from softglm.arrays import BoolArray, FloatArray
from softglm.families.batches import total
from softglm.families.categorical import Categorical
from softglm.families.factorials import expected_log_factorial
from softglm.families.unconstrained import UnconstrainedFamily


@final
@dataclass(frozen=True, eq=False)
class Multinomial(UnconstrainedFamily):
    """How often each of K faces came up in n throws: y counts, class axis first.

    A throw is `Categorical`, and independent throws add up: A, its derivatives and
    T are n times, or sums of n, those of one die. Only the carrier is new, the
    multinomial coefficient n! / (y_1! ... y_K!).

    Parameters
    ----------
    n_classes : int
        K, at least 2.
    n_trials : int or array, shape (...)
        How many throws, n > 0: one for all observations, or one for each.

    Examples
    --------
    >>> import numpy as np
    >>> Multinomial(2, n_trials=[4, 8]).mean(np.log([[3.0, 1.0], [1.0, 1.0]])).round(9)
    array([[3., 4.],
           [1., 4.]])
    """

    n_classes: int
    n_trials: npt.ArrayLike

    def __post_init__(self) -> None:
        Categorical(self.n_classes)  # refuses fewer than two classes
        if not np.all(np.asarray(self.n_trials) > 0):
            raise ValueError(
                f"n_trials must be positive, got {self.n_trials!r}. A row without trials says nothing: leave it out."
            )

    @property
    def die(self) -> Categorical:
        """The family of a single trial."""
        return Categorical(self.n_classes)

    @property
    def n_parameters(self) -> int:
        """K: one per class."""
        return self.n_classes

    def sufficient_statistic(self, y: npt.ArrayLike) -> FloatArray:
        """The counts themselves, of shape (K, ...)."""
        return np.asarray(y, dtype=np.float64)

    def log_normalizer(self, eta: FloatArray) -> FloatArray:
        """n logsumexp(eta)."""
        return self._trials * self.die.log_normalizer(eta)

    def mean(self, eta: FloatArray) -> FloatArray:
        """n softmax(eta)."""
        return self._trials * self.die.mean(eta)

    def normalizer_and_mean(self, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """n times those of one die; the mean overwrites eta."""
        log_normalizer, mean = self.die.normalizer_and_mean(eta)
        mean *= self._trials
        return self._trials * log_normalizer, mean

    def fisher_information(self, eta: FloatArray) -> FloatArray:
        """n (diag(p) - p p') with p = softmax(eta)."""
        return self._trials * self.die.fisher_information(eta)

    def fisher_product(self, eta: FloatArray, direction: FloatArray) -> FloatArray:
        """n p_k (u_k - <p, u>), without forming the matrix."""
        return self._trials * self.die.fisher_product(eta, direction)

    @property
    def identifiable_directions(self) -> FloatArray:
        """The vectors of sum zero, as for one die."""
        return self.die.identifiable_directions

    @property
    def n_identifiable(self) -> int:
        """K - 1, as for one die."""
        return self.die.n_identifiable

    @property
    def has_many_classes(self) -> bool:
        """The same as of one die."""
        return self.die.has_many_classes

    def identified(self, parameters: FloatArray) -> FloatArray:
        """Centred over the classes, as for one die."""
        return self.die.identified(parameters)

    @property
    def n_curvature_directions(self) -> int:
        """K (K - 1) / 2, as for one die."""
        return self.die.n_curvature_directions

    @property
    def curvature_directions(self) -> FloatArray:
        """e_k - e_l for k < l, as for one die."""
        return self.die.curvature_directions

    def curvature_weights(self, mean: FloatArray) -> FloatArray:
        """mu_k mu_l / n for k < l."""
        return self.die.curvature_weights(mean) / self._trials

    def curvature_slopes(self, mean: FloatArray, forms: FloatArray) -> FloatArray:
        """n times those of one die at mean / n."""
        return self._trials * self.die.curvature_slopes(mean / self._trials, forms)

    def information_diagonal(self, mean: FloatArray, weights: FloatArray | None) -> FloatArray:
        """The sum of n p_k (1 - p_k)."""
        trials = np.broadcast_to(self._trials, mean.shape[1:])
        return self.die.information_diagonal(mean / trials, trials if weights is None else trials * weights)

    def conjugate(self, mean: FloatArray) -> FloatArray:
        """n times that of one die at mean / n."""
        return self._trials * self.die.conjugate(mean / self._trials)

    def most_opposed(self, statistic: FloatArray, eta: FloatArray, off: FloatArray) -> float:
        """The same as of one die."""
        return self.die.most_opposed(statistic, eta, off)

    def curvature_sums(self, mean: FloatArray) -> FloatArray:
        """n times those of one die at mean / n."""
        return self._trials * self.die.curvature_sums(mean / self._trials)

    @property
    def largest_mean(self) -> float:
        """All trials of one class."""
        return float(np.max(self.n_trials))

    @property
    def largest_curvature(self) -> float:
        """That of one die for each trial."""
        return self.die.largest_curvature * self.largest_mean

    def steps_to_boundary(self, mean: FloatArray, direction: FloatArray) -> float:
        """Until the mean count of some class is 0."""
        return self.die.steps_to_boundary(mean, direction)

    def can_fall(self, statistic: FloatArray) -> BoolArray:
        """Mass can fall as for one die."""
        return self.die.can_fall(statistic)

    def can_rise(self, statistic: FloatArray) -> BoolArray:
        """Mass can rise as for one die."""
        return self.die.can_rise(statistic)

    def classes_observed(self, statistic: FloatArray) -> BoolArray:
        """The faces that came up."""
        return self.die.classes_observed(statistic)

    def opposing(self, statistic: FloatArray) -> Iterator[tuple[BoolArray, FloatArray]]:
        """Mass can have been elsewhere as for one die."""
        return self.die.opposing(statistic)

    def natural_parameter(self, mean: FloatArray) -> FloatArray:
        """The log of mean / n, centred to sum zero (symmetric coding)."""
        return self.die.natural_parameter(mean / self._trials)

    def log_carrier(self, y: npt.ArrayLike) -> FloatArray:
        """The log of n! / (y_1! ... y_K!)."""
        return _log_factorial(self._trials) - total(_log_factorial(self.sufficient_statistic(y)))

    def mean_log_carrier(self, eta: FloatArray) -> FloatArray:
        """log n! - the sum of E[log y_k!]: each count alone is binomial."""
        trials, probability = np.broadcast_arrays(self._trials, self.die.mean(eta))

        def at_least(j: int) -> FloatArray:
            failures = np.maximum(trials - j, 0.0)
            return np.where(j <= trials, betainc(j, failures + 1.0, probability), 0.0)

        log_factorials = expected_log_factorial(at_least, int(trials.max()))
        return _log_factorial(self._trials) - total(log_factorials)

    @property
    def _trials(self) -> FloatArray:
        return np.asarray(self.n_trials, dtype=np.float64)


def _log_factorial(count: FloatArray) -> FloatArray:
    return gammaln(count + 1.0)
