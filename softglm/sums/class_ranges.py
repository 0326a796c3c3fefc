"""Where the features of each class lie."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.data.block import dense
from softglm.families import UnconstrainedFamily
from softglm.sums.sum import Sum


@final
@dataclass(frozen=True)
class ClassRanges(Sum):
    """The largest of -x and of x over the rows of any weight in which each class was observed, two of shape (K, p).

    -inf where none was.
    """

    family: UnconstrainedFamily

    def __call__(self, block: Block) -> tuple[FloatArray, FloatArray]:
        observed = self.family.classes_observed(block.targets_matrix(self.family.n_parameters))
        if block.weights is not None:
            observed &= block.weights > 0.0
        lowest = np.full((len(observed), block.X.shape[1]), np.inf)
        highest = -lowest
        for k in np.flatnonzero(observed.any(axis=1)):
            within = block.X[observed[k]]  # of sparse rows the extremes count the zeros that are not stored
            lowest[k], highest[k] = dense(within.min(axis=0)).ravel(), dense(within.max(axis=0)).ravel()
        return -lowest, highest
