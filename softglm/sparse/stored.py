r"""The Hessian of the likelihood from the entries that sparse rows have, where most of them are 0.

With z = e - c, e the entries of a column and c what centres it, and a row's curvature a_km = d_k [k = m] - r_k r_m,

    H[(j, k), (l, m)] = sum_i e_ij e_il a_km - c_l t[(j, k), m] - c_j t[(l, m), k] + c_j c_l s_km
    t[(j, k), m] = sum_i e_ij a_km,   s_km = sum_i a_km,   d_k = w mu_k,   r_k = w^1/2 mu_k / (sum mu)^1/2
"""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray
from softglm.families import UnconstrainedFamily
from softglm.sparse.matrix import StoredColumns

Indices = npt.NDArray[np.intp]

# In nanoseconds, about as measured: once; of an entry that is copied, of a product of two; of a sum of some of these,
# of a number of the result.
_ONCE, _ENTRY, _PRODUCT, _SUM, _NUMBER = 2.5e5, 30.0, 4.0, 12.0, 6.0


def hessian_price(columns: StoredColumns, which: Indices, first: int) -> float:
    """Return what `hessian` costs for pairs of these columns from the first on, in nanoseconds.

    Entries of a row are taken to be as many as those of any other.
    """
    counts = columns.counts[which].astype(np.float64)
    products = counts[first:].sum() * counts.sum() / columns.shape[1]
    size = float(len(which) - first) * len(which)
    sums = _PRODUCT * products + _SUM * min(products, size) + _NUMBER * size
    return float(_ONCE + _ENTRY * counts.sum() + sums)


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
    (columns, classes), (q, n), d = pairs, mean.shape, len(pairs[0])
    entries, new, every = stored.entries[columns], slice(first, None), np.arange(d)
    of_pair, rows = np.repeat(every, np.diff(entries.indptr)), entries.indices
    at = classes[of_pair] * n + rows

    def with_entries(data: FloatArray, indices: npt.NDArray[np.integer], width: int) -> sparse.csr_array:
        return sparse.csr_array((data, indices, entries.indptr), shape=(d, width))

    # t and s, by classes.
    sums, centers = np.zeros((2, d, q))
    own = weights * (family.curvature_weights(mean) if q == 1 else mean)
    roots = np.sqrt(own).ravel()[at]
    scaled, totals = entries.data * roots, np.diag(own.sum(axis=1))
    sums[every, classes] = np.bincount(of_pair, scaled * roots, d)
    # Beside each other, classes have no row in common: what is of one class is multiplied by nothing of another.
    apart = with_entries(scaled, at, q * n)
    hessian = (apart[new] @ apart.T).toarray()
    if q > 1:
        shared = mean * np.sqrt(weights / mean.sum(axis=0))
        together = with_entries(entries.data * shared.ravel()[at], rows, n)
        hessian -= (together[new] @ together.T).toarray()
        sums -= together @ shared.T
        totals -= shared @ shared.T
    # What centring takes away, as products of few columns: half of c_j c_l s_km with each of the two sums.
    centers[every, classes] = stored.center[columns]
    sums -= centers @ totals / 2.0
    hessian -= np.hstack([sums, centers])[new] @ np.hstack([centers, sums]).T
    return np.asarray(hessian)
