r"""The best fit under linear constraints R z = r: what likelihood-ratio and score tests and profiles compare with.

Newton's method in the subspace of the constraints. With the curvature H and its Lagrange multipliers,

    step = -H^-1 (g - R' l),   l = (R H^-1 R')^-1 R H^-1 g

keeps R z where it is. From the unconstrained optimum the first step, along H^-1 R', leads to the constrained optimum of
its quadratic model. The factor of H is kept while steps with it contract, also from one fit to the next, and renewed
where they do not: it costs several evaluations. What H has become meanwhile the step of L-BFGS around it learns from
the last steps (Nocedal & Wright 2006, algorithm 7.4), as it does what the information of bias-reduced estimates lacks.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.inference.estimate import Estimate

# Standard errors from the constrained optimum at which a fit ends: the log-likelihood is then exact to half the square
# of it, a score statistic to the root of that.
FOR_LIKELIHOODS, FOR_SCORES = 1e-5, 1e-9
# From here on a step that does not help is rounding, and a shorter one would not help either.
_RESOLVED = 1e-6
# A step with an old curvature that leaves more of the distance than this is the last with it.
_CONTRACTION = 0.3
_MAX_STEPS, _MAX_HALVINGS = 200, 40
# So many steps from there on that do not halve the distance are rounding, too.
_MAX_IDLE = 3
# What is remembered of the last steps.
_MOST_PAIRS = 20
# Of a value, relative to 1 + its size: a decrease that rounding may have made, and an increase that is none.
_ROUNDING, _FLAT = 1e-13, 1e-9
# And where it is flat, the share of the distance that a step may leave.
_CLOSER = 0.9
# What a fit under constraints cannot be above the one without, in nats, but for rounding.
_HIGHER = 1e-5


@final
@dataclass(frozen=True, eq=False)
class ConstrainedFit:
    """An optimum under constraints.

    Attributes
    ----------
    parameters : array of shape (m, q)
    criterion : float
        What is maximised, see `Estimate.criterion`.
    gradient : array of shape (P,)
        Of W f in coordinates: a combination of the constraints.
    multipliers : array of shape (d,)
        By how much the criterion falls per unit of r.
    nearby : Estimate
        Where the last curvature was made, which serves the next fit nearby.
    """

    parameters: FloatArray
    criterion: float
    gradient: FloatArray
    multipliers: FloatArray
    nearby: Estimate


def constrained_fit(
    estimate: Estimate,
    forms: FloatArray,
    shift: FloatArray,
    last: ConstrainedFit | None = None,
    *,
    negligible: float = FOR_SCORES,
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
    negligible : float, default=FOR_SCORES
        The distance from the constrained optimum, in standard errors, that is no longer worth a step.

    Raises
    ------
    ArithmeticError
        If a penalised likelihood has a higher maximum under the constraints than at the estimate.
    """
    there, nearby = (estimate.parameters, estimate) if last is None else (last.parameters, last.nearby)
    metric = _Metric(nearby, forms)
    # To first order the other parameters follow along H^-1 R'.
    here = _evaluated(estimate, there + estimate.coordinates.displacement(metric.response @ shift))
    pairs, is_fresh = _Pairs(), False
    halved, n_since = math.inf, 0
    for _ in range(_MAX_STEPS):
        distance = metric.distance(here.gradient)
        halved, n_since = (distance, 0) if distance <= 0.5 * halved else (halved, n_since + 1)
        if distance <= negligible or (distance <= _RESOLVED and n_since > _MAX_IDLE):
            break
        step = pairs.step(metric, here.gradient)
        taken = _shortened(estimate, here, step, metric, distance)
        if taken is not None:
            previous, (length, here) = here, taken
            pairs.add(length * step, here.gradient - previous.gradient)
            if metric.distance(here.gradient) <= _CONTRACTION * distance:
                continue
        elif distance <= _RESOLVED or (is_fresh and not pairs):
            break
        else:
            pairs = _Pairs()
        if not estimate.is_bias_reduced:
            pairs = _Pairs()  # a new Hessian knows all that they do
        nearby = estimate.at(here.parameters) if here.estimate is None else here.estimate
        metric, is_fresh = _Metric(nearby, forms), True
    if estimate.is_bias_reduced and len(forms) and -here.value > estimate.criterion + _HIGHER:
        raise ArithmeticError(
            "The penalised likelihood has several maxima: under a hypothesis there is one that is higher than that of "
            'the estimates, and no ratio of likelihoods. Use test_terms("wald") and confidence_intervals("wald"), or '
            "leave out features."
        )
    return ConstrainedFit(here.parameters, -here.value, here.gradient, metric.multipliers(here.gradient), nearby)


class _Point(NamedTuple):
    """Parameters, shape (m, q), minus the criterion there, its gradient, (P,), and the estimate, where it was made."""

    parameters: FloatArray
    value: float
    gradient: FloatArray
    estimate: Estimate | None


def _evaluated(estimate: Estimate, parameters: FloatArray) -> _Point:
    if estimate.is_bias_reduced:
        # The penalty takes the information, and with it the next metric is there.
        there = estimate.at(parameters)
        return _Point(parameters, -there.criterion, there.gradient, there)
    total = estimate.total_weight
    value, gradient = estimate.objective.evaluate(parameters)
    return _Point(parameters, total * value, total * estimate.coordinates.pull_back(gradient), None)


def _shortened(
    estimate: Estimate, here: _Point, step: FloatArray, metric: "_Metric", distance: float
) -> tuple[float, _Point] | None:
    """Return the length of the step and the next point, halving it until the value falls; None if it does not."""
    length = 1.0
    for _ in range(_MAX_HALVINGS if distance > _RESOLVED else 1):
        there = _evaluated(estimate, here.parameters + estimate.coordinates.displacement(length * step))
        fall, size = here.value - there.value, 1.0 + abs(there.value)
        # Near the optimum the value is flat to rounding, and the gradient tells alone.
        if fall > _ROUNDING * size or (fall > -_FLAT * size and metric.distance(there.gradient) < _CLOSER * distance):
            return length, there
        length /= 2.0
    return None


class _Metric:
    """H at a point, and the constraints seen through it."""

    def __init__(self, estimate: Estimate, forms: FloatArray) -> None:
        self._estimate, self._forms = estimate, forms
        # dz/dr of the constrained optimum, shape (P, d).
        self.response: FloatArray = estimate.solve(forms.T)
        if len(forms):
            self.response = linalg.solve(forms @ self.response, self.response.T, assume_a="pos").T

    def multipliers(self, gradient: FloatArray) -> FloatArray:
        return np.asarray(self.response.T @ gradient)

    def distance(self, gradient: FloatArray) -> float:
        """How far the constrained optimum is, in standard errors."""
        free = self._free(gradient)
        return math.sqrt(max(float(free @ self._estimate.solve(free)), 0.0))

    def step(self, gradient: FloatArray) -> FloatArray:
        """Return Newton's step, within the constraints."""
        return -self._estimate.solve(self._free(gradient))

    def _free(self, gradient: FloatArray) -> FloatArray:
        """Return what the constraints do not hold, g - R' l: taken out before it is solved for, or it would drown."""
        return np.asarray(gradient - self._forms.T @ self.multipliers(gradient))


class _Pairs:
    """The last steps, and the changes of the gradient along them."""

    def __init__(self) -> None:
        self._pairs: list[tuple[FloatArray, FloatArray]] = []

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def add(self, step: FloatArray, change: FloatArray) -> None:
        """Remember a step, unless the curvature along it is not positive."""
        if step @ change > 0.0:
            self._pairs = [*self._pairs[1 - _MOST_PAIRS :], (step, change)]

    def step(self, metric: _Metric, gradient: FloatArray) -> FloatArray:
        """Return the step of L-BFGS within the constraints, Newton's where nothing is remembered."""
        rest, shares = gradient, []
        for step, change in reversed(self._pairs):
            shares.append(float(step @ rest) / float(step @ change))
            rest = rest - shares[-1] * change
        found = metric.step(rest)
        for (step, change), share in zip(self._pairs, reversed(shares), strict=True):
            found = found - (share + float(change @ found) / float(step @ change)) * step
        return found
