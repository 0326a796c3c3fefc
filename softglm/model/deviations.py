"""The standard deviations of the columns: the units of a penalty on standardised ones."""

import math

import numpy as np

from softglm.arrays import FloatArray
from softglm.model.objective import Objective
from softglm.sums import CONSTANT, Spread, WeightedTotals


def standard_deviations(likelihood: Objective) -> FloatArray:
    """Return the root of sum w (x - mean)^2 / W of each column, shape (p,); 1 of those that are constant.

    About the mean also without an intercept, and about it in a pass of its own: the difference of the mean square and
    the squared mean would lose the digits of columns that are far from 0.

    Parameters
    ----------
    likelihood : Objective
        Whose rows, and their weights, it is.
    """
    rows, center = likelihood.rows, likelihood.moments.center
    if not likelihood.fit_intercept:
        total, sums = rows.sum(WeightedTotals())
        center = sums / total
    weight, squares = rows.sum(Spread(center))
    deviations = np.sqrt(np.maximum(squares, 0.0) / weight)
    means = center if rows.origin is None else center + rows.origin
    # Of sparse columns the zeros are not visited, and the squares are a difference after all.
    least = math.sqrt(CONSTANT) if rows.is_sparse else CONSTANT
    return np.where(deviations > least * np.abs(means), deviations, 1.0)
