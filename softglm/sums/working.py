"""What a fit that holds few of the columns asks of the rows: those columns, and the slopes of the others."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.families import UnconstrainedFamily
from softglm.sums.duals import means_and_v, tilted_mean
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
class StoredEntries(Sum):
    """The entries of sparse rows, to be joined, shape (entries,), their columns, and how many each row has, (rows,)."""

    def __call__(self, block: Block) -> tuple[FloatArray, npt.NDArray[Any], npt.NDArray[Any]]:
        X = sparse.csr_array(block.X)
        return X.data.astype(np.float64), X.indices.copy(), np.diff(X.indptr)


@final
@dataclass(frozen=True)
class TiltedCross(Sum):
    """sum_i w_i x_i mu'_i', shape (p, q), and sum_i w_i mu'_i, (q,), of mu' = mu (1 + u - <mu, u>).

    Attributes
    ----------
    family : UnconstrainedFamily
        Bernoulli or Categorical.
    coef, intercept : arrays of shape (p, q) and (q,)
        Of eta, and so of mu.
    slopes, constant : arrays of shape (p, q) and (q,)
        u_i = slopes' x_i + constant.
    """

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray
    slopes: FloatArray
    constant: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, FloatArray]:
        u = block.times(self.slopes)
        u += self.constant[:, np.newaxis]
        mean, v = means_and_v(self.family, block.predictor(self.coef, self.intercept), u)
        tilted = block.weighted(tilted_mean(self.family, mean, v))
        return block.cross(tilted), tilted.sum(axis=1)
