"""Rows that are read in another form, block by block: no copy of all of them is kept."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import sparse

from softglm.arrays import BoolArray, FloatArray, Matrix
from softglm.data.adaptation import Adaptation
from softglm.data.block import Block, is_sparse, make_block
from softglm.data.rows import Arrays, Result, Rows, Sampling, Statistic


@final
@dataclass(frozen=True)
class Rebasing(Adaptation):
    """(x - offsets) * units in double precision.

    Attributes
    ----------
    offsets : array of shape (p,)
        Zeros where the rows are sparse.
    units : array of shape (p,)
        Powers of two, so that nothing is rounded.
    """

    offsets: FloatArray
    units: FloatArray
    dtype = np.float64

    def __call__(self, block: Block) -> Block:
        X: Matrix
        if is_sparse(block.X):
            X = sparse.csr_array(block.X, dtype=np.float64, copy=True)
            X.data *= self.units[X.indices]
        else:
            X = block.centred(self.offsets)
            X *= self.units
        return make_block(X, block.targets, block.weights, block.offset)

    @property
    def origin(self) -> FloatArray:
        return self.offsets * self.units


@final
@dataclass(frozen=True)
class Rounding(Adaptation):
    """Dense rows in single precision, about a center or as they are.

    Attributes
    ----------
    center : array of shape (p,) or None
        None where it is so near to 0 that rounding loses nothing: that takes half as long.
    is_constant : bool array of shape (p,)
        Which columns are; what the rounding of the center leaves of them is set to 0.
    """

    center: FloatArray | None
    is_constant: BoolArray
    dtype = np.float32

    def __call__(self, block: Block) -> Block:
        if self.center is None:
            rounded = block.X.astype(np.float32)
        else:
            rounded = block.centred(self.center, out=np.empty_like(block.X, dtype=np.float32))
            rounded[:, self.is_constant] = 0.0
        return make_block(rounded, block.targets, block.weights, block.offset)


@final
@dataclass(frozen=True)
class _Adapted:
    """A statistic of adapted blocks."""

    statistic: Statistic
    adaptation: Adaptation

    def __call__(self, block: Block) -> Arrays:
        return self.statistic(self.adaptation(block))


@final
class AdaptedRows(Rows):
    """Rows as an adaptation has them.

    Parameters
    ----------
    rows : Rows
    adaptation : Adaptation
    """

    def __init__(self, rows: Rows, adaptation: Adaptation) -> None:
        self._rows, self._adaptation = rows, adaptation
        self.n_rows, self.n_features, self.n_entries = rows.n_rows, rows.n_features, rows.n_entries
        self.has_offset, self.is_sparse, self.multiplicity = rows.has_offset, rows.is_sparse, rows.multiplicity
        self.can_be_sampled, self.can_be_held = rows.can_be_sampled, rows.can_be_held
        self.dtype, self.origin = adaptation.dtype, adaptation.origin

    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        return self._rows.map(_Adapted(statistic, self._adaptation))

    def gather(self, statistic: Statistic, reduce: Callable[[Iterable[Arrays]], Result]) -> Iterator[Result]:
        return self._rows.gather(_Adapted(statistic, self._adaptation), reduce)

    def sampling(self, score: Statistic | None = None) -> Sampling | None:
        return self._rows.sampling(None if score is None else _Adapted(score, self._adaptation))

    def sample(self, count: int, sampling: Sampling | None) -> Rows:
        part = self._rows.sample(count, sampling)
        return self if part is self._rows else AdaptedRows(part, self._adaptation)
