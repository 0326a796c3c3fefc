r"""How far from the optimum: a proof from f and its gradient alone, where every coefficient is penalised.

Fenchel's dual of f = mean [A(eta) - <t, eta>] + 1/2 <B, P B>, eta = B' x + b + o, has a mean nu_i for each row:

    D(nu) = mean [<o, nu - t> - A*(nu)] - 1/2 <G, P^-1 G>,   G = mean x (nu - t)',   wherever mean nu = mean t,

and nowhere is D above f*. At the fitted means, nu = mu, the difference f - D is that of strong convexity,
1/2 <grad_B f, P^-1 grad_B f>; but they are as far from mean t as the gradient g in the intercepts is from 0. Mixed with
the same nu* in every row they are not:

    nu = (1 - e) mu + e nu*,   nu* = mean t - (1 - e) / e g,

and by the convexity of A* the mixture costs e times a number of order 1. Since nu* has to be a mean, e is about the
largest part of its share that a class lacks in g.
"""

import numpy as np

from softglm.arrays import FloatArray
from softglm.model.objective import Objective

# How far nu* goes towards the end of the mean space, beyond which A* is infinite.
_SHARE = 0.99
# What is summed is rounded by so much, relative to the size of its terms.
_ROUNDING = 16 * np.finfo(np.float64).eps


def strong_convexity_gap(objective: Objective, gradient: FloatArray) -> float:
    """Return the bound on f - f* where the intercepts are the best; inf where some coefficient is not penalised.

    Parameters
    ----------
    objective : Objective
    gradient : array of shape (m, q)
        Of f.
    """
    return slopes_gap(objective, objective.split(gradient)[0])


def slopes_gap(objective: Objective, slopes: FloatArray) -> float:
    """Return 1/2 <G, P^-1 G> of slopes G, shape (p, q); inf where some coefficient is not penalised."""
    if not objective.is_penalised:
        return float("inf")
    strength, _ = objective.split(objective.penalty.curvature[:, np.newaxis])
    return float((slopes * slopes / strength).sum()) / 2.0


def duality_gap(
    objective: Objective, parameters: FloatArray, value: float, gradient: FloatArray, off: FloatArray
) -> float:
    """Return the bound on f - f*, in nats per unit of weight; inf where some coefficient is not penalised.

    What rounding may have taken away is added. inf also where it is more than the bound.

    Parameters
    ----------
    objective : Objective
    parameters : array of shape (m, q)
    value : float
        f there.
    gradient : array of shape (m, q)
        That of f there.
    off : array of shape (m, q)
        What each entry of it may be off by.
    """
    slopes, residual = objective.split(gradient)
    slopes_off, residual_off = objective.split(off)
    with_best = slopes_gap(objective, np.abs(slopes) + slopes_off)
    if not (objective.fit_intercept and with_best < np.inf):
        return with_best
    family, moments = objective.family, objective.moments
    if family.n_identifiable < family.n_parameters:
        # Means have a constant sum, so that residuals have none, but for the rounding of the most frequent class.
        residual = residual.copy()
        residual[most := moments.mean_target.argmax()] = 0.0
        residual[most] = -residual.sum()
    # The residuals are no larger than this, whatever their signs: so far nu* may go.
    largest = np.abs(residual) + residual_off
    steps = _SHARE * min(family.steps_to_boundary(moments.mean_target, sign * largest) for sign in (-1.0, 1.0))
    mixed, there = 1.0 / (1.0 + steps), moments.mean_target - steps * residual
    coef, intercept = objective.split(parameters)
    penalty, pull = objective.penalty.value_and_gradient(parameters)
    # At nu* alone G is -cross: the rows are centred.
    slopes = slopes - mixed * (slopes - objective.split(pull)[0] + moments.cross)
    # What f - D is at nu* alone, once its squares are completed to that of the slopes.
    conjugate = float(family.conjugate(there[:, np.newaxis])[0])
    linear = float(np.vdot(coef, moments.cross))
    terms = value, -penalty, conjugate, linear, moments.offset_term, -float(moments.mean_offset @ there)
    squares = slopes_gap(objective, np.abs(slopes) + slopes_off)
    gap = squares + (1.0 - mixed) * float(intercept @ residual) + mixed * sum(terms)
    # Where residuals are off the bound moves by its slopes: the intercepts, and the natural parameter of nu*.
    highest = np.abs(intercept) + np.abs(family.natural_parameter(there[:, np.newaxis])[:, 0] - moments.mean_offset)
    size = mixed * (sum(map(abs, terms)) + highest.max()) + highest @ largest
    rounding = _ROUNDING * float(size) + float(highest @ residual_off)
    return gap + rounding if gap >= -rounding else float("inf")
