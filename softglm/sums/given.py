"""What the rows were given with: their weights, offsets and targets, and their features by these weights."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.sums.sum import Sum


@final
@dataclass(frozen=True)
class RowWeights(Sum):
    """w_i of each row, to be joined: ones where none are stored."""

    def __call__(self, block: Block) -> tuple[FloatArray]:
        return (block.row_weights,)


@final
@dataclass(frozen=True)
class Offsets(Sum):
    """o_i of each row, to be joined, shape (q, rows): asked of rows that have some."""

    def __call__(self, block: Block) -> tuple[FloatArray]:
        assert block.offset is not None  # noqa: S101 - asked of rows that have one
        return (np.array(block.offset.T),)


@final
@dataclass(frozen=True)
class Targets(Sum):
    """t_i of each row, to be joined: class codes, shape (rows,), or statistics, (q, rows)."""

    def __call__(self, block: Block) -> tuple[npt.NDArray[Any]]:
        return (np.array(block.targets.T),)


@final
@dataclass(frozen=True)
class WeightedTotals(Sum):
    """sum w, shape (1,), and sum w x, shape (p,)."""

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        ones = block.weighted(np.ones((1, len(block))))
        return ones.sum(axis=1), block.cross(ones)[:, 0]


@final
@dataclass(frozen=True)
class Combinations(Sum):
    """Linear combinations of the features of each row, to be joined, shape (g, rows), and its weight.

    Attributes
    ----------
    coef : array of shape (p, g)
    """

    coef: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        return block.times(self.coef), block.row_weights
