"""The objective as the solver sees it: which metrics there are and what they cost, what is proved without one."""

from collections.abc import Callable
from functools import partial
from typing import Self, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import RowsInMemory, Sampling
from softglm.model.class_means import ClassMeans, ClassMeansMetric, class_means_price, tells_class_means
from softglm.model.coordinates import (
    is_decomposed,
    null_coordinates,
    quick_coordinates,
    scaled_coordinates,
    second_moments,
)
from softglm.model.existence import Existence
from softglm.model.fisher import null_hessian
from softglm.model.intercept import Null, solve_intercept
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.metric import FactoredMetric, HessianMetric, KroneckerMetric
from softglm.model.objective import Objective
from softglm.model.offers import Metric, Metrics, PricedMetric
from softglm.model.passes import Passes, StreamedPasses
from softglm.model.passes.prices import approximation_price, evaluation_price
from softglm.model.pilot import pilot_size
from softglm.model.prepared import Prepared
from softglm.model.proof.duality import duality_gap, strong_convexity_gap
from softglm.model.proof.partial import partial_gap
from softglm.model.proof.rounding import gradient_rounding, sharp_rounding
from softglm.model.tangent import Tangent, gap_by_sample
from softglm.once import cached_property
from softglm.sums import LargestMove

# The fit starts in coordinates from all second moments, or from another point with a metric made there, if that costs
# no more than this many evaluations.
_MAX_START = 6.0
# The first step from the null model moves no eta by more than this, in nats: where columns are many, or a row lies far
# out, a Newton step goes to where the information vanishes, and the way back is long.
_LONGEST = 8.0
# Where the null model's own metric moves no eta by more than this, it is as good at the optimum.
_NEAR = 3.0
# A sample of rows is a copy: of no more than this part of the entries, or of so many.
_MOST_COPIED, _ALWAYS_COPIED = 32, 2**19
# How far means may be off, relative to those of the targets, for each nat that is allowed: mixed with others they prove
# a gap that is larger by up to some hundred nats times that.
_SETTLED = 1e-4
# The resolution and the rounding of evaluations, see `GLM`.
_SINGLE, _DOUBLE = (3e-5, 1e-5), (0.0, 1e-13)


@final
class GLM:
    """Minimising the objective of a generalised linear model, for `solver.minimise`; it never changes.

    Parameters
    ----------
    passes : Passes
        Of the objective, in the precision in which it is evaluated here.
    coordinates : KroneckerCoordinates
        Of the null model, or about those.
    assembly : KroneckerCoordinates
        In which Hessians are assembled and factored.
    sampling : Sampling or None
        The chances of the rows to be drawn.
    existence : Existence
        What decides whether there is a minimiser.
    finer : GLM or None, default=None
        The same in double precision, where this is not.
    held : RowsInMemory or None, default=None
        Some that stand for all of the rows, wherever these are: every metric is theirs.

    Attributes
    ----------
    is_proved_by_sample : bool
        Whether the rows that are held are to prove the optimum, without a pass over all of them.
    """

    def __init__(
        self,
        passes: Passes,
        coordinates: KroneckerCoordinates,
        assembly: KroneckerCoordinates,
        *,
        sampling: Sampling | None,
        existence: Existence,
        finer: "GLM | None" = None,
        held: RowsInMemory | None = None,
    ) -> None:
        self.finer, self.coordinates, self.held = finer, coordinates, held
        self._passes, self._existence = passes, existence
        self._metrics = Metrics(passes, assembly, sampling, finer is None, held)
        self.objective: Objective = finer.objective if finer else passes.objective
        self.has_hessian = existence.has_hessian
        # The distance to the optimum, relative to that of the null model, that evaluations tell from rounding; and the
        # differences of f, relative to |f| + 1, that are rounding.
        self.resolution, self.rounding = _SINGLE if finer else _DOUBLE
        self.evaluation_cost = passes.evaluation_price
        self.hessians = self._hessians(held)
        dearest = self.objective.tuning.newton_price * self.evaluation_cost
        self.is_proved_by_sample = held is not None and existence.fits
        self.takes_newton_steps = bool(self.hessians) and (held is not None or self.hessians[-1].price <= dearest)

    def _hessians(self, held: RowsInMemory | None) -> tuple[PricedMetric, ...]:
        """Return those on offer: of samples, up to that of all rows; or that of the sample that is held."""
        metrics, price = self._metrics, self._passes.hessian_price
        if held is None:
            counts = _sizes(self.objective) if self.has_hessian else []
            return tuple(PricedMetric(price(count), partial(metrics.hessian, count)) for count in counts)
        if self._existence.fits:
            return (PricedMetric(price(held.n_rows), partial(metrics.hessian, held.n_rows)),)
        return (PricedMetric(0.0, metrics.products),)  # products are paid as they are made

    @classmethod
    def starting_at_null(cls, prepared: Prepared, passes: Passes) -> Self:
        """Return the problem in coordinates of the null model, as good as pays, for passes that were prepared.

        Raises
        ------
        FloatingPointError
            If the squares of X overflow.
        """
        rounded = prepared.rounded_passes(passes.objective.penalty)
        coordinates, assembly = _null_coordinates(prepared, passes)
        existence = Existence(passes, coordinates)
        make = partial(cls, coordinates=coordinates, assembly=assembly, sampling=prepared.sampling, existence=existence)
        problem = make(passes)
        return make(rounded, finer=problem) if rounded else problem

    @classmethod
    def beside_sample(cls, prepared: Prepared, passes: Passes) -> Self:
        """Return the problem with the metrics of a sample that is held, in coordinates that it tells.

        Raises
        ------
        FloatingPointError
            If the squares of X overflow.
        """
        held, objective = prepared.drawn.sample(prepared.tuning), passes.objective
        if objective.is_penalised:
            moments, total = held.sum(second_moments(objective, is_full=False))
            information = prepared.null.information
            coordinates, _ = quick_coordinates(objective, information, moments / total, is_sampled=True)
        else:
            coordinates = _exact_coordinates(prepared, objective)
        return cls(passes, coordinates, coordinates, sampling=None, existence=Existence(passes, coordinates), held=held)

    def beside(self, held: RowsInMemory) -> "GLM":
        """Return the problem with the metrics of another sample."""
        coordinates = self.coordinates
        return GLM(self._passes, coordinates, coordinates, sampling=None, existence=self._existence, held=held)

    def tilted(self, point: FloatArray, gradient: FloatArray) -> "GLM":
        """Return the problem of the rows that are held alone, tilted until its gradient is that of all rows there."""
        assert self.held is not None  # noqa: S101 - of a problem beside a sample
        passes, coordinates = StreamedPasses(self.objective.tilted(self.held, 1.0, point, gradient)), self.coordinates
        return GLM(passes, coordinates, coordinates, sampling=None, existence=self._existence, held=self.held)

    @cached_property
    def approximations(self) -> tuple[PricedMetric, PricedMetric]:
        """Of a part of the rows, and of all; Newton's steps need none."""
        passes, working = self._passes, self._passes.objective
        if self._has_class_means:
            best = PricedMetric(class_means_price(working), self._metrics.class_means)
            return best, best
        # What a part of the rows says of the rank is not to be trusted where something is not penalised. (Hessians are
        # made in coordinates that all rows have told.)
        n_rows = pilot_size(working) if working.is_penalised else working.rows.n_rows

        def offer(count: int) -> PricedMetric:
            return PricedMetric(passes.approximation_price(count), partial(self._metrics.approximation, count))

        return offer(n_rows), offer(working.rows.n_rows)

    @property
    def is_unique(self) -> bool:
        """Whether the optimum is: false where columns are collinear and nothing tells them apart."""
        has_full_rank = len(self.coordinates.scales) == self.objective.shape[0] and bool(self.coordinates.scales.all())
        return has_full_rank or self.objective.is_penalised

    def beginning_at(
        self,
        null: Null,
        point: FloatArray,
        value: float,
        gradient: FloatArray,
        *,
        known: FactoredMetric | None = None,
    ) -> tuple["GLM", Metric]:
        """Return the problem and the metric to begin with: beside an optimum, single precision would lead away.

        Parameters
        ----------
        null : Null
        point, value, gradient
            Where to begin, and f there.
        known : FactoredMetric or None, default=None
            A Hessian of a problem nearby.
        """
        if point is null.parameters:
            return self, self._null_hessian(null) if self.takes_newton_steps else self._null_metric(gradient)
        whitened = self.coordinates.pull_back(gradient)
        is_beside = float(whitened @ whitened) / 2.0 <= self.resolution**2 * (null.value - value)
        problem = (self.finer if is_beside else None) or self
        return problem, problem.metric_at(point, known)

    def metric_at(self, point: FloatArray, known: FactoredMetric | None = None) -> Metric:
        """Return a metric made at a point, as good as pays, or a Hessian that is known."""
        offers = self.hessians[-1:] if known else (*self.hessians[-1:], self.approximations[0])
        for offer in offers:
            if offer.price <= _MAX_START * self.evaluation_cost:
                return offer.make(point)
        return known or self._first_metric

    def hessian_at(self, point: FloatArray) -> HessianMetric:
        """Return the metric of all rows at a point, where the problem `has_hessian`."""
        return self._metrics.hessian(self.objective.rows.n_rows, point)

    def _null_hessian(self, null: Null) -> Metric:
        """Return the Hessian at the null model, where it is a Kronecker product (with an offset nearly so)."""
        if not self.objective.is_penalised:
            return KroneckerMetric(self.coordinates)
        moments = self._passes.second_moments
        if moments is None or self.objective.rows.has_offset:
            return self.hessians[-1].make(null.parameters)
        matrix = null_hessian(self.objective, null.information, moments, self.coordinates)
        return HessianMetric(self._passes, matrix, self.coordinates, self.objective.rows)

    def _null_metric(self, gradient: FloatArray) -> KroneckerMetric | ClassMeansMetric:
        """Return the metric to begin with; scaled, where the first step along this gradient would be too long."""
        metric: KroneckerMetric | ClassMeansMetric = KroneckerMetric(self.coordinates)
        longest = self._longest_move(metric, gradient)
        if self._has_class_means and not longest <= _NEAR:
            metric = self._first_metric
            longest = self._longest_move(metric, gradient)
        return metric.shortened(_LONGEST / longest) if _LONGEST < longest < np.inf else metric

    def _longest_move(self, metric: Metric, gradient: FloatArray) -> float:
        """Return by how much a step moves the eta of a row, at most, as far as a part of the rows tells."""
        working = self._passes.objective
        move = LargestMove(*working.rounded(metric.solve(gradient)))
        return float(self._metrics.sample(pilot_size(working)).max(move)[0].max())

    @cached_property
    def _has_class_means(self) -> bool:
        return not self.hessians and tells_class_means(self._passes.objective)

    @cached_property
    def _first_metric(self) -> KroneckerMetric | ClassMeansMetric:
        """The metric of the null model, or where there are no Hessians the one that labels tell."""
        working = self._passes.objective
        if not self._has_class_means:
            return KroneckerMetric(self.coordinates)
        moments, total = working.rows.sum(second_moments(working))
        return ClassMeansMetric.of(ClassMeans.of_labels(working, moments / total), working.penalty.curvature)

    def evaluate(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Return f and its gradient, shape (m, q)."""
        return self._passes.evaluate(point)

    def evaluate_with_hessian(self, point: FloatArray) -> tuple[float, FloatArray, Callable[[], HessianMetric]]:
        """Return f, its gradient, and a function that returns the exact Hessian, all in one pass."""
        metrics, rows = self._metrics, self._passes.objective.rows
        value, gradient, matrix = self._passes.evaluate_with_hessian(point, metrics.coordinates)
        return value, gradient, lambda: metrics.of_matrix(matrix(), rows)

    def gradient_rounding(self, point: FloatArray, gradient: FloatArray, *, is_sharp: bool = False) -> FloatArray:
        """Bound what each entry of the gradient is off by, shape (m, q)."""
        is_centred = self._passes.is_centred
        if is_sharp:
            return sharp_rounding(self.objective, point, is_centred=is_centred).bound
        return gradient_rounding(self.objective, point, gradient, is_centred=is_centred)

    def gap_by_gradient(self, point: FloatArray, value: float, gradient: FloatArray) -> float:
        """Bound the gap by duality."""
        if not self._is_dual:
            return float("inf")
        return duality_gap(self.objective, point, value, gradient, self.gradient_rounding(point, gradient))

    def gap_at_partial_minimiser(self, gradient: FloatArray) -> float:
        """Estimate the bound by the strong convexity of the penalty, where the intercepts are the best."""
        return strong_convexity_gap(self.objective, gradient) if self._is_dual else float("inf")

    def gap_by_partial_minimiser(self, point: FloatArray, value: float, gradient: FloatArray, allowed: float) -> float:
        """Bound the gap by the strong convexity of the penalty, where the intercepts are the best to rounding."""
        if not (self._is_dual and strong_convexity_gap(self.objective, gradient) <= allowed):
            return float("inf")
        objective, rounding = self.objective, self.gradient_rounding(point, gradient)
        is_settled = not objective.family.has_many_classes
        if is_settled:
            quick = partial_gap(objective, point, gradient, rounding)
        else:
            quick = duality_gap(objective, point, value, gradient, rounding)
        if quick <= allowed:
            return quick
        sharp = sharp_rounding(objective, point, is_centred=self._passes.is_centred)
        if is_settled:
            return min(quick, partial_gap(objective, point, gradient, *sharp))
        return min(quick, duality_gap(objective, point, value, gradient, sharp.bound))

    def gap_by_sample(self, point: FloatArray, gradient: FloatArray, allowed: float) -> float:
        """Bound the gap by the rows that are held, whose Hessians are small enough."""
        if self.held is None or not self.is_proved_by_sample:
            return float("inf")
        rounding = partial(self.gradient_rounding, point, gradient)
        here = Tangent(point, gradient, rounding(), partial(rounding, is_sharp=True))
        return gap_by_sample(self.objective, self.held, self.coordinates, here, allowed=allowed)

    @property
    def _is_dual(self) -> bool:
        return self.objective.tuning.is_dual and self.objective.is_penalised

    def partial_minimiser(self, point: FloatArray, allowed: float) -> FloatArray | None:
        """Return the point with the best intercepts for its coefficients; None where they are not exact.

        Where classes are many, to rounding would be dear, and duality allows for what is left.
        """
        if self.is_proved_by_sample:
            return None  # it takes several, and another evaluation makes a Hessian prove as much
        if not self.objective.fit_intercept:
            return point
        enough = _SETTLED * allowed if self.objective.family.has_many_classes else 0.0
        settled, is_exact = solve_intercept(self.objective, point, enough=enough)
        return settled if is_exact else None

    def has_no_minimiser(self, point: FloatArray, *, thorough: bool) -> bool | None:
        """Tell whether nothing is penalised and the data are separated; None if that is not known."""
        return self._existence.has_no_minimiser(point, thorough=thorough)


def _null_coordinates(prepared: Prepared, passes: Passes) -> tuple[KroneckerCoordinates, KroneckerCoordinates]:
    """Return coordinates of the null model, and those in which Hessians are assembled."""
    objective, information = passes.objective, prepared.null.information
    # In simple coordinates, if the first metric is a Hessian anyway.
    dearest = objective.tuning.newton_price * passes.evaluation_price
    is_cheap = passes.hessian_price(objective.rows.n_rows) <= dearest
    if prepared.held and is_cheap and objective.is_penalised:
        simple = scaled_coordinates(objective, information, prepared.held.second_moments.diagonal())
        return simple, simple
    if not objective.is_penalised:
        exact = _exact_coordinates(prepared, objective)
        prepared.choose_chances(exact)
        return exact, exact
    working = prepared.working.with_penalty(objective.penalty)
    is_full = approximation_price(working, pilot_size(working)) <= _MAX_START * evaluation_price(working)

    def quick() -> tuple[KroneckerCoordinates, KroneckerCoordinates]:
        is_sampled = prepared.pilot is not working.rows
        moments = prepared.pilot_moments(is_full=is_full)
        return quick_coordinates(working, information, moments, is_sampled=is_sampled)

    coordinates = quick()
    return quick() if prepared.choose_chances(coordinates[0]) else coordinates


def _exact_coordinates(prepared: Prepared, objective: Objective) -> KroneckerCoordinates:
    """Return coordinates of the null model that all rows have told: of what is not penalised they tell the rank."""
    moments = prepared.null_moments(is_full=is_decomposed(objective))
    return null_coordinates(objective, prepared.null.information, moments)


def _sizes(objective: Objective) -> list[int]:
    """Return the numbers of rows from which Hessians are made, up to all of them."""
    rows, count, sizes = objective.rows, pilot_size(objective), []
    copied = max(rows.n_entries // _MOST_COPIED, _ALWAYS_COPIED)
    while 2 * count <= rows.n_rows and count * rows.n_entries <= copied * rows.n_rows:
        sizes.append(count)
        count *= 2
    return [*sizes, rows.n_rows]
