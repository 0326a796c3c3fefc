"""How far the features spread around their means: the unit in which coefficients of different columns compare."""

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.inference.means import weighted_means
from softglm.sums.spread import Spread


def standard_deviations(rows: Rows) -> FloatArray:
    """Return the weighted standard deviations of the features, shape (p,)."""
    weight, squares = rows.sum(Spread(weighted_means(rows)))
    return np.asarray(np.sqrt(squares / weight))


def standard_deviation(number: FloatArray, weights: FloatArray) -> float:
    """Return the weighted standard deviation, of divisor n, of the values of a number, shape (n,)."""
    mean = np.average(number, weights=weights)
    return float(np.sqrt(np.average(np.square(number - mean), weights=weights)))


def quartiles(number: FloatArray, weights: FloatArray) -> tuple[float, float]:
    """Return the least values of a number, (n,), that a quarter, and three quarters, of the rows do not exceed."""
    order = np.argsort(number, kind="stable")
    below = np.cumsum(weights[order])
    low, high = (float(number[order][np.searchsorted(below, share * below[-1])]) for share in (0.25, 0.75))
    return low, high
