"""The linear predictor of the rows of a block."""

from dataclasses import dataclass
from typing import final

from softglm.arrays import FloatArray
from softglm.data import Block


@final
@dataclass(frozen=True)
class Predictor:
    """eta_i = B' x_i + b + o_i.

    Attributes
    ----------
    coef : array of shape (p, q)
        B.
    intercept : array of shape (q,)
        b, at x = 0.
    """

    coef: FloatArray
    intercept: FloatArray

    def of(self, block: Block) -> FloatArray:
        """Return eta of the rows of a block, shape (q, rows), in memory the caller may overwrite."""
        return block.predictor(self.coef, self.intercept)
