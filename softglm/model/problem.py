"""The objective as the solver sees it: which metrics there are and what they cost, what is proved without one."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Self, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block, Sampler
from softglm.model.coordinates import (
    KroneckerCoordinates,
    coordinates_at,
    is_decomposed,
    null_coordinates,
    quick_coordinates,
)
from softglm.model.duality import duality_gap, strong_convexity_gap
from softglm.model.intercept import Null, solve_intercept
from softglm.model.metric import HessianMetric, KroneckerMetric
from softglm.model.objective import Objective
from softglm.model.prices import approximation_price, evaluation_price, hessian_price
from softglm.model.sampling import rows_that_tell, sampler
from softglm.model.separation import is_separated, separates

# The exact Hessian is used while its size, and the weights of the d curvature directions of a block, stay below these.
_MAX_PARAMETERS, _MAX_ENTRIES, _ROWS = 4096, 2**26, 2048
# And, where the penalty can prove the optimum too, while it costs no more than this many evaluations.
_MAX_PRICE = 1000.0
# The fit starts in coordinates from all second moments, or from another point with a metric made there, if that costs
# no more than this many evaluations.
_MAX_START = 6.0
# The first step from the null model moves no eta by more than this, in nats: where columns are many, or a row lies far
# out, a Newton step goes to where the information vanishes, and the way back is long.
_LONGEST = 8.0
# A sample of rows is a copy: of no more than this part of the entries, or of so many.
_MOST_COPIED, _ALWAYS_COPIED = 32, 2**19
# The distance to the optimum, relative to that of the null model, that products in float32 can tell.
_SINGLE_RESOLUTION = 3e-4
# The mean weight of the rows up to which, and down to the reciprocal, their weights are within the range of float32.
_SINGLE_RANGE = 1e10
# Linear programs decide about separation while all their entries, few of which are ever formed, stay below this.
_MAX_PROGRAM = 10**9


class Offer(NamedTuple):
    """A metric that could be had: its price, and the way to it from a point."""

    price: float
    make: Callable[[FloatArray], HessianMetric | KroneckerMetric]


@final
class GLM:
    """Minimising the objective of a generalised linear model, for `solver.minimise`.

    Parameters
    ----------
    objective : Objective
    coordinates : KroneckerCoordinates
        Of the null model, or about those.
    assembly : KroneckerCoordinates or None, default=None
        In which Hessians are assembled and factored; None for the same.
    sample : callable or None, default=None
        Draws so many of the rows; None if all have equal chances.
    """

    def __init__(
        self,
        objective: Objective,
        coordinates: KroneckerCoordinates,
        assembly: KroneckerCoordinates | None = None,
        sample: Sampler | None = None,
    ) -> None:
        self.objective, self.coordinates, self._assembly = objective, coordinates, assembly or coordinates
        self._sample = sample or objective.rows.sampler()
        self._is_separated: bool | None = None
        n, (_, q) = objective.rows.n_rows, objective.shape
        r, s = coordinates.scales.shape
        d = objective.family.n_curvature_directions
        self._price = evaluation_price(objective)
        mean_weight = objective.moments.total_weight / n
        is_single = objective.rows.dtype == np.float32 and 1.0 / _SINGLE_RANGE < mean_weight < _SINGLE_RANGE
        self._dtype: type[np.floating[Any]] = np.float32 if is_single else np.float64
        self._is_decidable = r * s <= _MAX_PARAMETERS and d * (q + _ROWS) <= _MAX_ENTRIES and n * d * r <= _MAX_PROGRAM
        fits = r * s <= _MAX_PARAMETERS and d * (q + _ROWS) <= _MAX_ENTRIES
        pays = hessian_price(objective, n) <= _MAX_PRICE * self._price or not self.objective.is_penalised
        self.has_hessian = fits and pays
        # What a part of the rows says of the rank is not to be trusted where something is not penalised. (Hessians are
        # made in coordinates that all rows have told.)
        n_rows = rows_that_tell(objective) if self.objective.is_penalised else n
        self.approximations = tuple(
            Offer(
                approximation_price(objective, count, is_full=is_decomposed(objective)),
                partial(self._approximate, count),
            )
            for count in (n_rows, n)
        )
        self.hessians = tuple(
            Offer(hessian_price(objective, count), partial(self._hessian, count)) for count in self._counts()
        )

    @classmethod
    def starting_at(cls, objective: Objective, null: Null) -> Self:
        """Return the problem in coordinates of the null model, as good as pays.

        Raises
        ------
        FloatingPointError
            If the squares of X overflow.
        """
        uniform = objective.rows.sampler()
        if not objective.is_penalised:
            exact = null_coordinates(objective, null.information)
            return cls(objective, exact, None, sampler(objective, uniform, null.information, exact))
        n_rows = rows_that_tell(objective)
        is_full = approximation_price(objective, n_rows) <= _MAX_START * evaluation_price(objective)
        coordinates = quick_coordinates(objective, null.information, uniform(n_rows), is_full=is_full)
        sample = sampler(objective, uniform, null.information, coordinates[0])
        if sample is not uniform:
            coordinates = quick_coordinates(objective, null.information, sample(n_rows), is_full=is_full)
        return cls(objective, *coordinates, sample)

    def _counts(self) -> list[int]:
        """Return the numbers of rows from which Hessians are made, up to all of them."""
        if not self.has_hessian:
            return []
        rows, count, counts = self.objective.rows, rows_that_tell(self.objective), []
        copied = max(rows.n_entries // _MOST_COPIED, _ALWAYS_COPIED)
        while 2 * count <= rows.n_rows and count * rows.n_entries <= copied * rows.n_rows:
            counts.append(count)
            count *= 2
        return [*counts, rows.n_rows]

    @property
    def is_unique(self) -> bool:
        """Whether the optimum is: false where columns are collinear and nothing tells them apart."""
        has_full_rank = len(self.coordinates.scales) == self.objective.shape[0] and bool(self.coordinates.scales.all())
        return has_full_rank or self.objective.is_penalised

    def null_metric(self, gradient: FloatArray) -> KroneckerMetric:
        """Return the metric of the null model; scaled, where the first step along this gradient would be too long."""
        metric = KroneckerMetric(self.coordinates)
        coef, intercept = self.objective.uncentred(metric.unwhiten(metric.whiten(gradient)))

        def statistic(block: Block) -> tuple[FloatArray, ...]:
            return (np.abs(block.times(coef) + intercept[:, np.newaxis]).max(keepdims=True),)

        longest = float(self._sample(rows_that_tell(self.objective)).max(statistic)[0].max())
        is_too_long = _LONGEST < longest < np.inf
        return KroneckerMetric(self.coordinates.shortened(_LONGEST / longest)) if is_too_long else metric

    def metric_at(self, point: FloatArray) -> HessianMetric | KroneckerMetric:
        """Return a metric to go on with from a point: made there, as good as pays."""
        for offer in (*self.hessians[-1:], self.approximations[0]):
            if offer.price <= _MAX_START * self.evaluation_cost:
                return offer.make(point)
        return KroneckerMetric(self.coordinates)

    def evaluate(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Return f and its gradient, shape (m, q)."""
        return self.objective.evaluate(point, self._dtype)

    @property
    def evaluation_cost(self) -> float:
        """The price of `evaluate`."""
        return self._price if self._dtype is np.float64 else self._price / 2.0

    @property
    def resolution(self) -> float:
        """The relative distance to the optimum that `evaluate` tells from rounding."""
        return 0.0 if self._dtype is np.float64 else _SINGLE_RESOLUTION

    def refine(self) -> bool:
        """Evaluate in float64 from now on; tell whether that is a change."""
        is_finer = self._dtype is not np.float64
        self._dtype = np.float64
        return is_finer

    def _approximate(self, n_rows: int, point: FloatArray) -> KroneckerMetric:
        return KroneckerMetric(coordinates_at(self.objective, point, self._sample(n_rows)))

    def _hessian(self, n_rows: int, point: FloatArray) -> HessianMetric:
        return HessianMetric(self.objective, point, self._assembly, self._sample(n_rows))

    def bound(self, point: FloatArray, value: float, gradient: FloatArray) -> float:
        """Bound the gap by duality."""
        return duality_gap(self.objective, point, value, gradient)

    def bound_settled(self, gradient: FloatArray) -> float:
        """Bound the gap by the strong convexity of the penalty, where the intercepts are the best."""
        return strong_convexity_gap(self.objective, gradient)

    def settle(self, point: FloatArray) -> FloatArray | None:
        """Return the point with the best intercepts for its coefficients; None where they are not exact."""
        if not self.objective.fit_intercept:
            return point
        settled, is_exact = solve_intercept(self.objective, point)
        return settled if is_exact else None

    def has_no_minimiser(self, point: FloatArray, *, thorough: bool) -> bool | None:
        """Tell whether nothing is penalised and the data are separated: by the margins here, or by linear programs.

        None if that is not known, or too large to decide.
        """
        if self.objective.is_penalised:
            return False
        if self.objective.penalty.curvature.any():
            return None  # whether what is not penalised separates, the programs do not know
        if self._is_separated is None and self._is_decidable and (self.has_hessian or thorough):
            if separates(self.objective, point):
                self._is_separated = True
            elif thorough:
                try:
                    self._is_separated = is_separated(self.objective, self.coordinates)
                except ArithmeticError:
                    self._is_decidable = False
        return self._is_separated
