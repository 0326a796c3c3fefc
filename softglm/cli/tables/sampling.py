"""A sample of the rows of a table, in the shares of its classes."""

import numpy as np
import numpy.typing as npt

from softglm.arrays import IntArray

SEED = 0


def stratified(codes: npt.NDArray[np.integer], size: int) -> IntArray:
    """Return which rows are drawn, in order: of each class its share, rounded up or down, and at least one.

    Parameters
    ----------
    codes : int array of shape (n,)
        The classes; those of rows without one are a class too.
    size : int
        How many to draw, at most n.
    """
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]  # class by class, at random within each
    evenly = ((np.arange(size) + rng.random()) * len(codes) / size).astype(np.intp)
    classes, first_of_each = np.unique(codes[order], return_index=True)
    undrawn = ~np.isin(classes, codes[order[evenly]])
    return np.sort(order[np.union1d(evenly, first_of_each[undrawn])])
