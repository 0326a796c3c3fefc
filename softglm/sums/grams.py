"""Sums of products of features under several weights at once, as packed upper triangles."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray

# So many products of pairs of features are formed at a time, so that they stay in the cache.
_PRODUCTS = 2**18


def weighted_grams(weights: FloatArray, features: FloatArray) -> FloatArray:
    """Return sum_i v_di z_i z_i' for each d, as packed upper triangles, shape (d, r (r + 1) / 2).

    Parameters
    ----------
    weights : array of shape (d, rows)
        v >= 0.
    features : array of shape (rows, r)
    """
    rows, r = features.shape
    if not is_by_products(r, len(weights)):
        grams = np.empty((len(weights), r, r), dtype=features.dtype)
        for gram, root in zip(grams, np.sqrt(weights), strict=True):
            scaled = root[:, np.newaxis] * features
            np.matmul(scaled.T, scaled, out=gram)
        return grams[:, *triangle(r)]
    total = np.zeros((len(weights), r * (r + 1) // 2), dtype=features.dtype)
    step = max(_PRODUCTS // max(total.shape[1], 1), 1)
    for start in range(0, rows, step):
        part = slice(start, start + step)
        total += weights[:, part] @ products(features[part].T.copy()).T
    return total


def quadratic_forms(matrices: FloatArray, features: FloatArray) -> FloatArray:
    """Return z_i' V_d z_i for each d, shape (d, rows).

    Parameters
    ----------
    matrices : array of shape (d, r, r)
        V, symmetric.
    features : array of shape (rows, r)
    """
    rows, r = features.shape
    forms = np.empty((len(matrices), rows))
    if not is_by_products(r, len(matrices)):
        for form, matrix in zip(forms, matrices, strict=True):
            np.einsum("ij,ij->i", features @ matrix, features, out=form)
        return forms
    upper, lower = triangle(r)
    packed = matrices[:, upper, lower] * np.where(upper == lower, 1.0, 2.0)
    step = max(_PRODUCTS // max(packed.shape[1], 1), 1)
    for start in range(0, rows, step):
        part = slice(start, start + step)
        np.matmul(packed, products(np.ascontiguousarray(features[part].T)), out=forms[:, part])
    return forms


def is_by_products(n_features: int, n_weights: int) -> bool:
    """Tell whether to form the products of features, and sum them under all the weights by one matrix product.

    Measured: with few weights, one symmetric rank-k update each is faster.
    """
    return n_features <= 2 * n_weights


def products(columns: FloatArray) -> FloatArray:
    """Return z_j z_l for j <= l, shape (r (r + 1) / 2, rows), of features z of shape (r, rows)."""
    r, rows = columns.shape
    filled, first = np.empty_like(columns, shape=(r * (r + 1) // 2, rows)), 0
    for j, column in enumerate(columns):
        np.multiply(column, columns[j:], out=filled[first : first + r - j])
        first += r - j
    return filled


@lru_cache(maxsize=16)
def triangle(size: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the indices of an upper triangle, row by row."""
    rows, columns = np.triu_indices(size)
    return rows, columns
