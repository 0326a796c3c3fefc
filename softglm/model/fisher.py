r"""The exact Fisher information, assembled over blocks of rows; for canonical families also the Hessian.

With A'' = sum_d v_d D_d D_d' (v_d >= 0: for the categorical family one term mu_k mu_l (e_k - e_l)(e_k - e_l)' for each
pair of classes) the information is sum_d D_d D_d' (x) sum_i w_i v_d(mu_i) z_i z_i': no cancellation anywhere, so it
stays positive semidefinite where classes separate, and half the products of the form diag(mu) - mu mu'.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import Block, Rows
from softglm.model.coordinates import KroneckerCoordinates
from softglm.model.objective import Objective

# Up to d s = _FEW q^2 (12 classes) one product over all d directions is faster than two that use their zeros.
_FEW = 5
# Rows at a time, so that the products of pairs of features stay in the cache.
_ROWS = 256


def hessian(
    objective: Objective, parameters: FloatArray, coordinates: KroneckerCoordinates, rows: Rows | None = None
) -> FloatArray:
    """Return the Hessian of f in these coordinates, shape (r s, r s): penalty included, exact unless it is estimated.

    Parameters
    ----------
    objective : Objective
    parameters : array of shape (m, q)
        Where.
    coordinates : KroneckerCoordinates
        Assembling in whitened coordinates is what keeps badly scaled columns from drowning the others in rounding.
    rows : Rows or None, default=None
        A sample of the rows, from which it is estimated.
    """
    rows = objective.rows if rows is None else rows
    family, scales = objective.family, coordinates.scales
    coef, intercept = objective.uncentred(parameters)

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        _, mean = family.normalizer_and_mean(block.predictor(coef, intercept))
        features = coordinates.features_of(block.centred(objective.moments.center))
        return (weighted_grams(block.weighted(family.curvature_weights(mean)), features),)

    grams = rows.sum(statistic)[0] / objective.moments.total_weight
    information = between_classes(grams, family.curvature_directions, coordinates.classes)
    r, s = scales.shape
    upper, lower = _triangle(r)
    full = np.empty((r, s, r, s))
    full[upper, :, lower, :] = information
    full[lower, :, upper, :] = information
    full *= scales
    full *= scales[:, :, np.newaxis, np.newaxis]
    matrix = full.reshape(r * s, r * s)
    # Along a coordinate of scale 0 nothing moves, and any curvature will do.
    diagonal = matrix.reshape(-1)[:: r * s + 1]
    diagonal += np.ravel(coordinates.ridge[:, np.newaxis] * scales**2 + (scales == 0.0))
    return matrix


@lru_cache(maxsize=16)
def _triangle(size: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the indices of an upper triangle, row by row."""
    rows, columns = np.triu_indices(size)
    return rows, columns


def between_classes(grams: FloatArray, directions: FloatArray, classes: FloatArray) -> FloatArray:
    """Return sum_d (Q'D_d)(Q'D_d)' g_d, shape (t, s, s), of g of shape (d, t)."""
    q, s = classes.shape
    if len(grams) * s <= _FEW * q * q:
        coded = classes.T @ directions.T
        pairs = (coded[:, np.newaxis] * coded).reshape(s * s, -1)
        return np.asarray(grams.T @ pairs.T).reshape(-1, s, s)
    coded = np.empty((q, q, grams.shape[1]))
    for row, column in zip(coded, directions.T, strict=True):
        touched = np.flatnonzero(column)
        np.matmul((column[touched, np.newaxis] * directions[touched]).T, grams[touched], out=row)
    half = (classes.T @ coded.reshape(q, -1)).reshape(s, q, -1)
    return np.moveaxis(classes.T @ half, -1, 0)


def weighted_grams(weights: FloatArray, features: FloatArray) -> FloatArray:
    """Return sum_i v_di z_i z_i' for each d, as packed upper triangles, shape (d, r (r + 1) / 2).

    Parameters
    ----------
    weights : array of shape (d, rows)
        v >= 0.
    features : array of shape (rows, r)
    """
    rows, r = features.shape
    if r > 2 * len(weights):  # measured: with few weights, one symmetric rank-k update each is faster
        grams = np.empty((len(weights), r, r))
        for gram, root in zip(grams, np.sqrt(weights), strict=True):
            scaled = root[:, np.newaxis] * features
            np.matmul(scaled.T, scaled, out=gram)
        return grams[:, *_triangle(r)]
    # With many, the products z_j z_l are formed once and summed under all the weights by one matrix product.
    total = np.zeros((len(weights), r * (r + 1) // 2))
    products = np.empty((total.shape[1], min(rows, _ROWS)))
    for start in range(0, rows, _ROWS):
        columns = np.ascontiguousarray(features[start : start + _ROWS].T)
        filled, first = products[:, : columns.shape[1]], 0
        for j, column in enumerate(columns):
            np.multiply(column, columns[j:], out=filled[first : first + r - j])
            first += r - j
        total += weights[:, start : start + _ROWS] @ filled.T
    return total
