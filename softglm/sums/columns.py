"""Rows as columns, for where all of them are held at once."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.sums.sum import Sum


@final
@dataclass(frozen=True)
class CentredColumns(Sum):
    """[x - c; 1], shape (m, rows); the weights, (1, rows); and the offset, (q, rows): (0, rows) where there is none.

    Attributes
    ----------
    center : array of shape (p,)
        c.
    n_constants : int
        How many ones follow: m - p.
    """

    center: FloatArray
    n_constants: int

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        p = len(self.center)
        columns = np.ones((p + self.n_constants, len(block)))
        # Written along the rows, as they lie here: in the order of X it takes twice as long.
        center, features = self.center[:, np.newaxis], columns[:p]
        np.subtract(block.X.T, center, out=features, dtype=np.float64, casting="same_kind")
        nothing = np.empty((0, len(block)))
        return (
            columns,
            nothing if block.weights is None else block.row_weights[np.newaxis],
            nothing if block.offset is None else np.array(block.offset.T),
        )


@final
@dataclass(frozen=True)
class Observations(Sum):
    """x, shape (p, rows); the targets; the weights, (rows,); and the offset, (q, rows), or (0, rows)."""

    def __call__(self, block: Block) -> tuple[npt.NDArray[Any], ...]:
        offset = np.empty((0, len(block))) if block.offset is None else np.array(block.offset.T)
        return block.centred(np.zeros(block.X.shape[1])).T, np.array(block.targets.T), block.row_weights, offset
