"""Rows that are rounded to single precision block by block, each time they are read: no copy of all of them is kept."""

from collections.abc import Callable, Iterable, Iterator
from typing import final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.data.block import Block, make_block
from softglm.data.rows import Arrays, Result, Rows, Sampler, Statistic


@final
class RoundedRows(Rows):
    """Dense rows, about a center or as they are.

    Parameters
    ----------
    rows : Rows
    center : array of shape (p,) or None
        None where it is so near to 0 that rounding loses nothing: that takes half as long.
    is_constant : bool array of shape (p,)
        Which columns are; what the rounding of the center leaves of them is set to 0.
    """

    def __init__(self, rows: Rows, center: FloatArray | None, is_constant: BoolArray) -> None:
        self._rows, self._center, self._is_constant = rows, center, is_constant
        self.n_rows, self.n_features, self.n_entries = rows.n_rows, rows.n_features, rows.n_entries
        self.has_offset, self.is_sparse, self.dtype = rows.has_offset, False, np.float32
        self.multiplicity = rows.multiplicity

    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        return self._rows.map(lambda block: statistic(self._rounded(block)))

    def gather(self, statistic: Statistic, reduce: Callable[[Iterable[Arrays]], Result]) -> Iterator[Result]:
        return self._rows.gather(lambda block: statistic(self._rounded(block)), reduce)

    def sampler(self, scores: FloatArray | None = None) -> Sampler:
        draw = self._rows.sampler(scores)

        def sample(count: int) -> Rows:
            part = draw(count)
            return self if part is self._rows else RoundedRows(part, self._center, self._is_constant)

        return sample

    def _rounded(self, block: Block) -> Block:
        if self._center is None:
            rounded = block.X.astype(np.float32)
        else:
            rounded = block.centred(self._center, out=np.empty_like(block.X, dtype=np.float32))
            rounded[:, self._is_constant] = 0.0
        return make_block(rounded, block.targets, block.weights, block.offset)
