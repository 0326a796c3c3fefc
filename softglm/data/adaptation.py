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
        """Return the block with another X of the same shape, in fresh memory."""

    @property
    def origin(self) -> FloatArray | None:
        """What was taken from the columns, shape (p,), in their new units; None for nothing that matters."""
        return None
