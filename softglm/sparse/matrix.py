"""The columns that are worked on, as numbers, and products with them: in full, or as sparse rows store them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray
from softglm.once import cached_property

Indices = npt.NDArray[np.intp]

# In nanoseconds, about as measured, of a number for each class, in both products: in full, and stored.
_FULL, _STORED = 0.14, 0.8


class Columns(ABC):
    """Columns z, shape (k, n)."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(k, n)."""

    @abstractmethod
    def times(self, coef: FloatArray) -> FloatArray:
        """Return B'z, shape (q, n), of coefficients B, shape (k, q)."""

    @abstractmethod
    def sums(self, rows: FloatArray) -> FloatArray:
        """Return the sums of z times values of the rows, shape (k, r), of values of shape (r, n)."""

    @abstractmethod
    def of(self, which: Indices | slice) -> Self:
        """Return some of the columns."""

    @abstractmethod
    def full(self) -> FloatArray:
        """Return all their numbers, shape (k, n)."""

    @abstractmethod
    def sizes(self) -> FloatArray:
        """Return the largest size of a number of each, shape (k,)."""

    @abstractmethod
    def price(self, n_classes: int) -> float:
        """Return what both products cost with so many classes, in nanoseconds."""


@final
@dataclass(frozen=True)
class FullColumns(Columns):
    """Columns that are held in full.

    Attributes
    ----------
    array : array of shape (k, n)
    """

    array: FloatArray

    @property
    def shape(self) -> tuple[int, int]:
        k, n = self.array.shape
        return k, n

    def times(self, coef: FloatArray) -> FloatArray:
        support = np.flatnonzero(coef.any(axis=1))
        if 2 * len(support) < len(coef):
            return np.asarray(coef[support].T @ self.array[support])
        return np.asarray(coef.T @ self.array)

    def sums(self, rows: FloatArray) -> FloatArray:
        return np.asarray((rows @ self.array.T).T)

    def of(self, which: Indices | slice) -> "FullColumns":
        return FullColumns(self.array[which])

    def full(self) -> FloatArray:
        return self.array

    def sizes(self) -> FloatArray:
        return np.asarray(np.maximum(self.array.max(axis=1), -self.array.min(axis=1)))

    def price(self, n_classes: int) -> float:
        return _FULL * n_classes * float(self.array.size)


@final
@dataclass(frozen=True)
class StoredColumns(Columns):
    """Columns as sparse rows store them, z = e - c: what is not 0 before they are centred.

    Attributes
    ----------
    entries : CSR matrix of shape (k, n)
        A row for each column e.
    center : array of shape (k,)
        c.
    """

    entries: sparse.csr_array
    center: FloatArray

    @property
    def shape(self) -> tuple[int, int]:
        k, n = self.entries.shape
        return k, n

    @cached_property
    def _by_row(self) -> sparse.csc_array:
        return self.entries.T

    @cached_property
    def counts(self) -> Indices:
        """How many entries each has, shape (k,)."""
        return np.diff(self.entries.indptr)

    def times(self, coef: FloatArray) -> FloatArray:
        # Class-major, as all that is of the rows.
        products = np.ascontiguousarray((self._by_row @ coef).T)
        products -= (self.center @ coef)[:, np.newaxis]
        return products

    def sums(self, rows: FloatArray) -> FloatArray:
        sums = self.entries @ np.ascontiguousarray(rows.T)
        sums -= np.multiply.outer(self.center, rows.sum(axis=1))
        return np.asarray(sums)

    def of(self, which: Indices | slice) -> "StoredColumns":
        return StoredColumns(self.entries[which], self.center[which])

    def full(self) -> FloatArray:
        return np.asarray(self.entries.toarray() - self.center[:, np.newaxis])

    def sizes(self) -> FloatArray:
        largest, least = (those.toarray().ravel() for those in (self.entries.max(axis=1), self.entries.min(axis=1)))
        return np.asarray(np.maximum(largest - self.center, self.center - least))

    def price(self, n_classes: int) -> float:
        return _STORED * n_classes * float(self.entries.nnz)

    @classmethod
    def of_ones(cls, k: int, n: int) -> "StoredColumns":
        """Return columns of ones, k of them: 0 less -1."""
        return cls(sparse.csr_array((k, n)), np.full(k, -1.0))

    def followed_by(self, others: "StoredColumns") -> "StoredColumns":
        """Return these columns and others."""
        before, after = self.entries, others.entries
        parts = (
            np.concatenate([before.data, after.data]),
            np.concatenate([before.indices, after.indices]),
            np.concatenate([before.indptr, before.indptr[-1] + after.indptr[1:].astype(np.int64)]),
        )
        joined = sparse.csr_array(parts, shape=(before.shape[0] + after.shape[0], before.shape[1]))
        return StoredColumns(joined, np.concatenate([self.center, others.center]))
