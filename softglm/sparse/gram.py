r"""The Hessian of the likelihood in some (feature, class) pairs, kept while the fit moves on.

    H[(j, k), (l, m)] = sum_i w_i z_ij z_il A''_km(eta_i),    A'' = diag(mu) - mu mu' / sum(mu)   (one class: its own)

Pairs are added with the mean at that moment; what is there already stays as it was. In place of classes there may be
contrasts of them, c: B = C Q', with the columns of Q orthonormal and of sum 0, has H[(j, c), (l, d)] = (Q' A'' Q)_cd.
"""

from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.families import UnconstrainedFamily
from softglm.solver.principal import PrincipalSystems
from softglm.sparse.matrix import Columns, FullColumns, StoredColumns
from softglm.sparse.stored import hessian, hessian_price

Indices = npt.NDArray[np.intp]

# So many numbers are multiplied at a time; of so many rows at least.
_NUMBERS, _FEWEST = 2**20, 64
# So much dearer are the products of a few new pairs, each with all columns for each class.
_DEARER = 1.0
# In nanoseconds, about as measured: once; of a product, of a number that is copied, of a factor.
_ONCE, _PRODUCT, _COPY, _CHOLESKY = 1e5, 0.02, 2.0, 0.0055


@final
class PairGram:
    """The Hessian, with the curvature of the penalty on its diagonal, of pairs in the order in which they came.

    Parameters
    ----------
    family : UnconstrainedFamily
    weights : array of shape (n,)
    contrasts : array of shape (q, r) or None, default=None
        Q; None for the classes themselves, r = q.

    Attributes
    ----------
    columns, classes : int arrays of shape (d,)
        Of the pairs; the latter from 0 to r. With contrasts a column has all of them, one after the other, or none.
    index : int array of shape (k, r)
        Which pair is which, -1 where it is none.
    systems : PrincipalSystems
        Of the matrix.
    """

    def __init__(self, family: UnconstrainedFamily, weights: FloatArray, contrasts: FloatArray | None = None) -> None:
        self._family, self._weights, self.contrasts = family, weights, contrasts
        self._clear(0)

    def _clear(self, n_columns: int) -> None:
        self.columns = self.classes = np.empty(0, dtype=np.intp)
        r = self._family.n_parameters if self.contrasts is None else self.contrasts.shape[1]
        self.index = np.full((n_columns, r), -1, dtype=np.intp)
        self._matrix, self._curvature = np.empty((0, 0)), np.empty(0)
        self.systems = PrincipalSystems(self._matrix)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.columns)

    def coordinates(self, values: FloatArray) -> FloatArray:
        """Return values of classes, shape (k, q), as those of contrasts, shape (k, r)."""
        return values if self.contrasts is None else np.asarray(values @ self.contrasts)

    def price(self, wanted: BoolArray, columns: Columns) -> float:
        """Return what the wanted pairs cost to make anew, and to factor, in nanoseconds."""
        which, _ = wanted.nonzero()
        sums, d = self._price_in_full(len(which), len(which), columns), float(len(which))
        if isinstance(columns, StoredColumns):
            sums = min(sums, hessian_price(columns, which, 0))
        return _ONCE + sums + _CHOLESKY * d**3

    def _price_in_full(self, n_new: int, n_pairs: int, columns: Columns) -> float:
        """Return what the products of new pairs and all of them cost, of columns in full."""
        n, q = len(self._weights), self._family.n_parameters
        copied = n_pairs + (columns.shape[0] if isinstance(columns, StoredColumns) else 0)
        return n * (_PRODUCT * float(n_new) * n_pairs * (1.0 + (q > 1) / q) + _COPY * copied)

    def _price_of_rows(self, n_new: int, columns: StoredColumns) -> float:
        """Return what the products of stored columns and as many values of all rows cost, as new pairs have."""
        n_values = n_new * self._family.n_parameters
        return _COPY * n_values * len(self._weights) + columns.price(n_values) / 2.0

    def include(self, wanted: BoolArray, columns: Columns, mean: FloatArray, curvature: FloatArray) -> None:
        """Add the wanted pairs that are not there yet.

        Parameters
        ----------
        wanted : bool array of shape (k, r)
        columns : Columns
        mean : array of shape (q, n)
        curvature : array of shape (k,)
            Of the penalty.
        """
        if len(self.index) < len(wanted):
            missing = np.full((len(wanted) - len(self.index), self.index.shape[1]), -1, dtype=np.intp)
            self.index = np.concatenate([self.index, missing])
        new_columns, new_classes = np.nonzero(wanted & (self.index < 0))
        if not len(new_columns):
            return
        before = len(self)
        self.columns = np.concatenate([self.columns, new_columns])
        self.classes = np.concatenate([self.classes, new_classes])
        d = len(self)
        self.index[new_columns, new_classes] = np.arange(before, d)
        if d > len(self._matrix):
            larger = np.empty((max(d, 3 * before // 2),) * 2)
            larger[:before, :before] = self._matrix[:before, :before]
            self._matrix = larger
        rows = self._rows(before, columns, mean)
        self._curvature = np.concatenate([self._curvature, curvature[new_columns]])
        rows[np.arange(d - before), np.arange(before, d)] += self._curvature[before:]
        self._matrix[before:d, :d] = rows
        self._matrix[:before, before:d] = rows[:, :before].T
        if before:
            self.systems.matrix = self._matrix[:d, :d]
        else:
            self.systems = PrincipalSystems(self._matrix[:d, :d])

    def rebuild(self, wanted: BoolArray, columns: Columns, mean: FloatArray, curvature: FloatArray) -> None:
        """Make the wanted pairs anew, and forget the others."""
        self._clear(len(wanted))
        self.include(wanted, columns, mean, curvature)

    def bend(self, curvature: FloatArray) -> None:
        """Take another curvature of the penalty, shape (k,)."""
        here = curvature[self.columns]
        if (here != self._curvature).any():
            d = len(self)
            self._matrix.flat[: d * len(self._matrix) : len(self._matrix) + 1][:d] += here - self._curvature
            self._curvature = here
            self.systems = PrincipalSystems(self._matrix[:d, :d])

    def _rows(self, first: int, columns: Columns, mean: FloatArray) -> FloatArray:
        """Return the rows of the Hessian from the first of these pairs on, shape (d - first, d)."""
        if self.contrasts is None:
            return self._rows_of_classes((self.columns, self.classes), first, columns, mean)
        q, r = self.contrasts.shape
        those, d = self.columns[::r], len(self)
        pairs = np.repeat(those, q), np.tile(np.arange(q), len(those))
        rows = self._rows_of_classes(pairs, first // r * q, columns, mean)
        contrasted = self.contrasts.T @ rows.reshape(-1, q, len(those) * q)
        return np.asarray(contrasted.reshape(-1, q) @ self.contrasts).reshape(d - first, d)

    def _rows_of_classes(
        self, pairs: tuple[Indices, Indices], first: int, columns: Columns, mean: FloatArray
    ) -> FloatArray:
        """Return the same of d pairs of columns and classes."""
        d, q, n = len(pairs[0]), *mean.shape
        n_new = d - first
        if isinstance(columns, StoredColumns):
            of_rows, of_entries = self._price_of_rows(n_new, columns), hessian_price(columns, pairs[0], first)
            if of_rows < of_entries:
                return self._beside(pairs, first, columns, mean, self._weights)
            if of_entries < self._price_in_full(n_new, d, columns):
                return hessian(self._family, columns, pairs, mean, self._weights, first=first)
        z, are_few = columns.full(), n_new * q * _DEARER < d
        step = max(_NUMBERS // (q * n_new if are_few else d), _FEWEST)
        rows = np.zeros((n_new, d))
        for start in range(0, n, step):
            part = slice(start, start + step)
            there = FullColumns(z[:, part]), mean[:, part], self._weights[part]
            rows += (self._beside if are_few else self._among)(pairs, first, *there)
        return rows

    def _among(
        self, pairs: tuple[Indices, Indices], first: int, columns: FullColumns, mean: FloatArray, weights: FloatArray
    ) -> FloatArray:
        """Return the Hessian of some rows in new pairs beside all, shape (d - first, d)."""
        (of_columns, of_classes), z = pairs, columns.full()
        if len(mean) == 1:
            return _outer(
                z[of_columns] * np.sqrt(weights * self._family.curvature_weights(mean)[0]), slice(first, None)
            )
        # Class by class, so that each is multiplied by its own weights in one go.
        order = np.argsort(of_classes, kind="stable")
        new = np.flatnonzero(order >= first) if first else slice(None)
        ends = np.searchsorted(of_classes[order], np.arange(len(mean) + 1))
        scaled, within = z[of_columns[order]], np.zeros((len(order), len(order)))
        own, shares = np.sqrt(weights * mean), np.sqrt(mean / mean.sum(axis=0))
        for k in range(len(mean)):
            of_class = slice(*ends[k : k + 2])
            scaled[of_class] *= own[k]
            within[of_class, of_class] = scaled[of_class] @ scaled[of_class].T
            scaled[of_class] *= shares[k]
        hessian = np.empty((len(order) - first, len(order)))
        hessian[(order[new] - first)[:, np.newaxis], order] = within[new] - _outer(scaled, new)
        return hessian

    def _beside(
        self, pairs: tuple[Indices, Indices], first: int, columns: Columns, mean: FloatArray, weights: FloatArray
    ) -> FloatArray:
        """Return the same where few pairs are new: no columns but theirs are multiplied by weights.

        Columns of no pair are multiplied too, unless that takes longer than to copy those of pairs.
        """
        (of_columns, of_classes), n_new = pairs, len(pairs[0]) - first
        used = np.unique(of_columns)
        spared = len(mean) * n_new * (columns.shape[0] - len(used)) * _PRODUCT
        if isinstance(columns, FullColumns) and spared > _COPY * len(used):
            columns, of_columns = columns.of(used), np.searchsorted(used, of_columns)
        new, classes, own = columns.of(of_columns[first:]).full() * weights, of_classes[first:], np.arange(n_new)
        if len(mean) == 1:
            scaled = new[np.newaxis] * self._family.curvature_weights(mean)[0]
        else:
            new *= mean[classes]
            scaled = (-mean / mean.sum(axis=0))[:, np.newaxis] * new
            scaled[classes, own] += new
        products = columns.sums(scaled.reshape(-1, columns.shape[1])).reshape(-1, len(mean), n_new)
        return np.asarray(products[of_columns, of_classes].T)


def _outer(factors: FloatArray, which: Indices | slice) -> FloatArray:
    """Return the products of which rows with all of them."""
    return np.asarray(factors[which] @ factors.T)
