"""Rows held in this process's memory, or mapped into it."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray, IntArray, Matrix
from softglm.data.block import Block, make_block
from softglm.data.lottery import Lottery
from softglm.data.rounded import RoundedRows
from softglm.data.rows import Arrays, Result, Rows, Sampler, Statistic
from softglm.data.threads import in_threads

# A block with its eta and mean, so many numbers, should stay in the cache, but with fewer rows Python's share grows; of
# those in single precision there may be more.
_NUMBERS, _SINGLE_NUMBERS, _LEAST_ROWS, _MOST_ROWS = 2**17, 2**19, 1024, 8192
# The last sample is kept if it has no more entries.
_KEPT_ENTRIES = 2**19
# In a sample, a row of weight counts as one of at least this share of the mean weight.
_LEAST_CHANCE = 0.1
# Rows are copied in single precision if they have no more entries, and columns of such spreads that squares are safe.
_COPIED_ENTRIES, _SMALLEST, _LARGEST = 2**20, 1e-10, 1e10
# Relative to its spread, how far from 0 the mean of a column may be that is rounded as it comes.
_NEAR = 8.0
# A column whose distances from its mean are below this, relative to the mean, is constant to rounding.
CONSTANT = 64 * np.finfo(np.float64).eps
# Adding up the (p, q) statistics of the blocks must stay cheap beside computing them; but eta be no larger than those.
_ENTRIES_PER_FEATURE = 32
# Passes over so many entries of X are made in threads, as so many parts; shorter ones measured slower that way.
_LONG_PASS, _PARTS = 2**21, 8
# A block of a sparse matrix may be made dense up to this many entries; with more features than this none ever is.
_MAX_DENSE_ENTRIES, _MAX_DENSE_FEATURES = 2**22, 8192


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
    """

    def __init__(
        self,
        X: Matrix,
        targets: FloatArray | IntArray,
        weights: FloatArray | None = None,
        offset: FloatArray | None = None,
    ) -> None:
        self._parts = X, targets, weights, offset
        self.n_rows, self.n_features = X.shape
        self.n_entries = int(X.nnz if _is_sparse(X) else X.size)
        self.has_offset, self.is_sparse, self.dtype = offset is not None, _is_sparse(X), X.dtype
        self._blocks: list[Block] = []
        if not _is_sparse(X) and not X.flags.aligned:
            X = X.copy()  # products of misaligned memory are 1.8 times slower, every time
        step = self._rows_per_block(X, targets)
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

    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        return map(statistic, self._blocks)

    def changed(self, *, columns: npt.NDArray[np.intp] | None = None, offset: FloatArray | None = None) -> Rows:
        X, targets, weights, known = self._parts
        return RowsInMemory(
            X if columns is None else X[:, columns], targets, weights, known if offset is None else offset
        )

    def gather(self, statistic: Statistic, reduce: Callable[[Iterable[Arrays]], Result]) -> Iterator[Result]:
        if self.n_entries < _LONG_PASS:
            return iter([reduce(map(statistic, self._blocks))])
        ends = [len(self._blocks) * part // _PARTS for part in range(_PARTS + 1)]
        parts = [self._blocks[start:end] for start, end in pairwise(ends) if start < end]
        return in_threads(lambda blocks: reduce(map(statistic, blocks)), parts)

    def _combined(self, statistic: Statistic, combine: np.ufunc) -> Arrays:
        # Most fits are of one block, and small: there the way through parts and sums is a tenth of an evaluation.
        return statistic(self._blocks[0]) if len(self._blocks) == 1 else super()._combined(statistic, combine)

    def sampler(self, scores: FloatArray | None = None) -> Sampler:
        @cache
        def lottery() -> Lottery:
            weights = self._parts[2]
            if weights is None:
                return Lottery(self.n_rows, scores)
            # Nobody is without a chance who counts at all, or would stand for too many.
            relative = np.maximum(weights / weights.mean(), _LEAST_CHANCE * (weights > 0.0)).astype(np.float32)
            return Lottery(self.n_rows, relative if scores is None else scores * relative)

        last: dict[int, Rows] = {}

        def sample(count: int) -> Rows:
            if 2 * count > self.n_rows:
                return self
            if count in last:
                return last[count]
            last.clear()
            X, targets, weights, offset = self._parts
            chosen, multiplicities = lottery().draw(count)
            if not len(chosen):
                return self
            part = RowsInMemory(
                X[chosen] if _is_sparse(X) or not X.flags.c_contiguous else X.take(chosen, axis=0),
                targets[chosen],
                multiplicities if weights is None else weights[chosen] * multiplicities,
                None if offset is None else offset[chosen],
            )
            part.multiplicity = float(multiplicities.max())
            if part.n_entries <= _KEPT_ENTRIES:
                last[count] = part
            return part

        return sample

    def in_single_precision(self, center: FloatArray) -> tuple[Rows, FloatArray] | None:
        if self.is_sparse:
            return None
        spread = self._spread(center)
        is_constant = spread <= CONSTANT * np.abs(center)
        if not ((spread > _SMALLEST) & (spread < _LARGEST) | is_constant).all() or self._stays_far(center):
            return None
        if self.n_entries > _COPIED_ENTRIES:
            if self.dtype == np.float32:
                return self, center
            if (np.abs(center) <= _NEAR * spread).all():
                return RoundedRows(self, None, is_constant), center
            return RoundedRows(self, center, is_constant), np.zeros_like(center)
        X, targets, weights, offset = self._parts
        centred = np.empty_like(X, dtype=np.float32)
        np.subtract(X, center, out=centred, dtype=np.float64, casting="same_kind")
        centred[:, is_constant] = 0.0
        return RowsInMemory(centred, targets, weights, offset), np.zeros_like(center)

    def _spread(self, center: FloatArray) -> FloatArray:
        """Return the root mean square distance of the columns of dense X from a center, shape (p,)."""

        def about_zero(block: Block) -> tuple[FloatArray, ...]:
            return (np.einsum("ij,ij->j", block.X, block.X, dtype=np.float64, casting="same_kind"),)

        squares = self.sum(about_zero)[0] / self.n_rows - center**2
        if (center**2 > _NEAR**2 * squares).any():  # what is left is rounding: another pass, twice as long
            squares, *_ = self.sum(lambda block: (block.squares(center, np.ones(len(block))) / self.n_rows,))
        return np.sqrt(squares)

    def _stays_far(self, center: FloatArray) -> bool:
        """Tell whether a column that varies is far from the center, which without an intercept is 0."""
        if center.any():
            return False
        mean = self.sum(lambda block: (block.X.sum(axis=0, dtype=np.float64),))[0] / self.n_rows
        spread, distance = self._spread(mean), np.abs(mean)
        return bool(((distance > _NEAR * spread) & (spread > CONSTANT * distance)).any())

    def _rows_per_block(self, X: Matrix, targets: FloatArray | IntArray) -> int:
        is_coded = targets.ndim == 1 and targets.dtype.kind == "i"
        n_parameters = int(targets.max(initial=0)) + 1 if is_coded else targets[:1].size
        numbers = _SINGLE_NUMBERS if X.dtype == np.float32 else _NUMBERS
        fitting = numbers // (self.n_features + 2 * n_parameters)
        enough = max(_LEAST_ROWS, min(fitting, _MOST_ROWS))
        entries_per_row = X.nnz / max(self.n_rows, 1) if _is_sparse(X) else self.n_features
        rows = max(enough, int(self.n_features * min(_ENTRIES_PER_FEATURE / max(entries_per_row, 1.0), 1.0)))
        if _is_sparse(X) and self.n_features <= _MAX_DENSE_FEATURES:
            # Second moments and Hessians fill in the zeros of one block at a time.
            return min(rows, max(_MAX_DENSE_ENTRIES // max(self.n_features, 1), 1))
        return rows


def _row_slice(X: Matrix, rows: slice) -> Matrix:
    if not _is_sparse(X):
        return X[rows]
    # SciPy's own slicing would copy the entries, and so would its constructor; these are views of them.
    first, last = X.indptr[rows.start], X.indptr[rows.stop]
    block = sparse.csr_array((rows.stop - rows.start, X.shape[1]), dtype=X.dtype)
    block.data, block.indices = X.data[first:last], X.indices[first:last]
    block.indptr = X.indptr[rows.start : rows.stop + 1] - first
    return block


def _is_sparse(X: Matrix) -> bool:
    return bool(sparse.issparse(X))
