"""Rows in other units and from another origin, block by block: no copy of all of them is kept."""

from collections.abc import Callable, Iterable, Iterator
from typing import final

import numpy as np
from scipy import sparse

from softglm.arrays import FloatArray, Matrix
from softglm.data.block import Block, make_block
from softglm.data.rows import Arrays, Result, Rows, Sampler, Statistic


@final
class RebasedRows(Rows):
    """(x - origin) * units in double precision.

    Parameters
    ----------
    rows : Rows
    origin : array of shape (p,)
        Zeros where the rows are sparse.
    units : array of shape (p,)
        Powers of two, so that nothing is rounded.
    """

    def __init__(self, rows: Rows, origin: FloatArray, units: FloatArray) -> None:
        self._rows, self._origin, self._units = rows, origin, units
        self.n_rows, self.n_features, self.n_entries = rows.n_rows, rows.n_features, rows.n_entries
        self.has_offset, self.is_sparse, self.dtype = rows.has_offset, rows.is_sparse, np.float64
        self.multiplicity, self.origin = rows.multiplicity, origin * units

    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        return self._rows.map(lambda block: statistic(self._rebased(block)))

    def gather(self, statistic: Statistic, reduce: Callable[[Iterable[Arrays]], Result]) -> Iterator[Result]:
        return self._rows.gather(lambda block: statistic(self._rebased(block)), reduce)

    def sampler(self, scores: FloatArray | None = None) -> Sampler:
        draw = self._rows.sampler(scores)

        def sample(count: int) -> Rows:
            part = draw(count)
            return self if part is self._rows else RebasedRows(part, self._origin, self._units)

        return sample

    def _rebased(self, block: Block) -> Block:
        X: Matrix
        if self.is_sparse:
            X = sparse.csr_array(block.X, dtype=np.float64, copy=True)
            X.data *= self._units[X.indices]
        else:
            X = block.centred(self._origin)
            X *= self._units
        return make_block(X, block.targets, block.weights, block.offset)
