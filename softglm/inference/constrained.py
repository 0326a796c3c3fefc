r"""The best fit under linear constraints R z = r: what likelihood-ratio and score tests and profiles compare with.

Newton's method in the subspace of the constraints. With the curvature H and its Lagrange multipliers,

    step = -H^-1 (g - R' l),   l = (R H^-1 R')^-1 R H^-1 g

keeps R z where it is. The factor of H is kept while steps with it contract, also from one fit to the next, and renewed
where they do not.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.inference.estimate import Estimate, estimate_at

# Standard errors from the constrained optimum: the log-likelihood is then exact to half the square of it, a score
# statistic to the root of that.
_NEGLIGIBLE_DISTANCE = 1e-10
# From here on a step that does not help is rounding, and a shorter one would not help either.
_RESOLVED = 1e-6
# A step with an old curvature that leaves more of the distance than this is the last with it.
_CONTRACTION = 0.1
_MAX_STEPS, _MAX_HALVINGS = 200, 40
# A decrease of W f that rounding may have made, relative to 1 + |W f|.
_ROUNDING = 1e-13


@final
@dataclass(frozen=True, eq=False)
class ConstrainedFit:
    """An optimum under constraints.

    Attributes
    ----------
    parameters : array of shape (m, q)
    log_likelihood : float
    gradient : array of shape (P,)
        Of W f in coordinates: a combination of the constraints.
    multipliers : array of shape (d,)
        By how much the log-likelihood falls per unit of r.
    nearby : Estimate
        Where the last curvature was made, which serves the next fit nearby.
    """

    parameters: FloatArray
    log_likelihood: float
    gradient: FloatArray
    multipliers: FloatArray
    nearby: Estimate


def constrained_fit(
    estimate: Estimate, forms: FloatArray, shift: FloatArray, last: ConstrainedFit | None = None
) -> ConstrainedFit:
    """Return the best fit with R z = R z_start + shift.

    Parameters
    ----------
    estimate : Estimate
        The unconstrained optimum, without a penalty.
    forms : array of shape (d, P)
        R, in coordinates, of full rank.
    shift : array of shape (d,)
        By how much the forms are to differ from where the start has them.
    last : ConstrainedFit or None, default=None
        Under the same forms, to start from; else from the optimum.
    """
    objective, coordinates = estimate.objective, estimate.coordinates
    there, nearby = (estimate.parameters, estimate) if last is None else (last.parameters, last.nearby)
    metric = _Metric(nearby, forms)
    # To first order the other parameters follow along H^-1 R'.
    point = there + coordinates.displacement(metric.response @ shift)
    total = estimate.total_weight
    value, gradient = objective.evaluate(point)
    pulled = total * coordinates.pull_back(gradient)
    is_fresh = False
    for _ in range(_MAX_STEPS):
        step = metric.step(pulled)
        distance = math.sqrt(max(-float(step @ pulled), 0.0))
        if distance <= _NEGLIGIBLE_DISTANCE:
            break
        taken = _shortened(estimate, point, coordinates.displacement(step), value, metric, distance)
        if taken is not None:
            point, value, pulled, nearer = taken
            if nearer <= _CONTRACTION * distance:
                continue
        elif is_fresh or distance <= _RESOLVED:
            break
        nearby = estimate_at(objective, point, coordinates, is_singular=estimate.is_singular)
        metric, is_fresh = _Metric(nearby, forms), True
    return ConstrainedFit(point, -total * value, pulled, metric.multipliers(pulled), nearby)


def _shortened(  # noqa: PLR0917 - all of where Newton's method stands
    estimate: Estimate, point: FloatArray, step: FloatArray, value: float, metric: "_Metric", distance: float
) -> tuple[FloatArray, float, FloatArray, float] | None:
    """Return the next point, its f, gradient and distance, halving the step until f falls; None if it does not."""
    length = 1.0
    for _ in range(_MAX_HALVINGS if distance > _RESOLVED else 1):
        trial = point + length * step
        there, gradient = estimate.objective.evaluate(trial)
        pulled = estimate.total_weight * estimate.coordinates.pull_back(gradient)
        nearer = math.sqrt(max(-float(metric.step(pulled) @ pulled), 0.0))
        # Near the optimum f is flat to rounding, and the gradient tells alone.
        if value - there > _ROUNDING * (1.0 + abs(value)) or nearer < 0.5 * distance:
            return trial, there, pulled, nearer
        length /= 2.0
    return None


class _Metric:
    """H at a point, and the constraints seen through it."""

    def __init__(self, estimate: Estimate, forms: FloatArray) -> None:
        self._estimate, self._forms = estimate, forms
        self._solved = estimate.solve(forms.T)
        self._between = forms @ self._solved
        # dz/dr of the constrained optimum, shape (P, d).
        self.response: FloatArray = linalg.solve(self._between, self._solved.T, assume_a="pos").T

    def multipliers(self, gradient: FloatArray) -> FloatArray:
        return np.asarray(self.response.T @ gradient)

    def step(self, gradient: FloatArray) -> FloatArray:
        return np.asarray(self._solved @ self.multipliers(gradient) - self._estimate.solve(gradient))
