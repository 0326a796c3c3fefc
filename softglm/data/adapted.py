"""Rows that are read in another form, block by block: no copy of all of them is kept."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import BoolArray, FloatArray, Matrix
from softglm.data.adaptation import Adaptation
from softglm.data.block import Block, is_sparse
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
        return replace(block, X=X)

    def origin(self, before: FloatArray | None) -> FloatArray:
        return (self.offsets if before is None else before + self.offsets) * self.units


@final
@dataclass(frozen=True)
class Mixing(Adaptation):
    """T'(x - center) in double precision, of dense rows.

    Attributes
    ----------
    center : array of shape (p,)
    matrix : array of shape (p, r)
        T.
    spread : array of shape (p,)
        The root mean squares of x - center.
    """

    center: FloatArray
    matrix: FloatArray
    spread: FloatArray
    dtype = np.float64

    def __call__(self, block: Block) -> Block:
        return replace(block, X=block.centred(self.center) @ self.matrix)

    def n_features(self, before: int) -> int:  # noqa: ARG002 - whatever these were
        return int(self.matrix.shape[1])

    def origin(self, before: FloatArray | None) -> None:  # noqa: ARG002 - what that has rounded is part of the noise
        return None

    @property
    def noise(self) -> FloatArray:
        # Of each sum as many roundings as it has terms, and one of x - center.
        unit = np.finfo(np.float64).eps / 2.0
        return np.asarray(unit * (len(self.spread) + 1.0) * (np.abs(self.matrix).T @ self.spread))


@final
@dataclass(frozen=True)
class Chosen(Adaptation):
    """Some columns, as they are.

    Attributes
    ----------
    columns : int array of shape (k,)
    dtype : dtype
    """

    columns: npt.NDArray[np.intp]
    dtype: npt.DTypeLike

    def __call__(self, block: Block) -> Block:
        return replace(block, X=block.X[:, self.columns])

    def n_features(self, before: int) -> int:  # noqa: ARG002 - whatever these were
        return len(self.columns)

    def origin(self, before: FloatArray | None) -> FloatArray | None:
        return None if before is None else before[self.columns]


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
            rounded = block.design(self.center, dtype=np.float32)
            rounded[:, self.is_constant] = 0.0
        return replace(block, X=rounded)


@final
@dataclass(frozen=True)
class _Adapted:
    """A statistic of adapted blocks."""

    statistic: Statistic
    adaptation: Adaptation

    def __call__(self, block: Block) -> Arrays:
        return self.statistic(self.adaptation(block))


@final
@dataclass(frozen=True)
class _Both(Adaptation):
    """One adaptation after another."""

    first: Adaptation
    second: Adaptation

    def __call__(self, block: Block) -> Block:
        return self.second(self.first(block))

    @property
    def dtype(self) -> npt.DTypeLike:  # type: ignore[override]
        return self.second.dtype

    def origin(self, before: FloatArray | None) -> FloatArray | None:
        return self.second.origin(self.first.origin(before))


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
        self.n_rows, self.n_features = rows.n_rows, adaptation.n_features(rows.n_features)
        is_as_wide = self.n_features == rows.n_features
        self.n_entries, self.noise = rows.n_entries if is_as_wide else rows.n_rows * self.n_features, adaptation.noise
        self.has_offset, self.is_sparse, self.multiplicity = rows.has_offset, rows.is_sparse, rows.multiplicity
        self.can_be_sampled, self.can_be_held = rows.can_be_sampled, rows.can_be_held
        self.dtype, self.origin = adaptation.dtype, adaptation.origin(rows.origin)
        self.pass_price = rows.pass_price
        self.outpaces_memory = rows.outpaces_memory
        self.can_be_rounded = rows.can_be_rounded and np.dtype(adaptation.dtype) == np.float64

    @property
    def longest_sum(self) -> int:
        return self._rows.longest_sum

    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        return self._rows.map(_Adapted(statistic, self._adaptation))

    def gather(self, statistic: Statistic, reduce: Callable[[Iterable[Arrays]], Result]) -> Iterator[Result]:
        return self._rows.gather(_Adapted(statistic, self._adaptation), reduce)

    def combined(self, statistic: Statistic, combine: np.ufunc) -> Arrays:
        return self._rows.combined(_Adapted(statistic, self._adaptation), combine)

    def sampling(self, score: Statistic | None = None) -> Sampling | None:
        return self._rows.sampling(None if score is None else _Adapted(score, self._adaptation))

    def sample(self, count: int, sampling: Sampling | None) -> Rows:
        part = self._rows.sample(count, sampling)
        return self if part is self._rows else AdaptedRows(part, self._adaptation)

    def rounded_copy(self, adaptation: Adaptation) -> Rows:
        return self._rows.rounded_copy(_Both(self._adaptation, adaptation))
