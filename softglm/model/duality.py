r"""How far from the optimum: a proof from f and its gradient alone, where every coefficient is penalised.

Fenchel's dual of f = mean [A(eta) - <t, eta>] + 1/2 <B, P B>, eta = B' x + b + o, has a mean nu_i for each row:

    D(nu) = mean [<o, nu - t> - A*(nu)] - 1/2 <G, P^-1 G>,   G = mean x (nu - t)',   wherever mean nu = mean t,

and nowhere is D above f*. At the fitted means, nu = mu, the difference f - D is that of strong convexity,
1/2 <grad_B f, P^-1 grad_B f>; but they are as far from mean t as the gradient g in the intercepts is from 0. Mixed with
the same nu* in every row they are not:

    nu = (1 - e) mu + e nu*,   nu* = mean t - (1 - e) / e g,

and by the convexity of A* the mixture costs e times a number of order 1, with e about the size of g relative to the
shares of the classes.
"""

import numpy as np

from softglm.arrays import FloatArray
from softglm.model.objective import Objective

# How far nu* goes towards the end of the mean space, beyond which A* is infinite.
_SHARE = 0.99
# Below the rounding of any mean.
_NOTHING = 1e-30


def least_duality_gap(objective: Objective, gradient: FloatArray) -> float:
    """Return what `duality_gap` would be with the best intercepts; inf where some coefficient is not penalised.

    Parameters
    ----------
    objective : Objective
    gradient : array of shape (m, q)
        Of f.
    """
    slopes, _ = objective.split(gradient)
    return _squared_length(objective, slopes) / 2.0


def duality_gap(objective: Objective, parameters: FloatArray, value: float, gradient: FloatArray) -> float:
    """Return the bound on f - f*, in nats per unit of weight; inf where some coefficient is not penalised.

    Parameters
    ----------
    objective : Objective
    parameters : array of shape (m, q)
    value : float
        f there.
    gradient : array of shape (m, q)
        That of f there.
    """
    least = least_duality_gap(objective, gradient)
    moments, basis = objective.moments, objective.family.identifiable_directions
    slopes, residual = objective.split(gradient)
    residual = basis @ (basis.T @ residual)  # the rest is rounding
    if not (least < np.inf and np.abs(residual).max() > _NOTHING):
        return least
    room = _SHARE * objective.family.room(moments.mean_target, -residual)
    mixed, there = 1.0 / (1.0 + room), moments.mean_target - room * residual
    coef, intercept = objective.split(parameters)
    penalty, pull = objective.penalty.value_and_gradient(parameters)
    # At nu* alone G is -cross: the rows are centred.
    slopes = slopes - mixed * (slopes - objective.split(pull)[0] + moments.cross)
    conjugate = float(objective.family.conjugate(there[:, np.newaxis])[0])
    offset = moments.offset_term - moments.mean_offset @ there
    # What f - D is at nu* alone, once its squares are completed to that of the slopes.
    difference = value - penalty + conjugate + np.vdot(coef, moments.cross) + offset
    return float(_squared_length(objective, slopes) / 2.0 + (1.0 - mixed) * (intercept @ residual) + mixed * difference)


def _squared_length(objective: Objective, slopes: FloatArray) -> float:
    """Return <G, P^-1 G>."""
    strength, _ = objective.split(objective.penalty.curvature[:, np.newaxis])
    return float((slopes * slopes / strength).sum()) if strength.all() else float("inf")
