r"""The fit without one of its rows, near the fit with all of them.

In whitened coordinates, with V the inverse of the Hessian of the total loss W f, and Z, shape (s, P), the map from them
to the s identified directions of eta at the row,

    G^-1 = V + w V Z' B (I - w A B)^-1 Z V,    A = Z V Z',

is the inverse of the Hessian without the row, of weight w and curvature B.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy import linalg

from softglm.arrays import BoolArray, FloatArray
from softglm.model.coordinates import null_coordinates, quick_coordinates
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.many_classes import as_matrix
from softglm.model.objective import Objective
from softglm.model.passes import Passes
from softglm.model.penalties import Penalty
from softglm.model.prepared import Prepared
from softglm.once import cached_property
from softglm.sums import Deletions, Features, Predictor, RowParts


@final
@dataclass(frozen=True, eq=False)
class Curvature:
    """The Hessian of the total loss W f at some parameters, inverted in whitened coordinates.

    Attributes
    ----------
    passes : Passes
        Of the objective.
    parameters : array of shape (m, q)
    coordinates : KroneckerCoordinates
    inverse : array of shape (P, P)
        V.
    gradient : array of shape (P,)
        Of W f.
    """

    passes: Passes
    parameters: FloatArray
    coordinates: KroneckerCoordinates
    inverse: FloatArray
    gradient: FloatArray

    @property
    def objective(self) -> Objective:
        """That of the passes."""
        return self.passes.objective

    @property
    def decrement(self) -> float:
        """How long the gradient is."""
        return math.sqrt(max(float(self.gradient @ self.inverse @ self.gradient), 0.0))

    @cached_property
    def deletions(self) -> Deletions:
        """What becomes of rows that are left out."""
        scales, objective = self.coordinates.scales, self.objective
        r, s = scales.shape
        inverse = self.inverse.reshape(r, s, r, s) * scales * scales[:, :, np.newaxis, np.newaxis]
        return Deletions(
            objective.family,
            Predictor(*objective.uncentred(self.parameters)),
            Features(objective.moments.center, self.coordinates.features),
            self.coordinates.classes,
            np.ascontiguousarray(inverse.transpose(1, 3, 0, 2)),
        )

    def rows_at(self, places: npt.NDArray[np.intp]) -> "ChosenRows":
        """Return what these rows contribute, by their places in ascending order."""
        parts = RowParts(self.objective.family, self.deletions.predictor, self.deletions.features)
        first, found = 0, []
        for features, eta, targets, weights in self.objective.rows.map(parts):
            here = places[(places >= first) & (places < first + len(weights))] - first
            found.append((features[here].T, eta[:, here], targets[:, here], weights[here]))
            first += len(weights)
        features, eta, targets, weights = (np.concatenate(part, axis=-1) for part in zip(*found, strict=True))
        return ChosenRows(places, features.T, eta, targets, weights)


@final
@dataclass(frozen=True, eq=False)
class ChosenRows:
    """Some rows of a fit.

    Attributes
    ----------
    places : int array of shape (k,)
    features : array of shape (k, r)
        F'[x - c; 1].
    eta, targets : arrays of shape (q, k)
    weights : array of shape (k,)
    """

    places: npt.NDArray[np.intp]
    features: FloatArray
    eta: FloatArray
    targets: FloatArray
    weights: FloatArray

    def taken(self, which: BoolArray) -> "ChosenRows":
        """Return some of them."""
        return ChosenRows(
            self.places[which], self.features[which], self.eta[:, which], self.targets[:, which], self.weights[which]
        )


def curvature_at(prepared: Prepared, penalty: Penalty, parameters: FloatArray) -> Curvature | None:
    """Return the curvature of the total loss; None where the Hessian is singular to rounding.

    Parameters
    ----------
    prepared : Prepared
    penalty : Penalty
    parameters : array of shape (m, q)
        Of the rows as they are read.
    """
    passes = prepared.passes(penalty)
    objective = passes.objective
    total = objective.moments.total_weight
    moments, information = prepared.null_moments(is_full=True), as_matrix(prepared.null.information)
    if objective.is_penalised:
        _, coordinates = quick_coordinates(objective, information, moments.diagonal() / total, is_sampled=False)
    else:
        coordinates = null_coordinates(objective, information, moments)
    hessian = passes.hessian(parameters, coordinates, objective.rows)
    _, gradient = objective.evaluate(parameters)
    factor, info = linalg.lapack.dpotrf(hessian.T, lower=1)
    if info:
        return None
    inverse, _ = linalg.lapack.dpotri(factor, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    return Curvature(passes, parameters, coordinates, inverse / total, total * coordinates.pull_back(gradient))
