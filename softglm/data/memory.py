"""Rows held in this process's memory, or mapped into it."""

from collections.abc import Iterator
from typing import Any, final

import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray, IntArray, Matrix
from softglm.data.block import Block, make_block
from softglm.data.rows import Rows, Statistic

# Blocks of 1024 to 2048 rows measured best; below that Python's share grows, above it eta leaves the cache.
_ROWS = 2048
# Adding up the (p, q) statistics of the blocks must stay cheap beside computing them.
_ENTRIES_PER_FEATURE = 8
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
        self.n_rows, self.n_features = X.shape
        self.n_entries = int(X.nnz if _is_sparse(X) else X.size)
        self.has_offset, self.is_sparse = offset is not None, _is_sparse(X)
        self._blocks: list[Block] = []
        if not _is_sparse(X) and not X.flags.aligned:
            X = X.copy()  # products of misaligned memory are 1.8 times slower, every time
        step = self._rows_per_block(X)
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

    def map(self, statistic: Statistic) -> Iterator[tuple[npt.NDArray[Any], ...]]:
        return map(statistic, self._blocks)

    def _rows_per_block(self, X: Matrix) -> int:
        entries_per_row = X.nnz / max(self.n_rows, 1) if _is_sparse(X) else self.n_features
        enough = _ENTRIES_PER_FEATURE * self.n_features / max(entries_per_row, 1.0)
        rows = int(max(_ROWS, enough))
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
