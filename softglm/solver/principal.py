"""Linear systems in the principal submatrices of one matrix, which differ from one another by few rows and columns."""

from typing import final

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

from softglm.arrays import BoolArray, FloatArray

Indices = npt.NDArray[np.intp]

# A factor is made anew once so large a part of its rows has changed; at once where these are few.
_CHANGED, _FEW = 1 / 24, 64
# A residual beyond this, relative to the right side, is taken out by another solution.
_EXACT = 1e-13
# What is added to the diagonal, relative to its mean.
PROXIMAL = 1e-10


@final
class PrincipalSystems:
    """Solves H_FF x = r: one Cholesky factor of a set F, and Schur complements of what has come or gone since.

    Parameters
    ----------
    matrix : array of shape (d, d)
        H, positive semidefinite; a small part of its mean diagonal is added, so that nearly singular ones are solved.

    Attributes
    ----------
    matrix : array of shape (d, d)
        May be replaced by one that continues it, with more rows and columns.
    """

    def __init__(self, matrix: FloatArray) -> None:
        self.matrix = matrix
        self.shift = PROXIMAL * (float(matrix.diagonal().mean()) or 1.0) if len(matrix) else 0.0
        # Of the factored set: its members, L, and columns of L^-1 for what has changed since.
        self._members: Indices = np.empty(0, dtype=np.intp)
        self._factor = np.empty((0, 0))
        self._solved: dict[tuple[bool, int], FloatArray] = {}

    def times(self, vector: FloatArray, support: Indices) -> FloatArray:
        """Return H v, shape (d,), of a vector that is 0 outside its support."""
        is_small = 2 * len(support) < len(vector)
        product = self.matrix[support].T @ vector[support] if is_small else self.matrix @ vector
        product[support] += self.shift * vector[support]
        return np.asarray(product)

    def solve(self, free: BoolArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return x, shape (d,), 0 where it is not free, and H x, so that H x = r where it is.

        Raises
        ------
        numpy.linalg.LinAlgError
            If the submatrix is not positive definite.
        """
        wanted = free.nonzero()[0]
        solution = self._solve(free, wanted, right)
        product = self.times(solution, wanted)
        residual = np.where(free, right - product, 0.0)
        if np.abs(residual).max(initial=0.0) > _EXACT * np.abs(right).max(initial=0.0):
            solution += self._solve(free, wanted, residual)
            product = self.times(solution, wanted)
        return solution, product

    def _solve(self, free: BoolArray, wanted: Indices, right: FloatArray) -> FloatArray:
        solution = np.zeros(len(right))
        if not len(wanted):
            return solution
        is_member = np.zeros(len(free), dtype=bool)
        is_member[self._members] = True
        changed = (free != is_member).nonzero()[0]
        if len(changed) > _CHANGED * len(wanted) or (len(changed) and len(wanted) <= _FEW):
            self._refactor(wanted)
            changed = changed[:0]
        reduced, _ = lapack.dtrtrs(self._factor, right[self._members], lower=1)
        if not len(changed):
            solution[self._members], _ = lapack.dtrtrs(self._factor, reduced, lower=1, trans=1)
            return solution
        come, gone = changed[free[changed]], changed[is_member[changed]]
        if len(gone):
            # L'x is kept orthogonal to the columns of L^-1 that belong to them, so that they are 0.
            left_out = _orthonormal(self._columns(gone, is_new=False))
            reduced -= left_out @ (reduced @ left_out)
        if len(come):
            columns = self._columns(come, is_new=True)
            if len(gone):
                columns = columns - left_out @ (left_out.T @ columns)
            complement = self.matrix[np.ix_(come, come)] - columns.T @ columns
            complement.flat[:: len(come) + 1] += self.shift
            solution[come] = _solve_definite(complement, right[come] - reduced @ columns)
            reduced = reduced - columns @ solution[come]
        solution[self._members], _ = lapack.dtrtrs(self._factor, reduced, lower=1, trans=1)
        solution[gone] = 0.0
        return solution

    def _refactor(self, wanted: Indices) -> None:
        # Rows and then columns: several times as fast as both at once.
        block = self.matrix[wanted].take(wanted, axis=1)
        block.flat[:: len(wanted) + 1] += self.shift
        self._factor, self._members = _cholesky(block), wanted
        self._solved = {}

    def _columns(self, changed: Indices, *, is_new: bool) -> FloatArray:
        """Return L^-1 of the columns of H of new ones, or of the identity of gone ones, shape (members, changed)."""
        missing = [entry for entry in changed.tolist() if (is_new, entry) not in self._solved]
        if missing:
            if is_new:
                right = self.matrix[self._members[:, np.newaxis], missing]
            else:
                right = (self._members[:, np.newaxis] == missing).astype(np.float64)
            solved, _ = lapack.dtrtrs(self._factor, right, lower=1)
            self._solved |= {(is_new, entry): column for entry, column in zip(missing, solved.T, strict=True)}
        return np.stack([self._solved[is_new, entry] for entry in changed.tolist()], axis=1)


def _orthonormal(columns: FloatArray) -> FloatArray:
    basis, _ = np.linalg.qr(columns)
    return np.asarray(basis)


def _cholesky(matrix: FloatArray) -> FloatArray:
    # The transpose is the same matrix, in LAPACK's order: it need not be copied.
    factor, failed = lapack.dpotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError(f"The matrix is not positive definite: its pivot {failed} is not positive.")
    return np.asarray(factor)


def _solve_definite(matrix: FloatArray, right: FloatArray) -> FloatArray:
    solution, _ = lapack.dpotrs(_cholesky(matrix), right, lower=1)
    return np.asarray(solution)
