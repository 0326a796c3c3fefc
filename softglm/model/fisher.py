r"""The exact Fisher information, assembled over blocks of rows; for canonical families also the Hessian.

With A'' = sum_d v_d D_d D_d' (v_d >= 0: for the categorical family one term mu_k mu_l (e_k - e_l)(e_k - e_l)' for each
pair of classes) the information is sum_d D_d D_d' (x) sum_i w_i v_d(mu_i) z_i z_i': no cancellation anywhere, so it
stays positive semidefinite where classes separate, and half the products of the form diag(mu) - mu mu'.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.objective import Objective
from softglm.sums import Features, Information
from softglm.sums.grams import triangle

# Up to d s = _FEW q^2 (12 classes) one product over all d directions is faster than two that use their zeros.
_FEW = 5


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
    (grams,) = rows.sum(information_sum(objective, parameters, coordinates))
    return hessian_of(objective, grams, coordinates)


def information_sum(objective: Objective, parameters: FloatArray, coordinates: KroneckerCoordinates) -> Information:
    """Return what is summed for the Hessian in these coordinates."""
    features = Features(objective.moments.center, coordinates.features)
    return Information(objective.family, *objective.rounded(parameters), features)


def hessian_of(objective: Objective, grams: FloatArray, coordinates: KroneckerCoordinates) -> FloatArray:
    """Return the Hessian, shape (r s, r s), given the sum that `information_sum` describes."""
    information = between_classes(grams, objective.family.curvature_directions, coordinates.classes)
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
    upper, lower = triangle(len(moments))
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
def _places(size: int) -> npt.NDArray[np.intp]:
    """Return where in the packed upper triangle each entry of a symmetric matrix is, shape (size, size)."""
    upper, lower = triangle(size)
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
        return np.asarray(grams.T.dot(pairs)).reshape(-1, s, s)
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
