"""What several moves of theta do to the rows, all of them in one pass."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.families import UnconstrainedFamily
from softglm.sums.predictor import Predictor
from softglm.sums.sum import Sum

# What is computed at once, q numbers for each row and move, stays in the processor's cache.
_CACHED = 2**16


@final
@dataclass(frozen=True)
class Moves(Sum):
    """How far each of k moves of theta takes each row, and what it changes the sum of their means by.

    Attributes
    ----------
    family : UnconstrainedFamily
    predictor : Predictor
        Where they begin.
    slopes, constants : arrays of shape (k, p, q) and (k, q)
        Of the moves: slopes' x + constant.
    """

    family: UnconstrainedFamily
    predictor: Predictor
    slopes: FloatArray
    constants: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return sums over the rows of the block, and distances of each.

        Returns
        -------
        cross : array of shape (k, p, q)
            sum_i w_i x_i (mu_i - mu0_i)'.
        sums : array of shape (k, q)
            sum_i w_i (mu_i - mu0_i).
        distances : array of shape (k, rows)
            The largest difference of two moves of eta; of a single natural parameter, its size; 0 of rows without
            weight.
        """
        eta = self.predictor.of(block)
        mean = self.family.mean(eta)
        k, p, q = self.slopes.shape
        cross, sums, distances = np.empty((k, p, q)), np.empty((k, q)), np.empty((k, len(block)))
        step = max(_CACHED // max(eta.size, 1), 1)
        for first in range(0, k, step):
            part = slice(first, first + step)
            coef = self.slopes[part].transpose(1, 2, 0)
            there = block.times(coef.reshape(p, -1)).reshape(q, -1, len(block))
            there += self.constants[part].T[:, :, np.newaxis]
            distances[part] = np.abs(there[0]) if q == 1 else there.max(axis=0) - there.min(axis=0)
            there += eta[:, np.newaxis]
            _, changed = self.family.normalizer_and_mean(there)
            changed -= mean[:, np.newaxis]
            block.weighted(changed)
            sums[part] = changed.sum(axis=2).T
            cross[part] = block.cross(changed.reshape(-1, len(block))).reshape(p, q, -1).transpose(2, 0, 1)
        if block.weights is not None:
            distances[:, block.weights == 0.0] = 0.0
        return cross, sums, distances
