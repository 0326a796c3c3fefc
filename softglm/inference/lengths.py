"""The lengths of rows: of the linear forms that coefficients are, in units that may differ by any power of ten."""

import numpy as np
from scipy import linalg

from softglm.arrays import FloatArray


def row_lengths(matrix: FloatArray) -> FloatArray:
    """Return the Euclidean lengths of the rows of a matrix, shape (k, P), whose squares may overflow; NaN stays."""
    largest = np.abs(matrix).max(axis=1, initial=0.0)
    units = np.where((largest > 0.0) & np.isfinite(largest), largest, 1.0)
    return np.asarray(units * linalg.norm(matrix / units[:, np.newaxis], axis=1, check_finite=False))


def unit_rows(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the rows of a matrix, shape (k, P), over their lengths, and those, (k,): 1 for a row of zeros."""
    lengths = row_lengths(matrix)
    lengths[lengths == 0.0] = 1.0
    return matrix / lengths[:, np.newaxis], lengths
