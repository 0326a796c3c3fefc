r"""Steps towards the fits without each of some rows, all of them at once, and what is proved of them.

Every step is Newton's with the Hessian G without the row, made at the fit with all of them: of a row that needs one
more, the gradient is summed over the others at the new place, and what is left after the step is bounded by how far the
others have been moved; see `softglm.model.proof.deletion`.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.model.coordinates import KroneckerCoordinates
from softglm.model.deletion import ChosenRows, Curvature
from softglm.model.proof.deletion import Metric, loss_bound, remaining_gradient
from softglm.sums import Moves, between, left_out, lengths_in

# So many steps; what moves another row by more nats is another problem.
_MAX_STEPS, _FAR = 30, 4.0
# A step that leaves more of the bound than this is not on its way to anything.
_SLOW = 0.7


@final
@dataclass(frozen=True, eq=False)
class Approach:
    """How near the fits without each of k rows are.

    Attributes
    ----------
    coordinates : array of shape (k, P)
        Of a place near that fit, from the fit with all rows.
    eta : array of shape (q, k)
        Of the row there.
    bound : array of shape (k,)
        What its loss there may be off by, at most; inf where nothing is proved.
    """

    coordinates: FloatArray
    eta: FloatArray
    bound: FloatArray


@final
@dataclass(frozen=True, eq=False)
class _Deleted:
    """The problems without each of k rows, in the metric of the Hessian there.

    Attributes
    ----------
    curvature : Curvature
    rows : ChosenRows
    leverage, within, without : arrays of shape (k, s, s)
        A; and what `left_out` says.
    reach, radius : arrays of shape (k,)
        The largest D' M D; the most that a step of length 1 moves another row by.
    """

    curvature: Curvature
    rows: ChosenRows
    leverage: FloatArray
    within: FloatArray
    without: FloatArray
    reach: FloatArray
    radius: FloatArray

    def taken(self, which: BoolArray) -> "_Deleted":
        """Return those of some of the rows."""
        parts = (self.leverage, self.within, self.without, self.reach, self.radius)
        return _Deleted(self.curvature, self.rows.taken(which), *(part[which] for part in parts))

    def seen(self, coordinates: FloatArray) -> FloatArray:
        """Return Z times coordinates, shape (k, s)."""
        scales = self.curvature.coordinates.scales
        core = coordinates.reshape(-1, *scales.shape) * scales
        return np.asarray(np.matmul(self.rows.features[:, np.newaxis], core)[:, 0])

    def spread(self, values: FloatArray) -> FloatArray:
        """Return Z' times values of shape (k, s), shape (k, P)."""
        scales = self.curvature.coordinates.scales
        spread = self.rows.features[:, :, np.newaxis] * scales * values[:, np.newaxis]
        return np.asarray(spread.reshape(len(values), -1))

    def scores(self, eta: FloatArray) -> FloatArray:
        """Return Q'(mu - t) of the rows where they have this eta, shape (k, s)."""
        mean = self.curvature.objective.family.mean(eta)
        return np.asarray((mean - self.rows.targets).T @ self.curvature.coordinates.classes)

    def without_own(self, gradient: FloatArray, eta: FloatArray) -> FloatArray:
        """Return gradients without the rows, shape (k, P), of those with them, where they have this eta."""
        return np.asarray(gradient - self.spread(self.rows.weights[:, np.newaxis] * self.scores(eta)))


def approach(curvature: Curvature, rows: ChosenRows, reach: FloatArray, tolerance: float) -> Approach:
    """Return places near the fits without each of these rows.

    Parameters
    ----------
    curvature : Curvature
        Of the fit with all rows.
    rows : ChosenRows
    reach : array of shape (k,)
        The largest D' A D of the other rows.
    tolerance : float
        The bound on the loss of each row to reach.
    """
    problem = _deleted(curvature, rows, reach)
    classes, inverse = curvature.coordinates.classes, curvature.inverse
    result = Approach(
        np.zeros((len(rows.places), len(inverse))), rows.eta.copy(), np.full(len(rows.places), np.inf)
    )
    active, best = np.arange(len(rows.places)), np.full(len(rows.places), np.inf)
    position, eta = result.coordinates, rows.eta
    gradient = problem.without_own(curvature.gradient, eta)
    for _ in range(_MAX_STEPS):
        direct = gradient @ inverse
        pull = np.einsum("kab,kb->ka", problem.within, problem.seen(direct))
        position = position - direct - problem.spread(pull) @ inverse
        eta = problem.rows.eta + classes @ problem.seen(position).T
        change, moved = _changes(problem, position)
        gradient = problem.without_own(curvature.gradient + change, eta)
        next_eta, bound = _after_a_step(problem, gradient, eta, moved)
        result.coordinates[active], result.eta[:, active] = position, next_eta
        is_near = bound <= tolerance
        result.bound[active[is_near]] = bound[is_near]
        goes_on = ~is_near & (moved < _FAR) & (bound <= _SLOW * best)
        if not goes_on.any():
            break
        problem, active, best = problem.taken(goes_on), active[goes_on], bound[goes_on]
        position, gradient, eta = position[goes_on], gradient[goes_on], eta[:, goes_on]
    return result


def _deleted(curvature: Curvature, rows: ChosenRows, reach: FloatArray) -> _Deleted:
    family, classes = curvature.objective.family, curvature.coordinates.classes
    leverage = between(rows.features, curvature.deletions.inverse)
    directions = family.curvature_directions @ classes
    left = left_out(leverage, family, family.mean(rows.eta), directions, rows.weights)
    radius = np.sqrt(reach * left.shrinkage)
    return _Deleted(curvature, rows, leverage, left.within, left.without, left.reach, radius)


def _after_a_step(
    problem: _Deleted, gradient: FloatArray, eta: FloatArray, moved: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return eta of the rows after one more step, shape (q, k), and what their losses there may be off by.

    Parameters
    ----------
    problem : _Deleted
    gradient : array of shape (k, P)
    eta : array of shape (q, k)
    moved : array of shape (k,)
        The most that another row has been moved by.
    """
    direct = gradient @ problem.curvature.inverse
    seen = problem.seen(direct)
    pull = np.einsum("kab,kb->ka", problem.within, seen)
    length = np.sqrt(np.maximum(np.einsum("kp,kp->k", gradient, direct) + np.einsum("ka,ka->k", seen, pull), 0.0))
    step = seen + np.einsum("kab,kb->ka", problem.leverage, pull)
    there = eta - problem.curvature.coordinates.classes @ step.T
    way = problem.radius * length
    metric = Metric(problem.radius, problem.reach, lengths_in(problem.without, problem.scores(there)))
    return there, loss_bound(remaining_gradient(length, way, moved), moved + way, metric)


def _changes(problem: _Deleted, position: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what moving there changes the gradient of the total loss by, (k, P), and other rows by at most, (k,)."""
    objective, coordinates = problem.curvature.objective, problem.curvature.coordinates
    theta = _displacements(coordinates, position)
    center = objective.moments.center
    slopes = theta[:, : len(center)]
    constants = np.einsum("p,kpq->kq", -center, slopes)
    if objective.fit_intercept:
        constants += theta[:, -1]
    change = theta * (objective.moments.total_weight * objective.penalty.curvature)[:, np.newaxis]
    moves, distances = Moves(objective.family, problem.curvature.deletions.predictor, slopes, constants), []
    for cross, sums, distance in objective.rows.map(moves):
        change[:, : len(center)] += cross - center[:, np.newaxis] * sums[:, np.newaxis]
        if objective.fit_intercept:
            change[:, -1] += sums
        distances.append(distance)
    joined = np.concatenate(distances, axis=1)
    joined[np.arange(len(joined)), problem.rows.places] = 0.0
    return _pulled_back(coordinates, change), joined.max(axis=1)


def _displacements(coordinates: KroneckerCoordinates, positions: FloatArray) -> FloatArray:
    """Return the parameters at each of these coordinates, shape (k, m, q)."""
    core = positions.reshape(-1, *coordinates.scales.shape) * coordinates.scales
    features = coordinates.features
    spread = features @ core if features.ndim == 2 else features[:, np.newaxis] * core
    return np.asarray(spread @ coordinates.classes.T)


def _pulled_back(coordinates: KroneckerCoordinates, gradients: FloatArray) -> FloatArray:
    """Return gradients in these coordinates, shape (k, P), of those in the parameters, shape (k, m, q)."""
    core = gradients @ coordinates.classes
    features = coordinates.features
    core = features.T @ core if features.ndim == 2 else features[:, np.newaxis] * core
    return np.asarray((core * coordinates.scales).reshape(len(gradients), -1))
