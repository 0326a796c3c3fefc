r"""The Hessian of the likelihood in some (feature, class) pairs, kept while the fit moves on.

    H[(j, k), (l, m)] = sum_i w_i z_ij z_il A''_km(eta_i),    A'' = diag(mu) - mu mu' / sum(mu)   (one class: its own)

Pairs are added with the mean at that moment; what is there already stays as it was.
"""

from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.families import UnconstrainedFamily
from softglm.solver.principal import PrincipalSystems

Indices = npt.NDArray[np.intp]

# So many numbers are multiplied at a time, so that they stay in the cache; of so many rows at least.
_NUMBERS, _FEWEST = 2**18, 64


@final
class PairGram:
    """The Hessian, with the curvature of the penalty on its diagonal, of pairs in the order in which they came.

    Parameters
    ----------
    family : UnconstrainedFamily
    weights : array of shape (n,)

    Attributes
    ----------
    columns, classes : int arrays of shape (d,)
        Of the pairs.
    index : int array of shape (k, q)
        Which pair is which, -1 where it is none.
    systems : PrincipalSystems
        Of the matrix.
    """

    def __init__(self, family: UnconstrainedFamily, weights: FloatArray) -> None:
        self._family, self._weights = family, weights
        self._clear(0)

    def _clear(self, n_columns: int) -> None:
        self.columns = self.classes = np.empty(0, dtype=np.intp)
        self.index = np.full((n_columns, self._family.n_parameters), -1, dtype=np.intp)
        self._matrix, self._curvature = np.empty((0, 0)), np.empty(0)
        self.systems = PrincipalSystems(self._matrix)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.columns)

    def price(self, n_pairs: int) -> float:
        """Return what so many pairs cost to make anew, and to factor, in multiplications."""
        n, q = len(self._weights), self._family.n_parameters
        return n_pairs * (n * (n_pairs * (1.0 + (q > 1) / q) / 2.0 + 4.0) + n_pairs**2 / 6.0)

    def include(self, wanted: BoolArray, columns: FloatArray, mean: FloatArray, curvature: FloatArray) -> None:
        """Add the wanted pairs that are not there yet.

        Parameters
        ----------
        wanted : bool array of shape (k, q)
        columns : array of shape (k, n)
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

    def rebuild(self, wanted: BoolArray, columns: FloatArray, mean: FloatArray, curvature: FloatArray) -> None:
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

    def _rows(self, first: int, columns: FloatArray, mean: FloatArray) -> FloatArray:
        """Return the rows of the Hessian from the first of these pairs on, shape (d - first, d)."""
        n, d, q = columns.shape[1], len(self), len(mean)
        # Class by class, so that each is multiplied by its own weights in one go.
        order = np.argsort(self.classes, kind="stable")
        is_new, those = order >= first, self.columns[order]
        ends = np.searchsorted(self.classes[order], np.arange(q + 1))
        new_ends = np.append(0, np.cumsum(is_new))[ends]
        products = np.zeros((d - first, d))
        step = max(_NUMBERS // max(d, 1), _FEWEST)
        for start in range(0, n, step):
            part = slice(start, start + step)
            weights, mu, z = self._weights[part], mean[:, part], columns[those, part]
            if q == 1:
                z *= np.sqrt(weights * self._family.curvature_weights(mu)[0])
                products += _outer(z, is_new)
                continue
            own, shares = np.sqrt(weights * mu), np.sqrt(mu / mu.sum(axis=0))
            for k in range(q):
                of_class, new = slice(*ends[k : k + 2]), slice(*new_ends[k : k + 2])
                z[of_class] *= own[k]
                products[new, of_class] += _outer(z[of_class], is_new[of_class])
                z[of_class] *= shares[k]
            products -= _outer(z, is_new)
        rows = np.empty_like(products)
        rows[(order[is_new] - first)[:, np.newaxis], order] = products
        return rows


def _outer(factors: FloatArray, which: BoolArray) -> FloatArray:
    """Return the products of which rows with all of them."""
    return np.asarray((factors if which.all() else factors[which]) @ factors.T)
