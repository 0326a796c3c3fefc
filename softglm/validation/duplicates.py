"""Sparse matrices that store an entry in several parts."""

from softglm.arrays import Matrix
from softglm.data.block import is_sparse


def each_once(X: Matrix) -> Matrix:
    """Return X with the parts of each entry summed: a copy, or X where each is stored once.

    SciPy allows several parts of an entry in compressed rows, and means their sum; sums of squares would be those of
    the parts.
    """
    if not is_sparse(X) or X.has_canonical_format:
        return X
    summed = X.copy()
    summed.sum_duplicates()
    return summed
