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
