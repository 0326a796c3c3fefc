"""Another form of the rows."""

from abc import ABC, abstractmethod

import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data.block import Block


class Adaptation(ABC):
    """What is done to every block as it is read: arrays only, so that it can be sent to where the rows are.

    Attributes
    ----------
    dtype : dtype
        That of the entries of X, then.
    """

    dtype: npt.DTypeLike

    @abstractmethod
    def __call__(self, block: Block) -> Block:
        """Return the block with another X, of as many rows, in fresh memory."""

    def n_features(self, before: int) -> int:
        """Return how many columns that X has, of how many before."""
        return before

    @property
    def noise(self) -> FloatArray | None:
        """What its entries may be off by, a root mean square for each column; None where that is their own rounding."""
        return None

    def origin(self, before: FloatArray | None) -> FloatArray | None:
        """Return what is taken from the columns, shape (p,), in their new units; None for nothing that matters.

        Parameters
        ----------
        before : array of shape (p,) or None
            What was taken from them already.
        """
        return before
