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
# So many products of pairs of features are formed at a time, so that they stay in the cache.
_PRODUCTS = 2**18


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
    family, center = objective.family, objective.moments.center
    coef, intercept = objective.rounded(parameters)

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        _, mean = family.normalizer_and_mean(block.predictor(coef, intercept))
        features = coordinates.features_of(block.centred(center, out=np.empty(block.X.shape, dtype=objective.dtype)))
        grams = weighted_grams(block.weighted(family.curvature_weights(mean)), features)
        return (grams.astype(np.float64, copy=False),)

    information = between_classes(rows.sum(statistic)[0], family.curvature_directions, coordinates.classes)
    return assembled(information, objective.moments.total_weight, coordinates)


def null_hessian(
    objective: Objective, information: FloatArray, moments: FloatArray, coordinates: KroneckerCoordinates
) -> FloatArray:
    """Return the Hessian at the null model, where every row has the same information: exact without an offset.

    Parameters
    ----------
    objective : Objective
    information : array of shape (q, q)
        Of one row, per unit of weight.
    moments : array of shape (m, m)
        sum w z z' of z = [x - c; 1].
    coordinates : KroneckerCoordinates
        Whose features are diagonal.
    """
    upper, lower = _triangle(len(moments))
    grams = coordinates.features[upper] * coordinates.features[lower] * moments[upper, lower]
    between = coordinates.classes.T @ information @ coordinates.classes
    return assembled(np.multiply.outer(grams, between), objective.moments.total_weight, coordinates)


def assembled(information: FloatArray, total_weight: float, coordinates: KroneckerCoordinates) -> FloatArray:
    """Return the Hessian, shape (r s, r s), given the information of all rows, as `between_classes` returns it."""
    r, s = coordinates.scales.shape
    matrix = information.take(_places(r), axis=0).swapaxes(1, 2).reshape(r * s, r * s)
    scales = np.ravel(coordinates.scales)
    matrix *= scales
    matrix *= (scales / total_weight)[:, np.newaxis]
    # Along a coordinate of scale 0 nothing moves, and any curvature will do.
    diagonal = matrix.reshape(-1)[:: r * s + 1]
    diagonal += coordinates.penalty
    return matrix


@lru_cache(maxsize=16)
def _triangle(size: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the indices of an upper triangle, row by row."""
    rows, columns = np.triu_indices(size)
    return rows, columns


@lru_cache(maxsize=16)
def _places(size: int) -> npt.NDArray[np.intp]:
    """Return where in the packed upper triangle each entry of a symmetric matrix is, shape (size, size)."""
    upper, lower = _triangle(size)
    places = np.empty((size, size), dtype=np.intp)
    places[upper, lower] = places[lower, upper] = np.arange(len(upper))
    return places


def between_classes(
    grams: FloatArray, directions: FloatArray, classes: FloatArray, pairs: FloatArray | None = None
) -> FloatArray:
    """Return sum_d (Q'D_d)(Q'D_d)' g_d, shape (t, s, s), of g of shape (d, t).

    Parameters
    ----------
    grams : array of shape (d, t)
        g.
    directions : array of shape (d, q)
        D.
    classes : array of shape (q, s)
        Q.
    pairs : array of shape (d, s * s) or None, default=None
        Those of the classes, if they are at hand.
    """
    q, s = classes.shape
    if pairs is None:
        pairs = pairs_of_classes(directions, classes)
    if pairs is not None:
        return np.asarray(grams.T @ pairs).reshape(-1, s, s)
    coded = np.empty((q, q, grams.shape[1]))
    for row, column in zip(coded, directions.T, strict=True):
        touched = np.flatnonzero(column)
        np.matmul((column[touched, np.newaxis] * directions[touched]).T, grams[touched], out=row)
    half = (classes.T @ coded.reshape(q, -1)).reshape(s, q, -1)
    return np.moveaxis(classes.T @ half, -1, 0)


def pairs_of_classes(directions: FloatArray, classes: FloatArray) -> FloatArray | None:
    """Return (Q'D_d)(Q'D_d)', shape (d, s * s); None where two products that use the zeros of D are faster."""
    q, s = classes.shape
    if len(directions) * s > _FEW * q * q:
        return None
    coded = directions @ classes
    return (coded[:, :, np.newaxis] * coded[:, np.newaxis]).reshape(len(coded), -1)


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
        return grams[:, *_triangle(r)]
    total = np.zeros((len(weights), r * (r + 1) // 2), dtype=features.dtype)
    step = max(_PRODUCTS // total.shape[1], 1)
    for start in range(0, rows, step):
        part = slice(start, start + step)
        total += weights[:, part] @ products(np.ascontiguousarray(features[part].T)).T
    return total


def is_by_products(n_features: int, n_weights: int) -> bool:
    """Tell whether to form the products of features, and sum them under all the weights by one matrix product.

    Measured: with few weights, one symmetric rank-k update each is faster.
    """
    return n_features <= 2 * n_weights


def products(columns: FloatArray) -> FloatArray:
    """Return z_j z_l for j <= l, shape (r (r + 1) / 2, rows), of features z of shape (r, rows)."""
    r, rows = columns.shape
    filled, first = np.empty((r * (r + 1) // 2, rows), dtype=columns.dtype), 0
    for j, column in enumerate(columns):
        np.multiply(column, columns[j:], out=filled[first : first + r - j])
        first += r - j
    return filled
