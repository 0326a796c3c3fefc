"""The best intercepts for given coefficients: a small Newton iteration, which tells whether it is exact to rounding.

With the coefficients at 0 this is the null model, where every fit starts; at the end of a fit exact intercepts make the
duality gap that of strong convexity, where it is too large with others.
"""

from typing import NamedTuple

import numpy as np

from softglm.arrays import FloatArray
from softglm.model.objective import Objective
from softglm.sums import InterceptEvaluation

_MAX_STEPS = 200
_MAX_HALVINGS = 30
# The gradient, relative to the mean targets, of intercepts that are exact to rounding.
_EXACT = 8 * np.finfo(np.float64).eps
# The squared Newton decrement, in nats, and the step, in eta, from which one more step is exact: it squares them.
_NEARLY, _SHORT = 1e-16, 1e-3
# Far from the optimum the information vanishes and Newton's step with it explodes: eta moves by no more than this at
# first, twice as much at each next step.
_LONGEST = 4.0
_LEAST_INFORMATION = 1e-200
# Differences of f below this, relative to |f| + 1, are rounding; the slope decides there.
_ROUNDING = 1e-13


class Null(NamedTuple):
    """The null model: parameters (m, q) with every coefficient 0, f there, and the information of a row, (q, q).

    And the gradient there, (m, q), where it takes no pass over the rows.
    """

    parameters: FloatArray
    value: float
    information: FloatArray
    gradient: FloatArray | None = None


def null_model(objective: Objective) -> Null:
    """Fit the model without features: same weights, same offset, same intercepts."""
    family, moments = objective.family, objective.moments
    parameters = np.zeros(objective.shape)
    if objective.fit_intercept:
        parameters[-1] = family.natural_parameter(moments.mean_target[:, np.newaxis])[:, 0]
    if objective.rows.has_offset:
        if objective.fit_intercept:
            parameters[-1] -= moments.mean_offset
            parameters, _ = solve_intercept(objective, parameters)
        value, _, information = _intercept_pass(objective, parameters)
        return Null(parameters, value, information)
    # Every row has the same eta.
    eta = parameters[-1:].T if objective.fit_intercept else np.zeros((objective.shape[1], 1))
    value = float(family.log_normalizer(eta)[0] - eta[:, 0] @ moments.mean_target)
    # With centred rows the means, all alike, cancel, and what is left is linear in theta.
    gradient = np.append(-moments.cross, np.zeros((1, objective.shape[1])), axis=0) if objective.fit_intercept else None
    return Null(parameters, value, family.fisher_information(eta)[..., 0], gradient)


def solve_intercept(objective: Objective, parameters: FloatArray) -> tuple[FloatArray, bool]:
    """Return the parameters, shape (m, q), with the intercepts that minimise f, and whether they do so to rounding."""
    basis = objective.family.identifiable_directions
    value, gradient, information = _intercept_pass(objective, parameters)
    longest = _LONGEST
    rounding = _EXACT * np.abs(objective.moments.mean_target)
    for _ in range(_MAX_STEPS):
        if (np.abs(gradient) <= rounding).all():
            return parameters, True
        step = _newton_step(basis.T @ gradient, basis.T @ information @ basis, basis, longest)
        longest *= 2.0
        slope = gradient @ step
        if not slope < -_NEARLY and np.abs(step).max() <= _SHORT:
            return _moved(parameters, step), True
        for _ in range(_MAX_HALVINGS):
            trial = _moved(parameters, step)
            there = _intercept_pass(objective, trial)
            is_flat = abs(there[0] - value) <= _ROUNDING * (1.0 + abs(value))
            if abs(there[1] @ step) < abs(slope) / 2.0 if is_flat else there[0] < value:
                break
            step = step / 2.0
        else:
            break
        parameters, (value, gradient, information) = trial, there
    return parameters, False


def _moved(parameters: FloatArray, step: FloatArray) -> FloatArray:
    there = parameters.copy()
    there[-1] += step
    return there


def _newton_step(gradient: FloatArray, information: FloatArray, basis: FloatArray, longest: float) -> FloatArray:
    """Return the Newton step of the intercepts, shape (q,), shortened where it goes too far to be trusted."""
    spectrum, vectors = np.linalg.eigh(information)
    step = basis @ vectors @ (-(gradient @ vectors) / np.maximum(spectrum, _LEAST_INFORMATION))
    return np.asarray(step * min(1.0, longest / max(np.abs(step).max(initial=0.0), _LEAST_INFORMATION)))


def _intercept_pass(objective: Objective, parameters: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return f, its gradient in the intercepts, shape (q,), and their information, shape (q, q)."""
    coef, intercept = objective.uncentred(parameters)
    moments = objective.moments
    value, mean, information = objective.rows.sum(InterceptEvaluation(objective.family, coef, intercept))
    return (
        objective.assembled_value(float(value[0]), parameters),
        mean / moments.total_weight - moments.mean_target,
        information / moments.total_weight,
    )
