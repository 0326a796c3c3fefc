"""How far features are from a centre."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.sums.sum import Sum


@final
@dataclass(frozen=True)
class Spread(Sum):
    """The sums of w, shape (1,), and of w (x - c)**2, shape (p,).

    Attributes
    ----------
    center : array of shape (p,)
        c.
    """

    center: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, FloatArray]:
        weights = block.weighted(np.ones(len(block)))
        return weights.sum(keepdims=True), block.squares(self.center, weights)


@final
@dataclass(frozen=True)
class Sizes(Sum):
    """The sums of w |x - c| and of w (x - c)**2, each of shape (p,).

    Attributes
    ----------
    center : array of shape (p,)
        c.
    """

    center: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, FloatArray]:
        distances, weights = np.abs(block.centred(self.center)), block.row_weights
        return weights @ distances, block.squares(self.center, weights)
