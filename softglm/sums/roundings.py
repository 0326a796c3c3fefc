"""What rounding may do to an evaluation, row by row."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block, make_block
from softglm.families import UnconstrainedFamily
from softglm.sums.sum import Sum


@final
@dataclass(frozen=True)
class GradientRounding(Sum):
    """sum_i w_i |x_i| d_i', shape (p, q), and sum_i w_i d_i, (q,): d_i bounds what mu_i - t_i and its sums are off by.

    And sum_i w_i |x_i| h_i', (p, q), and sum_i w_i h_i, (q,): h_i are the sizes of the rows of A''(eta_i), added up.

    Attributes
    ----------
    family : UnconstrainedFamily
    coef, intercept : arrays of shape (p, q) and (q,)
    center : array of shape (p,) or None
        From which x_i is taken; None for 0.
    largest : float
        The size of what is added to B' x_i.
    of_eta, of_mean, of_sums : float
        Relative errors: of eta, by the sizes of its terms, of mu, and of a sum.
    """

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray
    center: FloatArray | None
    largest: float
    of_eta: float
    of_mean: float
    of_sums: float

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        mean = self.family.mean(block.predictor(self.coef, self.intercept))
        sizes = make_block(
            abs(block.X if self.center is None else block.centred(self.center)),
            block.targets,
            block.weights,
            block.offset,
        )
        terms = sizes.times(np.abs(self.coef).max(axis=1, keepdims=True))[0] + self.largest
        if block.offset is not None:
            terms += np.abs(block.offset).max(axis=1)
        curvature = self.family.curvature_sums(mean)
        off = curvature * (self.of_eta * terms)
        off += self.of_mean * np.abs(mean)
        off += self.of_sums * (np.abs(mean) + np.abs(block.targets_matrix(self.family.n_parameters)))
        off = block.weighted(off)
        curvature = block.weighted(curvature)
        return sizes.cross(off), off.sum(axis=1), sizes.cross(curvature), curvature.sum(axis=1)
