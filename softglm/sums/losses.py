"""What several fits lose on the same rows, all of them in one pass."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.families import UnconstrainedFamily
from softglm.sums.sum import Sum

# What is computed at once, q numbers for each row and fit, stays in the processor's cache.
_CACHED = 2**16


@final
@dataclass(frozen=True)
class Losses(Sum):
    """sum_i w_i (A(eta_i) - <t_i, eta_i>) of each of k fits, shape (k,).

    Attributes
    ----------
    family : UnconstrainedFamily
    coefs, intercepts : arrays of shape (k, p, q) and (k, q)
        Of the fits.
    """

    family: UnconstrainedFamily
    coefs: FloatArray
    intercepts: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        k, p, q = self.coefs.shape
        targets = block.targets_matrix(q)
        losses = np.empty(k)
        step = max(_CACHED // max(targets.size, 1), 1)
        for first in range(0, k, step):
            part = slice(first, first + step)
            coef = self.coefs[part].transpose(1, 2, 0).reshape(p, -1)
            eta = block.times(coef).reshape(q, -1, len(block))
            eta += self.intercepts[part].T[:, :, np.newaxis]
            if block.offset is not None:
                eta += block.offset.T[:, np.newaxis]
            explained = np.einsum("qn,qkn->kn", targets, eta)
            normalizer, _ = self.family.normalizer_and_mean(eta)
            losses[part] = block.weighted(normalizer - explained).sum(axis=1)
        return (losses,)
