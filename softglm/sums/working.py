"""What is summed, or joined, where few of the features have coefficients."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.families import UnconstrainedFamily
from softglm.sums.evaluation import Evaluation
from softglm.sums.sum import Sum


@final
@dataclass(frozen=True)
class ScaledColumns(Sum):
    """(x_j - c_j) u_j of these features, to be joined, shape (k, rows).

    Attributes
    ----------
    features : int array of shape (k,)
    center, units : arrays of shape (k,)
        c and u of them.
    """

    features: npt.NDArray[np.intp]
    center: FloatArray
    units: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray]:
        columns = block.columns(self.features)
        columns -= self.center
        columns *= self.units
        return (np.ascontiguousarray(columns.T),)


@final
@dataclass(frozen=True)
class SupportedEvaluation(Sum):
    """What `Evaluation` sums, over all features, where only few have coefficients.

    Attributes
    ----------
    family : UnconstrainedFamily
    support : int array of shape (k,)
    coef, intercept : arrays of shape (k, q) and (q,)
        Of the support, and at x = 0.
    """

    family: UnconstrainedFamily
    support: npt.NDArray[np.intp]
    coef: FloatArray
    intercept: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        eta = self.coef.T @ block.columns(self.support).T
        eta += self.intercept[:, np.newaxis]
        if block.offset is not None:
            eta += block.offset.T
        return Evaluation.of_means(block, *self.family.normalizer_and_mean(eta))
