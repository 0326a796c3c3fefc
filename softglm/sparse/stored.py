r"""The Hessian of the likelihood from the entries that sparse rows have, where most of them are 0.

With z = e - c, e the entries of a column and c what centres it, and a row's curvature a_km = d_k [k = m] - r_k r_m,

    H[(j, k), (l, m)] = sum_i e_ij e_il a_km - c_l t[(j, k), m] - c_j t[(l, m), k] + c_j c_l s_km
    t[(j, k), m] = sum_i e_ij a_km,   s_km = sum_i a_km,   d_k = w mu_k,   r_k = w^1/2 mu_k / (sum mu)^1/2
"""

from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray
from softglm.families import UnconstrainedFamily

Indices = npt.NDArray[np.intp]

# In nanoseconds, about as measured: of a product of two entries, of an entry that is copied.
_PRODUCT, _ENTRY = 1.5, 30.0


@final
class StoredColumns(NamedTuple):
    """Columns as they are stored, in the units of those that are worked on.

    Attributes
    ----------
    entries : CSR matrix of shape (k, n)
        A row for each column.
    center : array of shape (k,)
        What is subtracted from each.
    """

    entries: sparse.csr_array
    center: FloatArray

    def price(self, columns: Indices, first: int) -> float:
        """Return what `hessian` costs for pairs of these columns from the first on, in nanoseconds.

        Entries of a row are taken to be as many as those of any other.
        """
        n, counts = self.entries.shape[1], np.diff(self.entries.indptr)[columns]
        return float(_ENTRY * counts.sum() + _PRODUCT * float(counts[first:].sum()) * float(counts.sum()) / n)


def hessian(
    family: UnconstrainedFamily,
    stored: StoredColumns,
    pairs: tuple[Indices, Indices],
    mean: FloatArray,
    weights: FloatArray,
    *,
    first: int = 0,
) -> FloatArray:
    """Return the Hessian in pairs from the first of them on beside all, shape (d - first, d).

    Parameters
    ----------
    family : UnconstrainedFamily
        With one class, or several whose curvature is diag(mu) - mu mu' / sum(mu).
    stored : StoredColumns
    pairs : two int arrays of shape (d,)
        Columns and classes.
    mean : array of shape (q, n)
    weights : array of shape (n,)
    first : int, default=0
    """
    (columns, classes), (q, n) = pairs, mean.shape
    own = weights * (family.curvature_weights(mean) if q == 1 else mean)
    shared = np.zeros((1, n)) if q == 1 else mean * np.sqrt(weights / mean.sum(axis=0))
    entries, center = stored.entries[columns], stored.center[columns]
    counts = np.diff(entries.indptr)
    of_class = np.repeat(classes, counts)

    def scaled(factors: FloatArray) -> FloatArray:
        return np.asarray(entries.data * factors[of_class, entries.indices])

    def with_entries(data: FloatArray, indices: npt.NDArray[np.integer], width: int) -> sparse.csr_array:
        return sparse.csr_array((data, indices, entries.indptr), shape=(len(columns), width))

    # Beside each other, classes have no row in common: what is of one class is multiplied by nothing of another.
    apart = with_entries(scaled(np.sqrt(own)), entries.indices + n * of_class, q * n)
    products = apart[first:] @ apart.T
    sums = np.zeros((len(columns), q))
    sums[np.arange(len(columns)), classes] = with_entries(scaled(own), entries.indices, n).sum(axis=1)
    if q > 1:
        together = with_entries(scaled(shared), entries.indices, n)
        products = products - together[first:] @ together.T
        sums -= together @ shared.T
    totals = np.diag(own.sum(axis=1)) - shared @ shared.T
    new = slice(first, None)
    rows = products.toarray()
    rows -= sums[new][:, classes] * center
    rows -= center[new, np.newaxis] * sums[:, classes[new]].T
    rows += np.outer(center[new], center) * totals[np.ix_(classes[new], classes)]
    return np.asarray(rows)
