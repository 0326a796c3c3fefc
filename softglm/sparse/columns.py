"""The columns that a sparse fit works on, held as rows of one array."""

from typing import final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray
from softglm.model import Prepared
from softglm.sparse.stored import StoredColumns
from softglm.sums import Offsets, RowWeights, ScaledColumns, StoredEntries

Indices = npt.NDArray[np.intp]

# A column whose variance is below this, relative to its mean square, is constant.
_CONSTANT = 1e-14
# All features are held where they are so few, or their numbers.
_FEW_FEATURES, _FEW_NUMBERS = 256, 2**20


@final
class WorkingColumns:
    """Columns z_j = (x_j - c_j) / spread_j of the features that were asked for, after ones for the intercept.

    Parameters
    ----------
    prepared : Prepared

    Attributes
    ----------
    units : array of shape (p,)
        One over the spread of each feature; 1 where that is 0.
    varies, is_held : bool arrays of shape (p,)
        Whether each feature varies, and is held.
    is_finite : bool
        Whether the spreads are.
    holds_all : bool
        Whether all are, in their order.
    features : int array of shape (k,)
        The features held, in the order of the columns.
    n_constants : int
        1 where there is an intercept, whose column comes first; else 0.
    weights : array of shape (n,)
        Of the rows, with sum 1.
    offset : array of shape (q, n) or None
    sparse_columns : CSR matrix of shape (p, n) or None
        All columns, not centred, where the rows are sparse and not all are held.

    Raises
    ------
    TypeError
        If the rows cannot be held in memory.
    """

    def __init__(self, prepared: Prepared) -> None:
        objective = prepared.likelihood
        rows, moments = objective.rows, objective.moments
        if not rows.can_be_held:
            raise TypeError(
                "A penalty that sets coefficients to 0, and bounds on them, are for columns in memory, and these rows "
                f"are elsewhere ({rows.place or type(rows).__name__}). Use the ridge, l1_ratio=0 without bounds; or "
                "pass arrays, of some of the rows or of some columns."
            )
        self._rows, self._center = rows, moments.center
        squares = moments.size**2 - moments.center**2
        self.is_finite = bool(np.isfinite(squares).all())
        self.varies = squares > _CONSTANT * moments.size**2
        self.units = 1.0 / np.sqrt(np.where(self.varies, squares, 1.0))
        self._varying_units = np.where(self.varies, self.units, 0.0)
        self.n_constants = int(objective.fit_intercept)
        self.features: Indices = np.empty(0, dtype=np.intp)
        (weights,) = rows.concatenate(RowWeights())
        self.weights = weights / moments.total_weight
        self.offset = rows.concatenate(Offsets())[0] if rows.has_offset else None
        self._held = np.ones((self.n_constants, rows.n_rows))
        self.is_held = np.zeros(rows.n_features, dtype=bool)
        self.holds_all = False
        self.sparse_columns: sparse.csr_array | None = None
        self._stored: StoredColumns | None = None
        if rows.n_features <= _FEW_FEATURES or rows.n_features * rows.n_rows <= _FEW_NUMBERS:
            self.hold(np.arange(rows.n_features))
            self.holds_all = True
        elif rows.is_sparse:
            self.sparse_columns = self._by_column()

    @property
    def array(self) -> FloatArray:
        """The columns, shape (n_constants + k, n)."""
        return self._held[: self.n_constants + len(self.features)]

    def hold(self, features: Indices) -> None:
        """Hold these features too."""
        new = features[~self.is_held[features]]
        if not len(new):
            return
        before = self.array
        after = len(before) + len(new)
        if after > len(self._held):
            self._held = np.empty(
                (min(max(after, 2 * len(before)), self.n_constants + len(self.is_held)), before.shape[1])
            )
            self._held[: len(before)] = before
        self._held[len(before) : after] = self.columns(new)
        self.features = np.concatenate([self.features, new])
        self.is_held[new] = True
        self._stored = None

    def columns(self, features: Indices) -> FloatArray:
        """Return the columns of some features, held or not, shape (k, n)."""
        center, units = self._center[features], self._varying_units[features]
        if self.sparse_columns is None:
            (columns,) = self._rows.concatenate(ScaledColumns(features, center, units))
            return np.asarray(columns)
        columns = self.sparse_columns[features].toarray()
        columns -= center[:, np.newaxis]
        columns *= units[:, np.newaxis]
        return np.asarray(columns)

    def stored(self) -> StoredColumns | None:
        """Return those that are held as sparse rows store them, in the same order."""
        if self._stored is None and self.sparse_columns is not None:
            units = self._varying_units[self.features]
            entries = self.sparse_columns[self.features]
            entries.data *= np.repeat(units, np.diff(entries.indptr))
            # A constant column is 0 less -1: it has no entries.
            constants = sparse.csr_array((self.n_constants, entries.shape[1]))
            center = np.append(np.full(self.n_constants, -1.0), self._center[self.features] * units)
            self._stored = StoredColumns(sparse.csr_array(sparse.vstack([constants, entries])), center)
        return self._stored

    def slopes(self, mean: FloatArray) -> FloatArray:
        """Return the mean of z mu' in all features, of means of shape (q, n), where the rows are sparse."""
        assert self.sparse_columns is not None  # noqa: S101 - asked of sparse rows
        weighted = np.ascontiguousarray((mean * self.weights).T)
        sums = self.sparse_columns @ weighted - np.outer(self._center, weighted.sum(axis=0))
        return np.asarray(sums * self._varying_units[:, np.newaxis])

    def _by_column(self) -> sparse.csr_array:
        """Return the entries of sparse rows, column by column, shape (p, n): the one copy that is made of them."""
        entries, features, counts = self._rows.concatenate(StoredEntries())
        shape = self._rows.n_rows, self._rows.n_features
        return sparse.csr_array(sparse.csr_array((entries, features, np.append(0, counts.cumsum())), shape=shape).T)

    def parameters(self, coef: FloatArray) -> FloatArray:
        """Return parameters in the units of the rows, shape (m, q), of coefficients of the columns, shape (k, q)."""
        n, p = self.n_constants, len(self.units)
        parameters = np.zeros((p + n, coef.shape[1]))
        parameters[self.features] = coef[n:] * self.units[self.features, np.newaxis]
        parameters[p:] = coef[:n]
        return parameters
