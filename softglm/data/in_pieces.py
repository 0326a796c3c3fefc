"""Rows whose features are read again at every pass, in pieces of any size: from files, or as someone makes them."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray, IntArray, Matrix
from softglm.data.block import Block, make_block
from softglm.data.cutting import parts_of, rows_per_block
from softglm.data.features import Features
from softglm.data.in_memory import RowsInMemory
from softglm.data.rows import Arrays, Result, Rows, Sampling, Statistic
from softglm.data.sampling import PoissonSampling, beside_drawn
from softglm.data.threads import renew_one_blas_thread
from softglm.tuning import DEFAULT, Tuning

# A sample that has to be read is made as large as this, to be the last.
_POOL_ENTRIES = 2**21


@final
class FeaturesInPieces(Features):
    """A matrix that is read in pieces.

    Parameters
    ----------
    read : callable
        Returns an iterator of matrices, dense and row-major or CSR: the same rows in the same order every time, n in
        all, however they are cut.
    shape : tuple of int
    dtype : dtype
    n_entries : int
        How many entries of X are stored.
    is_sparse : bool
    pass_price : float
        See `Rows`.
    place : str
        Where they are, for an error.
    """

    def __init__(
        self,
        read: Callable[[], Iterator[Matrix]],
        shape: tuple[int, int],
        dtype: npt.DTypeLike,
        *,
        n_entries: int,
        is_sparse: bool,
        pass_price: float,
        place: str,
    ) -> None:
        self.read, self.shape, self.dtype = read, shape, np.dtype(dtype)
        self.n_entries, self.is_sparse, self.pass_price, self._place = n_entries, is_sparse, pass_price, place

    @property
    def matrix(self) -> Matrix:
        raise ValueError(
            f"This needs all of X in memory, or as a file that is mapped into it, and X is in {self._place}. Pass "
            "cache=folder to what was passed as X, which makes such a file there; or X as an array."
        )

    def rows(
        self, targets: FloatArray | IntArray, weights: FloatArray | None = None, offset: FloatArray | None = None
    ) -> Rows:
        return RowsInPieces(self, targets, weights, offset)


class _Pool(NamedTuple):
    """The features of rows that were drawn, for smaller samples to be taken from."""

    sampling: PoissonSampling
    size: int
    chosen: npt.NDArray[np.intp]
    X: Matrix


@final
class RowsInPieces(Rows):
    """Rows whose features are in pieces, and what was observed beside them in memory: few numbers for each.

    They are cut into the blocks of `RowsInMemory` and drawn as those are, so that sums are the same to the last bit,
    whatever the pieces. Each pass reads all of them, one after the other; and so does drawing a sample.

    Parameters
    ----------
    features : FeaturesInPieces
    targets : array of shape (n,) or (n, q)
        Class codes (int32), or sufficient statistics.
    weights : array of shape (n,) or None, default=None
    offset : array of shape (n, q) or None, default=None
    columns : int array of shape (k,) or None, default=None
        Of the features, those that these rows have; None for all.
    tuning : Tuning, optional
    """

    can_be_sampled = can_be_held = can_be_changed = True

    def __init__(
        self,
        features: FeaturesInPieces,
        targets: FloatArray | IntArray,
        weights: FloatArray | None = None,
        offset: FloatArray | None = None,
        *,
        columns: npt.NDArray[np.intp] | None = None,
        tuning: Tuning = DEFAULT,
    ) -> None:
        self._features, self._columns, self._tuning = features, columns, tuning
        self._beside = targets, weights, offset
        self.n_rows, self.n_features = features.shape[0], features.shape[1] if columns is None else len(columns)
        self.n_entries = features.n_entries if columns is None else self.n_rows * self.n_features
        self.has_offset, self.is_sparse, self.dtype = offset is not None, features.is_sparse, features.dtype
        self.pass_price = features.pass_price
        shape = self.n_rows, self.n_features
        self._step = rows_per_block(shape, self.n_entries, targets, self.dtype, tuning, is_sparse=self.is_sparse)
        self._pool: _Pool | None = None

    @property
    def longest_sum(self) -> int:
        return self._step + -(-self.n_rows // self._step)

    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        return map(statistic, self._blocks())

    def gather(self, statistic: Statistic, reduce: Callable[[Iterable[Arrays]], Result]) -> Iterator[Result]:
        renew_one_blas_thread()
        if self.n_entries < self._tuning.long_pass:
            yield reduce(self.map(statistic))
            return
        blocks = self._blocks()
        for part in parts_of(-(-self.n_rows // self._step), self._tuning):
            yield reduce(map(statistic, islice(blocks, part.stop - part.start)))
        for _ in blocks:  # whoever reads them checks, after the last, that there are no more
            pass

    def sampling(self, score: Statistic | None = None) -> PoissonSampling:
        scores = None if score is None else self.concatenate(score)[0]
        return PoissonSampling(self.n_rows, self._beside[1], scores)

    def sample(self, count: int, sampling: Sampling | None) -> Rows:
        if 2 * count > self.n_rows or not isinstance(sampling, PoissonSampling):
            return self
        chosen, multiplicities = sampling.draw(count)
        if not len(chosen):
            return self
        X = self._drawn(count, chosen, sampling)
        part = RowsInMemory(X, *beside_drawn(self._beside, chosen, multiplicities), tuning=self._tuning)
        part.multiplicity = float(multiplicities.max())
        return part

    def _drawn(self, count: int, chosen: npt.NDArray[np.intp], sampling: PoissonSampling) -> Matrix:
        """Return the features of some rows: of a larger sample, which contains them, and was read before."""
        pool = self._pool
        if pool is None or pool.sampling is not sampling or pool.size < count:
            self._pool = None
            fitting = int(_POOL_ENTRIES * self.n_rows / max(self.n_entries, 1))
            count = max(count, min(fitting, self.n_rows // 2))
            indices, _ = sampling.draw(count)
            pool = self._pool = _Pool(sampling, count, indices, self._gathered(indices))
        return pool.X if len(chosen) == len(pool.chosen) else pool.X[np.searchsorted(pool.chosen, chosen)]

    def changed(
        self,
        *,
        columns: npt.NDArray[np.intp] | None = None,
        offset: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> Rows:
        targets, own, known = self._beside
        if columns is not None and self._columns is not None:
            columns = self._columns[columns]
        return RowsInPieces(
            self._features,
            targets,
            own if weights is None else weights,
            known if offset is None else offset,
            columns=self._columns if columns is None else columns,
            tuning=self._tuning,
        )

    def _blocks(self) -> Iterator[Block]:
        targets, weights, offset = self._beside
        first = 0
        for X in recut(self._features.read(), self._step):
            rows = slice(first, first + X.shape[0])
            _check_rows(rows.stop, self.n_rows, is_last=False)
            yield make_block(
                X if self._columns is None else X[:, self._columns],
                targets[rows],
                None if weights is None else weights[rows],
                None if offset is None else offset[rows],
            )
            first = rows.stop
        _check_rows(first, self.n_rows, is_last=True)

    def _gathered(self, chosen: npt.NDArray[np.intp]) -> Matrix:
        """Return the features of some rows, in order."""
        parts, first = [], 0
        for block in self._blocks():
            start, stop = np.searchsorted(chosen, [first, first + len(block)])
            parts.append(block.X[chosen[start:stop] - first])
            first += len(block)
        return joined(parts)


def _check_rows(found: int, expected: int, *, is_last: bool) -> None:
    if found > expected or (is_last and found < expected):
        raise ValueError(
            f"X has {found} rows{'' if is_last else ' and more'} at this pass, and y has {expected}. Every pass has to "
            "find the same rows."
        )


def recut(pieces: Iterator[Matrix], n_rows: int) -> Iterator[Matrix]:
    """Yield the rows of pieces of any size in matrices of so many rows, and those that are left."""
    waiting: list[Matrix] = []
    n_waiting = 0
    for piece in pieces:
        first = 0
        while n_waiting + piece.shape[0] - first >= n_rows:
            last = first + n_rows - n_waiting
            yield joined([*waiting, piece[first:last]])
            waiting, n_waiting, first = [], 0, last
        if first < piece.shape[0]:
            waiting.append(piece[first:].copy())  # whoever made it may make the next one in the same memory
            n_waiting += piece.shape[0] - first
    if waiting:
        yield joined(waiting)


def joined(parts: list[Matrix]) -> Matrix:
    """Return matrices, dense or CSR, one below the other."""
    if len(parts) == 1:
        return parts[0]
    return sparse.csr_array(sparse.vstack(parts, format="csr")) if sparse.issparse(parts[0]) else np.concatenate(parts)
