"""Fenchel's inequality at the end of a fit."""

from softglm.arrays import FloatArray
from softglm.model import Objective, SparsePenalty
from softglm.sparse.terms import fenchel_gap


def conjugate_gap(objective: Objective, penalty: SparsePenalty, parameters: FloatArray) -> float:
    """Return about how far F is above its minimum."""
    value, gradient = objective.evaluate(parameters)
    (coef, _), (slopes, _) = objective.split(parameters), objective.split(gradient)
    return fenchel_gap(penalty, coef, slopes, value)
