"""Rows held in this process's memory, or mapped into it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray, IntArray, Matrix
from softglm.data.adaptation import Adaptation
from softglm.data.block import Block, is_sparse, make_block
from softglm.data.cutting import parts_of, rows_per_block
from softglm.data.mapped import reading_price
from softglm.data.rows import Arrays, Result, Rows, Sampling, Statistic
from softglm.data.sampling import PoissonSampling, beside_drawn
from softglm.data.threads import in_threads, renew_one_blas_thread
from softglm.tuning import DEFAULT, Tuning

# The last sample is kept if it has no more entries.
_KEPT_ENTRIES = 2**19
# Passes over so many entries take so long that a look at the threads of BLAS costs nothing beside them.
_NOT_SHORT = 2**17


@final
class RowsInMemory(Rows):
    """Rows of a dense array (C or Fortran order, any real dtype) or a CSR matrix, as views.

    Parameters
    ----------
    X : array or CSR matrix of shape (n, p)
    targets : array of shape (n,) or (n, q)
        Class codes (int32), or sufficient statistics.
    weights : array of shape (n,) or None, default=None
    offset : array of shape (n, q) or None, default=None
    tuning : Tuning, optional
        What decides about the sizes of blocks, and about threads.

    Attributes
    ----------
    parts : tuple
        X, targets, weights and offset, as they were given.
    """

    can_be_sampled = can_be_held = can_be_changed = True

    def __init__(
        self,
        X: Matrix,
        targets: FloatArray | IntArray,
        weights: FloatArray | None = None,
        offset: FloatArray | None = None,
        *,
        tuning: Tuning = DEFAULT,
    ) -> None:
        self.parts, self._tuning = (X, targets, weights, offset), tuning
        # The latest sample, with what it was asked for by.
        self._latest: tuple[int, Sampling, Rows] | None = None
        self.n_rows, self.n_features = X.shape
        self.n_entries = int(X.nnz if is_sparse(X) else X.size)
        self.has_offset, self.is_sparse, self.dtype = offset is not None, is_sparse(X), X.dtype
        self.can_be_rounded, self.pass_price = not self.is_sparse, reading_price(X)
        self._blocks: list[Block] = []
        if not is_sparse(X) and not X.flags.aligned:
            X = X.copy()  # products of misaligned memory are 1.8 times slower, every time
        step = rows_per_block(X.shape, self.n_entries, targets, X.dtype, tuning, is_sparse=self.is_sparse)
        for start in range(0, self.n_rows, step):
            rows = slice(start, min(start + step, self.n_rows))
            self._blocks.append(
                make_block(
                    _row_slice(X, rows),
                    targets[rows],
                    None if weights is None else weights[rows],
                    None if offset is None else offset[rows],
                )
            )

    @property
    def longest_sum(self) -> int:
        return len(self._blocks[0]) + len(self._blocks) if self._blocks else 0

    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        return map(statistic, self._blocks)

    def gather(self, statistic: Statistic, reduce: Callable[[Iterable[Arrays]], Result]) -> Iterator[Result]:
        if self.n_entries >= _NOT_SHORT:
            renew_one_blas_thread()
        if self.n_entries < self._tuning.long_pass:
            return iter([reduce(map(statistic, self._blocks))])
        parts = [self._blocks[part] for part in parts_of(len(self._blocks), self._tuning)]
        return in_threads(lambda blocks: reduce(map(statistic, blocks)), parts)

    def combined(self, statistic: Statistic, combine: np.ufunc) -> Arrays:
        # Most fits are of one block, and small: there the way through parts and sums is a tenth of an evaluation.
        return statistic(self._blocks[0]) if len(self._blocks) == 1 else super().combined(statistic, combine)

    def sampling(self, score: Statistic | None = None) -> PoissonSampling:
        scores = None if score is None else self.concatenate(score)[0]
        return PoissonSampling(self.n_rows, self.parts[2], scores)

    def sample(self, count: int, sampling: Sampling | None) -> Rows:
        if 2 * count > self.n_rows or not isinstance(sampling, PoissonSampling):
            return self
        latest = self._latest
        if latest is not None and latest[:2] == (count, sampling):
            return latest[2]
        self._latest = None
        chosen, multiplicities = sampling.draw(count)
        if not len(chosen):
            return self
        part = self._drawn(chosen, multiplicities)
        if part.n_entries <= _KEPT_ENTRIES:
            self._latest = count, sampling, part
        return part

    def _drawn(self, chosen: npt.NDArray[Any], multiplicities: FloatArray) -> "RowsInMemory":
        """Return copies of the chosen rows, which stand for so many each."""
        X, targets, weights, offset = self.parts
        drawn = X[chosen] if is_sparse(X) or not X.flags.c_contiguous else X.take(chosen, axis=0)
        part = RowsInMemory(
            drawn, *beside_drawn((targets, weights, offset), chosen, multiplicities), tuning=self._tuning
        )
        part.multiplicity = float(multiplicities.max())
        return part

    def rounded_copy(self, adaptation: Adaptation) -> Rows:
        X, targets, weights, offset = self.parts
        adapted = adaptation(make_block(X, targets, weights, offset))
        return RowsInMemory(adapted.X, targets, weights, offset, tuning=self._tuning)

    def changed(
        self,
        *,
        columns: npt.NDArray[np.intp] | None = None,
        offset: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> Rows:
        X, targets, own, known = self.parts
        return RowsInMemory(
            X if columns is None else X[:, columns],
            targets,
            own if weights is None else weights,
            known if offset is None else offset,
            tuning=self._tuning,
        )


def _row_slice(X: Matrix, rows: slice) -> Matrix:
    if not is_sparse(X):
        return X[rows]
    # SciPy's own slicing would copy the entries, and so would its constructor; these are views of them.
    first, last = X.indptr[rows.start], X.indptr[rows.stop]
    block = sparse.csr_array((rows.stop - rows.start, X.shape[1]), dtype=X.dtype)
    block.data, block.indices = X.data[first:last], X.indices[first:last]
    block.indptr = X.indptr[rows.start : rows.stop + 1] - first
    return block
