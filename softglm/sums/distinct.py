"""The distinct rows of a block: copies of a row ask the same of theta."""

from typing import Self, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block

Keys = npt.NDArray[np.uint64]

# Odd multipliers and a shift that spread the bits of a number over all of its 64 (Steele, Lea & Flood 2014,
# doi:10.1145/2660193.2660195).
_FIRST, _SECOND, _SHIFT = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(31)


@final
class DistinctRows:
    """Rows x - c of a block, each once, with a key of 64 bits by which they are found again in any other block.

    Parameters
    ----------
    centred : array of shape (rows, p)
        x - c.

    Attributes
    ----------
    centred : array of shape (d, p)
        The distinct ones, in the order in which they come first.
    keys : array of shape (d,)
    """

    def __init__(self, centred: FloatArray) -> None:
        keys = _keys(centred)
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        self._group: npt.NDArray[np.intp] | None = None
        # Rows that only share a key remain what they are.
        if len(first) < len(keys) and np.array_equal(centred[first[inverse]], centred):
            order = np.argsort(first)
            self._group = np.argsort(order)[inverse]
            centred, keys = centred[first[order]], keys[first[order]]
        self.centred, self.keys = centred, keys

    @classmethod
    def of(cls, block: Block, center: FloatArray) -> Self:
        """Return those of a block."""
        return cls(block.centred(center))

    def with_any(self, chosen: BoolArray) -> npt.NDArray[np.intp]:
        """Return the numbers of the distinct rows of which some copy is among the chosen rows, shape (rows,)."""
        if self._group is None:
            return np.flatnonzero(chosen)
        return np.flatnonzero(np.bincount(self._group[chosen], minlength=len(self.keys)))


def _keys(rows: FloatArray) -> Keys:
    """Return a number for each row, shape (rows,), the same for the same row: a sum, modulo 2^64, over its entries."""
    # What is added makes 0 of -0.
    entries = _mixed((np.ascontiguousarray(rows) + 0.0).view(np.uint64))
    entries *= _mixed(np.arange(1, rows.shape[1] + 1, dtype=np.uint64)) | np.uint64(1)
    return np.asarray(_mixed(entries).sum(axis=1, dtype=np.uint64))


def _mixed(numbers: Keys) -> Keys:
    """Spread the bits of fresh numbers, in place."""
    for multiplier in (_FIRST, _SECOND):
        numbers ^= numbers >> _SHIFT
        numbers *= multiplier
    numbers ^= numbers >> _SHIFT
    return numbers
