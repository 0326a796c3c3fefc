"""A block of rows, small enough that what is computed from it stays in the processor's cache.

Everything per observation is class-major inside a block, shape (q, rows): reductions over classes then run along
contiguous memory, which NumPy vectorises, and which measured 2 to 3 times faster than (rows, q).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray, IntArray, Matrix

# Products of sparse rows pay for more features than this, where those of the entries, so much dearer each, are fewer;
# and are used where so much of the squares is left when the means are taken out.
_FEW_FEATURES, _DEARER, _KEPT = 512, 32.0, 1 / 64
# Of so many features only those with coefficients are multiplied, where they are no more than one in so many.
_MANY, _MOSTLY = 512, 8


@dataclass(frozen=True, slots=True)
class Block(ABC):
    """Rows x_i with what was observed there.

    Attributes
    ----------
    X : array of shape (rows, p)
        Dense of any real dtype, or CSR.
    targets : array of shape (rows,) or (rows, q)
        The sufficient statistics t_i. In one dimension t_i itself where q = 1, and class codes where q > 1.
    weights : array of shape (rows,) or None
        Observation weights with the row totals of t folded in; None stands for ones, which are never stored.
    offset : array of shape (rows, q) or None
        The known part of eta.
    """

    X: Matrix
    targets: FloatArray | IntArray
    weights: FloatArray | None
    offset: FloatArray | None

    @abstractmethod
    def times(self, coef: FloatArray) -> FloatArray:
        """Return B' x_i for each row, shape (q, rows), in memory the caller may overwrite, in the precision of B."""

    @abstractmethod
    def cross(self, values: FloatArray) -> FloatArray:
        """Return sum_i x_i v_i', shape (p, q), of values v of shape (q, rows), in their precision."""

    @abstractmethod
    def design(self, center: FloatArray, n_constants: int = 0, dtype: npt.DTypeLike = np.float64) -> FloatArray:
        """Return [x_i - center; 1] with so many ones, shape (rows, m), in memory the caller may overwrite."""

    def centred(self, center: FloatArray) -> FloatArray:
        """Return x_i - center, shape (rows, p), in memory the caller may overwrite."""
        return self.design(center)

    @abstractmethod
    def columns(self, features: npt.NDArray[np.intp]) -> FloatArray:
        """Return these columns of X, dense, shape (rows, k), in memory the caller may overwrite."""

    @abstractmethod
    def squares(self, center: FloatArray, values: FloatArray) -> FloatArray:
        """Return sum_i v_i (x_i - center)^2, shape (p,), of values v of shape (rows,)."""

    @abstractmethod
    def own_squares(self, values: FloatArray) -> FloatArray:
        """Return sum_i v_i x_i^2, shape (p,), of values v of shape (rows,)."""

    def products(self, center: FloatArray, weights: FloatArray | None, n_constants: int) -> FloatArray | None:  # noqa: ARG002
        """Return sum_i w_i z_i z_i', shape (m, m), of z = [x - center; 1] with m - p ones, w None for ones.

        None unless that takes much less than multiplying what `centred` returns, and loses no more than a few digits.
        """
        return None

    def predictor(self, coef: FloatArray, intercept: FloatArray) -> FloatArray:
        """Return eta_i = B' x_i + b + o_i, shape (q, rows)."""
        eta = self.times(coef)
        eta += intercept[:, np.newaxis]
        if self.offset is not None:
            eta += self.offset.T
        return eta

    def weighted(self, values: FloatArray) -> FloatArray:
        """Multiply values of shape (..., rows) by the weights of their rows, in place."""
        if self.weights is not None:
            values *= self.weights
        return values

    @property
    def row_weights(self) -> FloatArray:
        """The weights of the rows, shape (rows,), in memory the caller may overwrite: ones where none are stored."""
        return np.ones(len(self)) if self.weights is None else np.array(self.weights, dtype=np.float64)

    @property
    def counted_X(self) -> Matrix:  # noqa: N802 - as X is called
        """The rows of X of any weight."""
        return self.X if self.weights is None else self.X[self.weights > 0.0]

    @property
    def counted(self) -> FloatArray:
        """The rows of any weight, dense, shape (counted rows, p), in memory the caller may overwrite."""
        X = self.centred(np.zeros(self.X.shape[1]))
        return X if self.weights is None else X[self.weights > 0.0]

    def targets_matrix(self, n_parameters: int) -> FloatArray:
        """Return t_i, shape (q, rows). The one-hot matrix of class codes only ever exists for one block."""
        if self.targets.ndim == 1 and n_parameters > 1:
            one_hot = np.zeros((n_parameters, len(self)))
            one_hot[self.targets, np.arange(len(self))] = 1.0
            return one_hot
        return np.array(self.targets.T, dtype=np.float64, order="C", ndmin=2)

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.X.shape[0])


@final
@dataclass(frozen=True, slots=True)
class DenseBlock(Block):
    """A block of a dense matrix: a view, converted only while it is being multiplied."""

    def times(self, coef: FloatArray) -> FloatArray:
        X = self.X
        if len(coef) >= _MANY and _MOSTLY * np.count_nonzero(used := coef.T.copy().any(axis=0)) < len(coef):
            X, coef = X[:, used], coef[used]
        # A transposed view of coef, not a copy of it: BLAS multiplies that up to twice as fast where q is small.
        eta: FloatArray = np.matmul(coef.T, np.asarray(X, dtype=coef.dtype).T)
        return eta

    def cross(self, values: FloatArray) -> FloatArray:
        products: FloatArray = np.matmul(values, np.asarray(self.X, dtype=values.dtype))
        return products.T

    def design(self, center: FloatArray, n_constants: int = 0, dtype: npt.DTypeLike = np.float64) -> FloatArray:
        return _design(self.X, center, n_constants, dtype)

    def columns(self, features: npt.NDArray[np.intp]) -> FloatArray:
        return np.asarray(self.X[:, features], dtype=np.float64)

    def squares(self, center: FloatArray, values: FloatArray) -> FloatArray:
        centred = self.centred(center)
        centred *= centred
        return values @ centred

    def own_squares(self, values: FloatArray) -> FloatArray:
        return np.asarray(values @ np.square(self.X, dtype=np.float64, casting="same_kind"))


@final
@dataclass(frozen=True, slots=True)
class SparseBlock(Block):
    """A block of a CSR matrix. Only `centred` fills in the zeros, and of one block at a time."""

    def times(self, coef: FloatArray) -> FloatArray:
        return np.ascontiguousarray((self.X @ coef).T)

    def cross(self, values: FloatArray) -> FloatArray:
        return np.asarray(self.X.T @ values.T)

    def design(self, center: FloatArray, n_constants: int = 0, dtype: npt.DTypeLike = np.float64) -> FloatArray:
        return _design(self.X.toarray(), center, n_constants, dtype)

    def columns(self, features: npt.NDArray[np.intp]) -> FloatArray:
        return np.asarray(self.X[:, features].toarray(), dtype=np.float64)

    def squares(self, center: FloatArray, values: FloatArray) -> FloatArray:
        # v ((x - c)^2 - c^2) summed over the entries, plus c^2 sum v: the zeros are never visited.
        entries = self.X.astype(np.float64)
        entries.data *= entries.data - 2.0 * center[entries.indices]
        return np.asarray(values @ entries + values.sum() * center**2)

    def own_squares(self, values: FloatArray) -> FloatArray:
        entries = self.X.astype(np.float64)
        entries.data *= entries.data
        return np.asarray(values @ entries)

    def products(self, center: FloatArray, weights: FloatArray | None, n_constants: int) -> FloatArray | None:
        p, per_row = len(center), np.diff(self.X.indptr).astype(np.float64)
        if p <= _FEW_FEATURES or not per_row @ per_row * _DEARER < len(self) * p * p:
            return None
        values = np.ones(len(self)) if weights is None else weights
        ones = sparse.csr_array(np.ones((len(self), n_constants)))
        entries = sparse.csr_array(sparse.hstack([self.X.astype(np.float64), ones]))
        center = np.append(center, np.zeros(n_constants))
        products: FloatArray = (entries.T @ entries.multiply(values[:, np.newaxis]).tocsr()).toarray()
        sums, total = np.asarray(values @ entries), float(values.sum())
        sizes = products.diagonal() + total * center**2
        # w (x x' - c x' - x c' + c c'), summed; ones are columns of center 0.
        half = sums - total / 2.0 * center
        products -= np.stack([center, half], axis=1) @ np.stack([half, center])
        return products if (products.diagonal() >= _KEPT * sizes).all() else None


def _design(X: FloatArray, center: FloatArray, n_constants: int, dtype: npt.DTypeLike) -> FloatArray:
    """Return [x_i - center; 1] of dense rows; differences are formed in double precision."""
    n_rows, p = X.shape
    design = np.empty((n_rows, p + n_constants), dtype=dtype)
    np.subtract(X, center, out=design[:, :p], dtype=np.float64, casting="same_kind")
    design[:, p:] = 1.0
    return design


def make_block(
    X: Matrix, targets: FloatArray | IntArray, weights: FloatArray | None, offset: FloatArray | None
) -> Block:
    """Return the block of these rows, dense or sparse as X is."""
    kind = SparseBlock if sparse.issparse(X) else DenseBlock
    return kind(X, targets, weights, offset)


def is_sparse(X: Matrix) -> bool:
    """Tell whether a matrix is sparse."""
    return bool(sparse.issparse(X))


def dense(X: Matrix) -> FloatArray:
    """Return a matrix, sparse or not, as an array of float64."""
    return np.asarray(X.toarray() if is_sparse(X) else X, dtype=np.float64)
