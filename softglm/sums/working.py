"""Some columns in units of their own, for where few of them are held."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import Block
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
