"""The columns that a sparse fit works on."""

from typing import final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray
from softglm.model import Prepared
from softglm.sparse.matrix import Columns, FullColumns, StoredColumns
from softglm.sums import Offsets, RowWeights, ScaledColumns, StoredEntries

Indices = npt.NDArray[np.intp]

# A column whose variance is below this, relative to its mean square, is constant.
_CONSTANT = 1e-14
# All features are held where they are so few, or their numbers.
_FEW_FEATURES, _FEW_NUMBERS = 256, 2**20
# Columns are held as they are stored where so few of their numbers are, at the most.
_SPARSE = 0.1


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
    matrix : Columns
        What is held, constants first.
    stored : StoredColumns or None
        The columns of all features, where the rows are sparse and not all are held.

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
        self._space = np.ones((self.n_constants, rows.n_rows))
        self.matrix: Columns = FullColumns(self._space)
        self.is_held = np.zeros(rows.n_features, dtype=bool)
        self.holds_all = False
        self.stored: StoredColumns | None = None
        if rows.n_features <= _FEW_FEATURES or rows.n_features * rows.n_rows <= _FEW_NUMBERS:
            self.hold(np.arange(rows.n_features))
            self.holds_all = True
        elif rows.is_sparse:
            self.stored = self._as_stored()
            if self.stored.entries.nnz <= _SPARSE * rows.n_features * rows.n_rows:
                self.matrix = StoredColumns.of_ones(self.n_constants, rows.n_rows)

    @property
    def array(self) -> FloatArray:
        """The numbers of `matrix`."""
        return self.matrix.full()

    def hold(self, features: Indices) -> None:
        """Hold these features too."""
        new = features[~self.is_held[features]]
        if not len(new):
            return
        if self.stored is not None and isinstance(self.matrix, StoredColumns):
            self.matrix = self.matrix.followed_by(self.stored.of(new))
        else:
            self.matrix = self._with_space(new)
        self.features = np.concatenate([self.features, new])
        self.is_held[new] = True

    def slopes(self, mean: FloatArray, features: Indices | None = None) -> FloatArray:
        """Return the mean of z mu', shape (k, q), in some features, held or not: in all of them where rows are sparse.

        Parameters
        ----------
        mean : array of shape (q, n)
        features : int array of shape (k,), optional
        """
        return self._of(features).sums(mean * self.weights)

    def _with_space(self, new: Indices) -> FullColumns:
        """Return the columns that are held and new ones, with space for as many more."""
        before = self.matrix.full()
        after = len(before) + len(new)
        if after > len(self._space):
            most = self.n_constants + len(self.is_held)
            self._space = np.empty((min(max(after, 2 * len(before)), most), before.shape[1]))
            self._space[: len(before)] = before
        self._space[len(before) : after] = self._of(new).full()
        return FullColumns(self._space[:after])

    def _of(self, features: Indices | None) -> Columns:
        """Return the columns of some features, held or not."""
        if self.stored is not None:
            return self.stored if features is None else self.stored.of(features)
        assert features is not None  # noqa: S101 - all are asked for where rows are sparse
        (columns,) = self._rows.concatenate(
            ScaledColumns(features, self._center[features], self._varying_units[features])
        )
        return FullColumns(np.asarray(columns))

    def _as_stored(self) -> StoredColumns:
        """Return the columns of all features, of sparse rows: the one copy that is made of these."""
        entries, features, counts = self._rows.concatenate(StoredEntries())
        shape, units = (self._rows.n_rows, self._rows.n_features), self._varying_units
        by_row = sparse.csr_array((entries, features, np.append(0, counts.cumsum())), shape=shape)
        by_column = sparse.csr_array(by_row.T)
        by_column.data *= np.repeat(units, np.diff(by_column.indptr))
        return StoredColumns(by_column, self._center * units)

    def parameters(self, coef: FloatArray) -> FloatArray:
        """Return parameters in the units of the rows, shape (m, q), of coefficients of the columns, shape (k, q)."""
        n, p = self.n_constants, len(self.units)
        parameters = np.zeros((p + n, coef.shape[1]))
        parameters[self.features] = coef[n:] * self.units[self.features, np.newaxis]
        parameters[p:] = coef[:n]
        return parameters
