"""The objective as the solver sees it: which metrics there are and what they cost, what is proved without one."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Self, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.model.coordinates import (
    KroneckerCoordinates,
    coordinates_at,
    is_decomposed,
    null_coordinates,
    quick_coordinates,
    scaled_coordinates,
)
from softglm.model.duality import duality_gap, strong_convexity_gap
from softglm.model.fisher import hessian, null_hessian
from softglm.model.intercept import Null, solve_intercept
from softglm.model.kept import KeptRows, are_few
from softglm.model.metric import HessianMetric, KroneckerMetric
from softglm.model.objective import Objective
from softglm.model.prices import approximation_price, evaluation_price, hessian_price
from softglm.model.sampling import row_scores, rows_that_tell
from softglm.model.separation import is_separated, separates

# The exact Hessian is used while its size, and the weights of the d curvature directions of a block, stay below these.
_MAX_PARAMETERS, _MAX_ENTRIES, _ROWS = 4096, 2**26, 2048
# And, where the penalty can prove the optimum too, while it costs no more than this many evaluations.
_MAX_PRICE = 400.0
# The fit starts in coordinates from all second moments, or from another point with a metric made there, if that costs
# no more than this many evaluations.
_MAX_START = 6.0
# Every step is Newton's where a Hessian costs no more than so many evaluations.
_NEWTON = 1.25
# The first step from the null model moves no eta by more than this, in nats: where columns are many, or a row lies far
# out, a Newton step goes to where the information vanishes, and the way back is long.
_LONGEST = 8.0
# A sample of rows is a copy: of no more than this part of the entries, or of so many.
_MOST_COPIED, _ALWAYS_COPIED = 32, 2**19
# The resolution and the rounding of evaluations, see `GLM._work_on`.
_SINGLE, _DOUBLE = (3e-5, 1e-5), (0.0, 1e-13)
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
    scores : array of shape (n,) or None, default=None
        What the chances of the rows to be drawn are proportional to; None for equal chances.
    rounded : Objective or None, default=None
        The same in single precision, to begin with.
    kept : KeptRows or None, default=None
        The rows, where they are few.
    separation : Separation or None, default=None
        What is decided about it already.
    """

    def __init__(
        self,
        objective: Objective,
        coordinates: KroneckerCoordinates,
        assembly: KroneckerCoordinates | None = None,
        *,
        scores: FloatArray | None = None,
        rounded: Objective | None = None,
        kept: KeptRows | None = None,
        separation: "Separation | None" = None,
    ) -> None:
        self.objective, self.coordinates, self._assembly = objective, coordinates, assembly or coordinates
        self._scores, self._kept = scores, kept
        n, (_, q) = objective.rows.n_rows, objective.shape
        r, s = coordinates.scales.shape
        d = objective.family.n_curvature_directions
        fits = r * s <= _MAX_PARAMETERS and d * (q + _ROWS) <= _MAX_ENTRIES
        is_decidable = fits and n * d * r <= _MAX_PROGRAM
        self._separation = separation or Separation(objective, coordinates, is_decidable=is_decidable)
        pays = hessian_price(objective, n) <= _MAX_PRICE * evaluation_price(objective) or not objective.is_penalised
        self.has_hessian = fits and pays
        self._work_on(rounded or objective)

    def _work_on(self, objective: Objective) -> None:
        """Make all passes over the rows as this objective has it."""
        self._working, self._is_rounded = objective, objective.dtype == np.float32
        # The distance to the optimum, relative to that of the null model, that evaluations tell from rounding; and the
        # differences of f, relative to |f| + 1, that are rounding.
        self.resolution, self.rounding = _SINGLE if self._is_rounded else _DOUBLE
        self._sample = objective.rows.sampler(self._scores)
        self.evaluation_cost = evaluation_price(objective)
        # What a part of the rows says of the rank is not to be trusted where something is not penalised. (Hessians are
        # made in coordinates that all rows have told.)
        n = objective.rows.n_rows
        n_rows = rows_that_tell(objective) if objective.is_penalised else n
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
        self.takes_newton_steps = bool(self.hessians) and self.hessians[-1].price <= _NEWTON * self.evaluation_cost

    @classmethod
    def starting_at(cls, objective: Objective, null: Null) -> Self:
        """Return the problem in coordinates of the null model, as good as pays.

        Raises
        ------
        FloatingPointError
            If the squares of X overflow.
        """
        kept = KeptRows(objective) if are_few(objective) else None
        # In simple coordinates, if the first metric is a Hessian anyway.
        is_cheap = hessian_price(objective, objective.rows.n_rows) <= _NEWTON * evaluation_price(objective)
        if kept and is_cheap and objective.is_penalised:
            squares = kept.second_moments.diagonal()
            return cls(objective, scaled_coordinates(objective, null.information, squares), kept=kept)
        rounded = None if kept else objective.in_single_precision()
        working = rounded or objective
        count = rows_that_tell(working)
        sample = working.rows.sampler()(count)
        if not objective.is_penalised:
            exact = null_coordinates(objective, null.information, kept.second_moments if kept else None)
            scores = row_scores(working, null.information, exact, sample)
            return cls(objective, exact, scores=scores, rounded=rounded, kept=kept)
        is_full = approximation_price(working, count) <= _MAX_START * evaluation_price(working)
        coordinates = quick_coordinates(working, null.information, sample, is_full=is_full)
        scores = row_scores(working, null.information, coordinates[0], sample)
        if scores is not None:
            sample = working.rows.sampler(scores)(count)
            coordinates = quick_coordinates(working, null.information, sample, is_full=is_full)
        return cls(objective, *coordinates, scores=scores, rounded=rounded, kept=kept)

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

    def beginning_at(
        self, null: Null, point: FloatArray, value: float, gradient: FloatArray
    ) -> tuple["GLM", HessianMetric | KroneckerMetric]:
        """Return the problem and the metric to begin with: beside an optimum, single precision would lead away."""
        if point is null.parameters:
            return self, self._null_hessian(null) if self.takes_newton_steps else self._null_metric(gradient)
        whitened = self.coordinates.pull_back(gradient)
        is_beside = float(whitened @ whitened) / 2.0 <= self.resolution**2 * (null.value - value)
        problem = (self.finer if is_beside else None) or self
        return problem, problem.metric_at(point)

    def metric_at(self, point: FloatArray) -> HessianMetric | KroneckerMetric:
        """Return a metric made at a point, as good as pays."""
        for offer in (*self.hessians[-1:], self.approximations[0]):
            if offer.price <= _MAX_START * self.evaluation_cost:
                return offer.make(point)
        return KroneckerMetric(self.coordinates)

    def _null_hessian(self, null: Null) -> HessianMetric | KroneckerMetric:
        """Return the Hessian at the null model, where it is a Kronecker product (with an offset nearly so)."""
        if not self.objective.is_penalised:
            return KroneckerMetric(self.coordinates)
        if self._kept is None or self.objective.rows.has_offset:
            return self.hessians[-1].make(null.parameters)
        matrix = null_hessian(self.objective, null.information, self._kept.second_moments, self.coordinates)
        return HessianMetric(self.objective, matrix, self.coordinates, self.objective.rows, self._kept)

    def _null_metric(self, gradient: FloatArray) -> KroneckerMetric:
        """Return the metric of the null model; scaled, where the first step along this gradient would be too long."""
        metric = KroneckerMetric(self.coordinates)
        coef, intercept = self._working.rounded(metric.unwhiten(metric.whiten(gradient)))

        def statistic(block: Block) -> tuple[FloatArray, ...]:
            return (np.abs(block.times(coef) + intercept[:, np.newaxis]).max(keepdims=True),)

        longest = float(self._sample(rows_that_tell(self._working)).max(statistic)[0].max())
        is_too_long = _LONGEST < longest < np.inf
        return KroneckerMetric(self.coordinates.shortened(_LONGEST / longest)) if is_too_long else metric

    def evaluate(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Return f and its gradient, shape (m, q)."""
        return self._kept.evaluate(point) if self._kept else self._working.evaluate(point)

    def evaluate_with_hessian(
        self, point: FloatArray
    ) -> tuple[float, FloatArray, Callable[[], HessianMetric | KroneckerMetric]]:
        """Return f, its gradient, and what makes the exact Hessian there."""
        return *self.evaluate(point), partial(self.hessians[-1].make, point)

    @property
    def finer(self) -> "GLM | None":
        """The problem whose passes are all made in double precision, if these are not."""
        if not self._is_rounded:
            return None
        return GLM(
            self.objective,
            self.coordinates,
            self._assembly,
            scores=self._scores,
            kept=self._kept,
            separation=self._separation,
        )

    def _approximate(self, n_rows: int, point: FloatArray) -> KroneckerMetric:
        return KroneckerMetric(coordinates_at(self._working, point, self._sample(n_rows)))

    def _hessian(self, n_rows: int, point: FloatArray) -> HessianMetric:
        rows = self._sample(n_rows)
        if self._kept:
            matrix = self._kept.hessian(point, self._assembly)
        else:
            matrix = hessian(self._working, point, self._assembly, rows)
        return HessianMetric(self.objective, matrix, self._assembly, None if self._is_rounded else rows, self._kept)

    def gap_by_gradient(self, point: FloatArray, value: float, gradient: FloatArray) -> float:
        """Bound the gap by duality."""
        return duality_gap(self.objective, point, value, gradient)

    def gap_at_partial_minimiser(self, gradient: FloatArray) -> float:
        """Bound the gap by the strong convexity of the penalty, where the intercepts are the best."""
        return strong_convexity_gap(self.objective, gradient)

    def partial_minimiser(self, point: FloatArray) -> FloatArray | None:
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
        return self._separation.decide(point, quickly=self.has_hessian, thoroughly=thorough)


@final
class Separation:
    """Whether the data are separated, decided once, for all problems that ask about the same data."""

    def __init__(self, objective: Objective, coordinates: KroneckerCoordinates, *, is_decidable: bool) -> None:
        self._objective, self._coordinates, self._is_decidable = objective, coordinates, is_decidable
        self._is_separated: bool | None = None

    def decide(self, point: FloatArray, *, quickly: bool, thoroughly: bool) -> bool | None:
        """Decide by the margins at a point, where that is quick, or thoroughly by linear programs."""
        if self._is_separated is None and self._is_decidable and (quickly or thoroughly):
            if separates(self._objective, point):
                self._is_separated = True
            elif thoroughly:
                try:
                    self._is_separated = is_separated(self._objective, self._coordinates, point)
                except ArithmeticError:
                    self._is_decidable = False
        return self._is_separated
