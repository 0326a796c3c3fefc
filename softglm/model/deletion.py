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
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.model.coordinates import KroneckerCoordinates, null_coordinates, quick_coordinates
from softglm.model.many_classes import as_matrix
from softglm.model.objective import Objective
from softglm.model.passes import Passes
from softglm.model.penalties import Penalty
from softglm.model.prepared import Prepared
from softglm.model.proof.deletion import Metric, loss_bound
from softglm.once import cached_property
from softglm.sums import Deletions, Features, Predictor, RowMoves, RowParts

# So many steps without a row, with the Hessian with all of them; what moves another row by more is another problem.
_MAX_STEPS, _FAR = 30, 4.0
# A step that leaves more of the bound than this is not on its way to anything.
_SLOW = 0.7
# What others move by is not looked at where they cannot move by more than this.
_LITTLE = 0.3


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
        scales, rows = self.coordinates.scales, self.objective
        r, s = scales.shape
        between = self.inverse.reshape(r, s, r, s) * scales * scales[:, :, np.newaxis, np.newaxis]
        return Deletions(
            rows.family,
            Predictor(*rows.uncentred(self.parameters)),
            Features(rows.moments.center, self.coordinates.features),
            self.coordinates.classes,
            np.ascontiguousarray(between.transpose(1, 3, 0, 2)),
        )

    def rows_at(self, places: list[int]) -> "list[Row]":
        """Return what these rows contribute, by their places in ascending order."""
        deletions, first, found = self.deletions, 0, list[Row]()
        parts = RowParts(self.objective.family, deletions.predictor, deletions.features)
        for features, eta, targets, weights in self.objective.rows.map(parts):
            here = [place for place in places if first <= place < first + len(weights)]
            for place in here:
                k = place - first
                found.append(Row(place, features[k], eta[:, k], targets[:, k], float(weights[k])))
            first += len(weights)
        return found

    def without(self, row: "Row") -> "Deleted":
        """Return the problem without a row."""
        return Deleted(self, row)


@final
@dataclass(frozen=True, eq=False)
class Row:
    """One row of a fit.

    Attributes
    ----------
    place : int
    features : array of shape (r,)
        F'[x - c; 1].
    eta, targets : arrays of shape (q,)
    weight : float
    """

    place: int
    features: FloatArray
    eta: FloatArray
    targets: FloatArray
    weight: float


@final
@dataclass(frozen=True, eq=False)
class Approach:
    """How near the fit without a row is.

    Attributes
    ----------
    parameters : array of shape (m, q)
    eta : array of shape (q,)
        Of the row there.
    bound : float
        What its loss there may be off by, at most; inf where nothing is proved.
    """

    parameters: FloatArray
    eta: FloatArray
    bound: float


@final
class Deleted:
    """The problem without a row: steps towards its optimum, and what is proved of them.

    Parameters
    ----------
    curvature : Curvature
        Of the fit with all rows.
    row : Row
    """

    def __init__(self, curvature: Curvature, row: Row) -> None:
        self._curvature, self._row = curvature, row
        scales, classes = curvature.coordinates.scales, curvature.coordinates.classes
        family = curvature.objective.family
        s = scales.shape[1]
        self._map = np.zeros((s, scales.size))
        for a in range(s):
            self._map[a].reshape(scales.shape)[:, a] = row.features * scales[:, a]
        mean = family.mean(row.eta[:, np.newaxis])
        self._directions = family.curvature_directions @ classes
        bends = row.weight * family.curvature_weights(mean)[:, 0]
        information = (self._directions.T * bends) @ self._directions
        leverage = (curvature.deletions.inverse @ row.features) @ row.features
        grown = np.linalg.inv(np.identity(s) - leverage @ information)
        self._within = information @ grown
        self._spread = grown @ leverage
        self._shrinkage = max(float(np.trace(grown)) - (s - 1.0), 1.0)

    def _solve(self, gradient: FloatArray) -> FloatArray:
        """Return G^-1 times a gradient, shape (P,)."""
        direct = self._curvature.inverse @ gradient
        return np.asarray(direct + self._curvature.inverse @ (self._map.T @ (self._within @ (self._map @ direct))))

    def approach(self, reach: float, tolerance: float) -> Approach:
        """Return a point near the optimum, by Newton's steps with the Hessian at the fit.

        Parameters
        ----------
        reach : float
            The largest D' A D of the other rows.
        tolerance : float
            The bound on the loss of the row to reach.
        """
        curvature, row = self._curvature, self._row
        objective, coordinates = curvature.objective, curvature.coordinates
        largest = np.einsum("da,ab,db->d", self._directions, self._spread, self._directions).max(keepdims=True)
        radius = np.array([math.sqrt(reach * self._shrinkage)])
        here, best = Approach(curvature.parameters, row.eta, math.inf), math.inf
        position, way, gradient = np.zeros(curvature.gradient.shape), 0.0, self._left(curvature.gradient, row.eta)
        step = self._solve(gradient)
        for _ in range(_MAX_STEPS):
            position, way = position - step, way + float(_root(gradient @ step)[0])
            move = coordinates.displacement(position)
            moved = float(radius[0]) * way
            if moved > _LITTLE:
                moved = min(moved, self._largest_move(move))
            if not moved < _FAR:
                break
            eta, there = row.eta + coordinates.classes @ (self._map @ position), curvature.parameters + move
            _, slopes = curvature.passes.evaluate(there)
            gradient = self._left(objective.moments.total_weight * coordinates.pull_back(slopes), eta)
            step = self._solve(gradient)
            pull = (objective.family.mean(eta[:, np.newaxis])[:, 0] - row.targets) @ coordinates.classes
            metric = Metric(radius, largest, _root(pull @ self._spread @ pull))
            bound = float(loss_bound(_root(gradient @ step), np.array([moved]), metric)[0])
            if bound <= tolerance:
                return Approach(there, eta, bound)
            if bound > _SLOW * best:
                break
            here, best = Approach(there, eta, math.inf), bound
        return here

    def _left(self, gradient: FloatArray, eta: FloatArray) -> FloatArray:
        """Return the gradient without the row, shape (P,), of one with it, where the row has this eta."""
        row, classes = self._row, self._curvature.coordinates.classes
        mean = self._curvature.objective.family.mean(eta[:, np.newaxis])[:, 0]
        return np.asarray(gradient - row.weight * (((mean - row.targets) @ classes) @ self._map))

    def _largest_move(self, move: FloatArray) -> float:
        """Return the most that a move of the parameters moves another row by."""
        objective = self._curvature.objective
        (moves,) = objective.rows.concatenate(RowMoves(*objective.uncentred(move)))
        moves[self._row.place] = 0.0
        return float(moves.max())


def _root(square: FloatArray) -> FloatArray:
    """Return the root of what may be rounded to below 0, shape (1,)."""
    return np.sqrt(np.maximum(np.reshape(square, 1), 0.0))


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
