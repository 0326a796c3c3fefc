r"""How far from the optimum where the intercepts are the best, to rounding, and every coefficient is penalised.

With f_b the minimum over the intercepts, f - f* is f - f_b, which is what self-concordance says of a problem with no
features, and f_b - f*, at most 1/2 <G, P^-1 G> of the gradient G where the intercepts are exact: as far from that at
hand as the means move on the way there.
"""

import math

import numpy as np

from softglm.arrays import FloatArray
from softglm.model.objective import Objective
from softglm.model.proof.certificate import self_concordant_gap
from softglm.model.proof.duality import slopes_gap
from softglm.sums import InterceptEvaluation

# The way to the minimum is at most so many times lambda, where x is below what proves.
_WAY = 1.4
# Where the curvature has no end, and its mean is far below this.
_MOST = 1e6


def partial_gap(
    objective: Objective,
    parameters: FloatArray,
    gradient: FloatArray,
    rounding: FloatArray,
    moves: FloatArray | None = None,
) -> float:
    """Return the bound on f - f*, in nats per unit of weight; inf where nothing is proved.

    Parameters
    ----------
    objective : Objective
    parameters : array of shape (m, q)
        With the best intercepts.
    gradient : array of shape (m, q)
        That of f there.
    rounding : array of shape (m, q)
        What each entry of it may be off by.
    moves : array of shape (p, q) or None, default=None
        How fast each slope changes with the intercepts, at most; None for what follows from mean squares.
    """
    slopes, residual = objective.split(np.abs(gradient) + rounding)
    if not objective.fit_intercept:
        return slopes_gap(objective, slopes)
    family = objective.family
    if family.has_many_classes:
        return float("inf")  # their information is no small matrix
    _, _, information = objective.rows.sum(InterceptEvaluation(family, *objective.rounded(parameters)))
    basis = family.identifiable_directions
    spectrum, vectors = np.linalg.eigh(basis.T @ information @ basis / objective.moments.total_weight)
    if not spectrum.min() > np.finfo(np.float64).tiny:
        return float("inf")
    root = basis @ vectors / np.sqrt(spectrum)
    whitened = np.abs(root).T @ residual
    decrement = math.sqrt(whitened @ whitened)
    radius = math.sqrt(np.square(family.curvature_directions @ root).sum(axis=1).max())
    way = _WAY * decrement * radius
    if not way < 1.0:
        return float("inf")
    if moves is None:
        # |mean A'' x'| is at most the root of mean A'' times that of mean A'' x^2.
        curvature = math.sqrt(min(family.largest_curvature, _MOST) * float(spectrum.sum()))
        moves = 2.0 * curvature * objective.moments.size[:, np.newaxis]
    # On a way of so many nats A'' changes by its exponential.
    beside = self_concordant_gap(decrement, radius)
    return beside + slopes_gap(objective, slopes + way * math.exp(way) * moves)
