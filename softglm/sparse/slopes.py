r"""The gradient of the likelihood in all features: computed where it may matter, bounded elsewhere.

The slope of feature j in class k is the mean of z_ij (mu_ik - t_ik). While the means mu move it moves by no more than
sd_j times their root mean square way (Cauchy and Schwarz): a feature whose pull was far below 1 need not be looked at
again until that way is long.
"""

from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.model import Prepared, SparsePenalty
from softglm.model.penalties import Box, EntrywisePenalty
from softglm.model.proof.streamed import most_deviations
from softglm.sparse.columns import WorkingColumns
from softglm.sums import Evaluation, TiltedCross

# Where more than one in so many features are to be looked at, all are: that reads the rows once, in their order.
_MANY = 8


@final
class AllSlopes:
    """The slopes of all features, in the units of the working columns, and the means mu to which they belong.

    Parameters
    ----------
    prepared : Prepared
    held : WorkingColumns
        Those that are held are looked at by whoever holds them.

    Attributes
    ----------
    values : array of shape (p, q)
        Of each feature at the means at which it was looked at last.
    spreads : array of shape (p,)
        What the standard deviations of the columns are at most.
    """

    def __init__(self, prepared: Prepared, held: WorkingColumns) -> None:
        self._likelihood, self._held = prepared.likelihood, held
        self._units = np.where(held.varies, held.units, 0.0)
        self.spreads = most_deviations(self._likelihood) * self._units
        self._linear = self._likelihood.moments.cross * self._units[:, np.newaxis]
        self._units_known: tuple[SparsePenalty, FloatArray] | None = None
        # Penalties, what was near, and the pulls.
        self._known: list[tuple[SparsePenalty, float, FloatArray]] = []

    def begin(self, mean: FloatArray, parameters: FloatArray) -> None:
        """Look at all features at the means mu, shape (q, n), of these parameters, shape (m, q)."""
        self._mean, self._parameters = mean, parameters
        # How far the means have gone since each time of looking, by class; and when that was, of each feature.
        self._ways, self._when = np.zeros((1, len(mean))), np.zeros(len(self._units), dtype=np.intp)
        self._step: FloatArray | None = None
        self._look_at_all()

    def move(self, mean: FloatArray, parameters: FloatArray, step: FloatArray | None, slopes: FloatArray) -> None:
        """Take other means, and the slopes of the features that are held.

        Parameters
        ----------
        mean : array of shape (q, n)
        parameters : array of shape (m, q)
            With a step of them, shape (m, q), of whose means mu' = mu (1 + v) these are; None for mu.
        step : array of shape (m, q) or None
        slopes : array of shape (k, q)
        """
        way = np.sqrt(np.square(mean - self._mean) @ self._held.weights)
        self._mean, self._parameters, self._step, self._known = mean, parameters, step, []
        self._ways = np.concatenate([self._ways + way, np.zeros((1, len(way)))])
        self._look_at(self._held.features, slopes)

    def pulls(self, penalty: SparsePenalty, near: float) -> FloatArray:
        """Return how all features pull, shape (p,), by `values`: of those below `near` a bound that is below it."""
        for other, exact_from, pulls in self._known:
            if other is penalty and exact_from <= near:
                return pulls
        further, now = self.unit_pulls(penalty), len(self._ways) - 1
        pulls = penalty.pull(self.values) + self._since(penalty) * further
        unsure = np.flatnonzero((pulls >= near) & (self._when < now))
        if len(unsure) * _MANY > len(pulls):
            self._look_at_all()
            pulls = penalty.pull(self.values)
        elif len(unsure):
            self._look_at(unsure, self._held.slopes(self._mean, unsure) - self._linear[unsure])
            pulls[unsure] = penalty.restricted(unsure).pull(self.values[unsure])
        self._known.append((penalty, near, pulls))
        return pulls

    def unit_pulls(self, penalty: SparsePenalty) -> FloatArray:
        """Return the most that slopes may pull, shape (p,), that move by their spreads."""
        if self._units_known is None or self._units_known[0] is not penalty:
            self._units_known = penalty, pull_of_sizes(penalty, self.spreads)
        return self._units_known[1]

    def _since(self, penalty: SparsePenalty) -> FloatArray:
        """Return how far the means may have gone since each feature was looked at, shape (p,): all of a group at once.

        That is in a class, or in all of them where the penalty is one of groups.
        """
        is_entrywise = isinstance(penalty, EntrywisePenalty)
        ways = self._ways.max(axis=1) if is_entrywise else np.linalg.norm(self._ways, axis=1)
        return np.asarray(ways[self._when])

    def _look_at(self, features: npt.NDArray[np.intp], slopes: FloatArray) -> None:
        self.values[features], self._when[features] = slopes, len(self._ways) - 1

    def _look_at_all(self) -> None:
        likelihood, parameters = self._likelihood, self._parameters
        self._ways, self._when = np.zeros((1, len(self._mean))), np.zeros(len(self._units), dtype=np.intp)
        if self._held.stored is not None:
            self.values = self._held.slopes(self._mean) - self._linear
            return
        at = likelihood.family, *likelihood.rounded(parameters)
        sums = Evaluation(*at) if self._step is None else TiltedCross(*at, *likelihood.uncentred(self._step))
        *_, cross, mean = likelihood.rows.sum(sums)
        _, gradient = likelihood.assembled((np.zeros(1), cross, mean), parameters)
        self.values = self._units[:, np.newaxis] * gradient[: len(self._units)]


def pull_of_sizes(penalty: SparsePenalty, sizes: FloatArray) -> FloatArray:
    """Return the most that slopes of such sizes may pull, shape (p,), whatever their signs.

    Parameters
    ----------
    penalty : SparsePenalty
    sizes : array of shape (p,)
        What the slopes of a feature are at most in a class; their norm at most, where the penalty is one of groups.
    """
    by_feature = sizes[:, np.newaxis]
    pulls = penalty.pull(by_feature)
    return np.maximum(pulls, penalty.pull(-by_feature)) if isinstance(penalty, Box) else pulls
