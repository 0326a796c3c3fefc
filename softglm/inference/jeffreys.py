r"""Jeffreys' prior as a penalty: half the log determinant of the information, and its slope.

With V the inverse of the information F(theta) = sum_i w_i sum_d v_d(mu_i) (D_d (x) z_i)(D_d (x) z_i)', D_d the
directions of the family's curvature,

    d log det F = tr(V dF),    which is the gradient of tr(V F(theta)), V held fixed.

Added to the score of a canonical family it is Firth's (1993) modification, which removes the first-order bias of the
estimates: along each pair of classes, it is as if half the leverage of a row had been observed of either.
"""

import numpy as np

from softglm.arrays import FloatArray
from softglm.model import Objective
from softglm.model.kronecker import KroneckerCoordinates
from softglm.sums import Features, InformationSlopes, Predictor


def log_prior_gradient(
    objective: Objective, parameters: FloatArray, coordinates: KroneckerCoordinates, inverse: FloatArray
) -> FloatArray:
    """Return the gradient of half the log determinant of the information, in coordinates, shape (P,).

    Parameters
    ----------
    objective : Objective
    parameters : array of shape (m, q)
        Where.
    coordinates : KroneckerCoordinates
    inverse : array of shape (P, P)
        V, that of the information there, in coordinates.
    """
    center = objective.moments.center
    slopes = InformationSlopes(
        objective.family,
        Predictor(*objective.uncentred(parameters)),
        Features(center, coordinates.features),
        _along(objective.family.curvature_directions, coordinates, inverse),
    )
    cross, total = objective.rows.sum(slopes)
    gradient = np.empty(objective.shape)
    np.subtract(cross, np.outer(center, total), out=gradient[: len(cross)])
    gradient[len(cross) :] = total
    return coordinates.pull_back(gradient) / 2.0


def _along(directions: FloatArray, coordinates: KroneckerCoordinates, inverse: FloatArray) -> FloatArray:
    """Return what V is between the features, shape (d, r, r), along each direction of eta, shape (d, q)."""
    scales, classes = coordinates.scales, coordinates.classes
    r, s = scales.shape
    scaled = inverse.reshape(r, s, r, s) * scales * scales[:, :, np.newaxis, np.newaxis]
    between = np.einsum("ka,iajb,lb->klij", classes, scaled, classes, optimize=True)
    along = np.empty((len(directions), r, r))
    for matrix, direction in zip(along, directions, strict=True):
        touched = np.flatnonzero(direction)
        sizes = direction[touched]
        np.einsum("k,l,klij->ij", sizes, sizes, between[np.ix_(touched, touched)], out=matrix)
    return along
