"""The objective as the solver sees it: what things cost, when a metric is exact, and what can be proved without one."""

from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.model.coordinates import KroneckerCoordinates, kronecker_coordinates, second_moments
from softglm.model.intercept import solve_intercept
from softglm.model.metric import ExactMetric, KroneckerMetric
from softglm.model.objective import Objective
from softglm.model.separation import is_separated, separates

# The exact Hessian is used while its size, and the weights of the d curvature directions of a block, stay below these.
_MAX_PARAMETERS, _MAX_ENTRIES, _ROWS = 4096, 2**26, 2048
# And, where the penalty can prove the optimum too, while it costs no more than this many evaluations.
_MAX_PRICE = 1000.0
# Linear programs decide about separation while all their entries, few of which are ever formed, stay below this.
_MAX_PROGRAM = 10**9
# Nanoseconds measured on one core. Only ratios matter, and those vary little between machines.
_PRODUCT, _EXPONENTIAL, _EVALUATION = 0.12, 2.5, 3e4
_GRAM, _CHOLESKY, _REFRESH = 0.04, 0.01, 1.5e5


@final
class GLM:
    """Minimising the objective of a generalised linear model, for `solver.minimise`.

    Parameters
    ----------
    objective : Objective
    coordinates : KroneckerCoordinates
        Of the null model; the exact Hessian is assembled and factored in them.
    """

    def __init__(self, objective: Objective, coordinates: KroneckerCoordinates) -> None:
        self.objective, self.coordinates = objective, coordinates
        self._is_separated: bool | None = None
        n, (m, q) = objective.rows.n_rows, objective.shape
        r, s = coordinates.scales.shape
        d = objective.family.n_curvature_directions
        self.evaluation_cost = _EVALUATION + q * (_PRODUCT * objective.rows.n_entries + _EXPONENTIAL * n)
        self.refresh_cost = _REFRESH + n * r * (_GRAM * d * r + _PRODUCT * m) + _CHOLESKY * (r * s) ** 3
        self._is_decidable = r * s <= _MAX_PARAMETERS and d * (q + _ROWS) <= _MAX_ENTRIES and n * d * r <= _MAX_PROGRAM
        fits = r * s <= _MAX_PARAMETERS and d * (q + _ROWS) <= _MAX_ENTRIES
        pays = self.refresh_cost <= _MAX_PRICE * self.evaluation_cost or not objective.penalty.curvature.any()
        self.has_hessian = fits and pays

    @property
    def is_unique(self) -> bool:
        """Whether the optimum is: false where columns are collinear and nothing tells them apart."""
        has_full_rank = len(self.coordinates.scales) == self.objective.shape[0] and bool(self.coordinates.scales.all())
        return has_full_rank or bool(self.objective.penalty.curvature.any())

    @property
    def metric(self) -> KroneckerMetric:
        """The metric of the null model."""
        return KroneckerMetric(self.coordinates)

    def evaluate(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Return f and its gradient, shape (m, q)."""
        return self.objective.evaluate(point)

    def refresh(self, point: FloatArray) -> ExactMetric | KroneckerMetric:
        """Return the Hessian at a point where it fits, else its Kronecker approximation there."""
        if self.has_hessian:
            return ExactMetric(self.objective, point, self.coordinates)
        return KroneckerMetric(_coordinates_at(self.objective, point))

    def bound(self, gradient: FloatArray) -> float:
        """Bound the gap by strong convexity: f - f* <= ||grad_B f||^2 / (2 alpha) where the intercepts are optimal."""
        strength, _ = self.objective.split(self.objective.penalty.curvature[:, np.newaxis])
        alpha = strength.min(initial=np.inf)
        if not 0.0 < alpha < np.inf:
            return float("inf")
        slopes, _ = self.objective.split(gradient)
        return float(np.vdot(slopes, slopes) / (2.0 * alpha))

    def settle(self, point: FloatArray) -> FloatArray:
        """Return the point with the best intercepts for its coefficients."""
        return solve_intercept(self.objective, point) if self.objective.fit_intercept else point

    def has_no_minimiser(self, point: FloatArray, *, thorough: bool) -> bool | None:
        """Tell whether nothing is penalised and the data are separated: by the margins here, or by linear programs.

        None if that is not known, or too large to decide.
        """
        if self.objective.penalty.curvature.any():
            return False
        if self._is_separated is None and self._is_decidable and (self.has_hessian or thorough):
            if separates(self.objective, point):
                self._is_separated = True
            elif thorough:
                try:
                    self._is_separated = is_separated(self.objective, self.coordinates)
                except ArithmeticError:
                    self._is_decidable = False
        return self._is_separated


def _coordinates_at(objective: Objective, point: FloatArray) -> KroneckerCoordinates:
    """Return the Kronecker approximation at a point: A'' averaged, and z z' averaged by the trace of A''."""
    coef, intercept = objective.uncentred(point)
    family = objective.family

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        _, mean = family.normalizer_and_mean(block.predictor(coef, intercept))
        information = family.total_information(mean, block.weights)
        traces = block.weighted(family.information_trace(mean))
        return information, second_moments(objective, block, np.maximum(traces, 0.0))

    information, moments = objective.rows.sum(statistic)
    moments /= information.trace()
    information /= objective.moments.total_weight
    return kronecker_coordinates(moments, information, objective.penalty.curvature, family.identifiable_directions)
