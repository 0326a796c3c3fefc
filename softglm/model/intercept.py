"""The best intercepts for given coefficients: a small Newton iteration, which tells whether it is exact to rounding.

Where classes are many, each step is that of conjugate gradients, and no matrix of their size is formed.

With the coefficients at 0 this is the null model, where every fit starts; at the end of a fit exact intercepts make the
duality gap that of strong convexity, where it is too large with others.
"""

from typing import NamedTuple

import numpy as np

from softglm.arrays import FloatArray
from softglm.model.objective import Objective
from softglm.sums import InterceptEvaluation, InterceptProduct

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
# Where classes are many, Newton's equations are solved until so little of the gradient is left, or so much at first,
# by no more products with the information than this.
_SOLVED, _ROUGHLY, _MAX_PRODUCTS = 1e-7, 0.1, 500
# What is divided by it can be squared.
_LEAST_DIAGONAL = 1e-100


class Null(NamedTuple):
    """The null model: parameters (m, q) with every coefficient 0, f there, and the information of a row, (q, q).

    Where classes are many, that is d, (q,), of diag(d) - d d' / sum(d). And the gradient there, (m, q), where it takes
    no pass over the rows.
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
    information = family.mean(eta) if family.has_many_classes else family.fisher_information(eta)
    return Null(parameters, value, information[..., 0], gradient)


def solve_intercept(objective: Objective, parameters: FloatArray, *, enough: float = 0.0) -> tuple[FloatArray, bool]:
    """Return the parameters, shape (m, q), with the intercepts that minimise f, and whether they do so closely enough.

    Parameters
    ----------
    objective : Objective
    parameters : array of shape (m, q)
    enough : float, default=0
        How far means may be off, relative to those of the targets; if no farther than rounding, that.
    """
    family = objective.family
    enough = max(_EXACT, enough)
    basis = np.empty(0) if family.has_many_classes else family.identifiable_directions
    value, gradient, information = _intercept_pass(objective, parameters)
    longest = _LONGEST
    rounding = enough * np.abs(objective.moments.mean_target)
    for _ in range(_MAX_STEPS):
        if (np.abs(gradient) <= rounding).all():
            return parameters, True
        if family.has_many_classes:
            step, is_solved = _step_by_products(
                objective, parameters, gradient, information, longest=longest, enough=enough
            )
        else:
            step, is_solved = _newton_step(basis.T @ gradient, basis.T @ information @ basis, basis, longest), True
        longest *= 2.0
        slope = gradient @ step
        if is_solved and not slope < -_NEARLY and np.abs(step).max() <= _SHORT:
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
    return _shortened(basis @ vectors @ (-(gradient @ vectors) / np.maximum(spectrum, _LEAST_INFORMATION)), longest)


def _step_by_products(
    objective: Objective,
    parameters: FloatArray,
    gradient: FloatArray,
    diagonal: FloatArray,
    *,
    longest: float,
    enough: float,
) -> tuple[FloatArray, bool]:
    """Return the Newton step, shape (q,), by conjugate gradients, and whether its equations are solved.

    Each product with the information is a pass; its diagonal, shape (q,), scales the classes. Everything is kept at the
    sum zero, where the information is definite.
    """
    coef, intercept = objective.uncentred(parameters)
    step, residual = np.zeros_like(gradient), _centred(-gradient)
    diagonal = np.maximum(diagonal, _LEAST_DIAGONAL)
    scaled = _centred(residual / diagonal)
    direction, length = scaled, float(residual @ scaled)
    # Far from the optimum the digits of a step are not worth their price, nor are more than what is asked.
    worst = float((np.abs(gradient) / np.maximum(objective.moments.mean_target, _LEAST_DIAGONAL)).max())
    left = min(_ROUGHLY, max(np.sqrt(length), enough / (2.0 * worst)))
    least = length * max(_SOLVED, left) ** 2
    for _ in range(_MAX_PRODUCTS):
        if not length > least:
            break
        (totals,) = objective.rows.sum(InterceptProduct(objective.family, coef, intercept, direction))
        product = _centred(totals / objective.moments.total_weight)
        curvature = float(direction @ product)
        if not 0.0 < curvature < np.inf:  # it vanishes to rounding: any step downhill will do
            return _shortened(step if step.any() else direction, longest), False
        step += length / curvature * direction
        residual -= length / curvature * product
        scaled = _centred(residual / diagonal)
        previous, length = length, float(residual @ scaled)
        direction = scaled + length / previous * direction
    return _shortened(step, longest), length <= least


def _shortened(step: FloatArray, longest: float) -> FloatArray:
    return np.asarray(step * min(1.0, longest / max(np.abs(step).max(initial=0.0), _LEAST_INFORMATION)))


def _centred(values: FloatArray) -> FloatArray:
    return np.asarray(values - values.mean())


def _intercept_pass(objective: Objective, parameters: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return f, its gradient in the intercepts, shape (q,), and their information, shape (q, q).

    Where classes are many, only its diagonal, shape (q,).
    """
    coef, intercept = objective.uncentred(parameters)
    moments = objective.moments
    value, mean, information = objective.rows.sum(InterceptEvaluation(objective.family, coef, intercept))
    return (
        objective.assembled_value(float(value[0]), parameters),
        mean / moments.total_weight - moments.mean_target,
        information / moments.total_weight,
    )
