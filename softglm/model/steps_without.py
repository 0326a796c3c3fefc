r"""Steps towards the fits without each of some rows, all of them at once, and what is proved of them.

Every step is Newton's with the Hessian G without the row, made at the fit with all of them: of a row that needs one
more, the gradient is summed over the others at the new place, and what is left after the step is bounded by how far the
others have been moved; see `softglm.model.proof.deletion`.
"""

from dataclasses import dataclass
from typing import Self, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.model.deletion import ChosenRows, Curvature
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.proof.deletion import Metric, loss_bound, remaining_gradient
from softglm.sums import Moves, between, downdate, lengths_in

# So many steps; what moves another row by more nats is another problem.
_MAX_STEPS, _FAR = 20, 8.0
# So many changes of steps are remembered, of each row, and so small a part of their squares is rounding.
_MEMORY, _ROUNDING = 5, 1e-12
# A gradient that has not fallen below so much of the least one for so many steps is not on its way to anything.
_SLOW, _PATIENCE = 0.7, 3
# So many moves are summed in one pass.
_AT_ONCE = 64
# Of what is left of the sum of bounds that is allowed, so much is for rows that take no further step.
_WITHIN = 0.5


@final
@dataclass(frozen=True, eq=False)
class Budget:
    """What the bounds of all rows may sum up to, relative to their losses, where those of k rows are still to be found.

    Attributes
    ----------
    tolerance : float
    shares, losses : arrays of shape (k,)
        What each of the k rows counts in the sums, and its loss as far as it is known.
    other_losses, other_bounds : float
        The sums of the other rows.
    """

    tolerance: float
    shares: FloatArray
    losses: FloatArray
    other_losses: float
    other_bounds: float

    def left(self, losses: FloatArray) -> float:
        """Return what the bounds of the k rows may sum up to, where these are their losses."""
        return self.tolerance * (self.other_losses + float(self.shares @ losses)) - self.other_bounds


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
    loss, bound : arrays of shape (k,)
        Of the row there, and what it may be off by, at most; inf where nothing is proved.
    """

    coordinates: FloatArray
    eta: FloatArray
    loss: FloatArray
    bound: FloatArray

    def enter(
        self, rows: npt.NDArray[np.intp], coordinates: FloatArray, eta: FloatArray, loss: FloatArray, bound: FloatArray
    ) -> None:
        """Set what is known of some of the rows."""
        self.coordinates[rows], self.eta[:, rows], self.loss[rows], self.bound[rows] = coordinates, eta, loss, bound


@final
@dataclass(frozen=True, eq=False)
class _Deleted:
    """The problems without each of k rows, in the metric of the Hessian there.

    Attributes
    ----------
    curvature : Curvature
    rows : ChosenRows
    leverage, within, without : arrays of shape (k, s, s)
        A, w B (I - w A B)^-1, and M = (I - w A B)^-1 A.
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


def approach(curvature: Curvature, rows: ChosenRows, reach: FloatArray, budget: Budget) -> Approach:
    """Return places near the fits without each of these rows.

    Parameters
    ----------
    curvature : Curvature
        Of the fit with all rows.
    rows : ChosenRows
    reach : array of shape (k,)
        The largest D' A D of the other rows.
    budget : Budget
    """
    problem, shares = _deleted(curvature, rows, reach), budget.shares
    k = len(rows.places)
    result = Approach(np.zeros((k, len(curvature.inverse))), rows.eta.copy(), budget.losses.copy(), np.full(k, np.inf))
    active, best, since, spent = np.arange(k), np.full(k, np.inf), np.zeros(k, dtype=np.int64), 0.0
    here = _newton(problem, np.zeros_like(result.coordinates), problem.without_own(curvature.gradient, rows.eta))
    history = _History.none(result.coordinates.shape)
    for _ in range(_MAX_STEPS):
        step = here.direct + problem.spread(here.pull) @ curvature.inverse
        history = history.followed_by(here.position, step, here.gradient)
        position = here.position - history.bent(step)
        eta = problem.rows.eta + curvature.coordinates.classes @ problem.seen(position).T
        change, moved = _changes(problem, position)
        here = _newton(problem, position, problem.without_own(curvature.gradient + change, eta))
        result.enter(active, position, *_proved(problem, here, eta, moved))
        since = np.where(here.length <= _SLOW * best, 0, since + 1)
        best = np.minimum(best, here.length)
        bounds = result.bound[active] * shares[active]
        is_open = largest(bounds, budget.left(result.loss) - spent, _WITHIN)
        goes_on = is_open & (moved < _FAR) & (since < _PATIENCE)
        result.bound[active[is_open & ~goes_on]] = np.inf
        spent += float(bounds[~is_open].sum())
        problem, active, best, since = problem.taken(goes_on), active[goes_on], best[goes_on], since[goes_on]
        here, history = here.taken(goes_on), history.taken(goes_on)
        if not len(active):
            break
    result.bound[active] = np.inf
    return result


def largest(values: FloatArray, allowed: float, within: float) -> BoolArray:
    """Return which values are the largest, so that the sum of the others is within this part of what is allowed.

    None where the sum of all is allowed.
    """
    order = np.argsort(-values, kind="stable")
    left = np.append(np.cumsum(values[order][::-1])[::-1], 0.0)
    result = np.zeros(len(values), dtype=bool)
    if left[0] > allowed:
        result[order[: int(np.argmax(left <= max(within * allowed, 0.0)))]] = True
    return result


def _deleted(curvature: Curvature, rows: ChosenRows, reach: FloatArray) -> _Deleted:
    family, classes = curvature.objective.family, curvature.coordinates.classes
    leverage = between(rows.features, curvature.deletions.inverse)
    directions = family.curvature_directions @ classes
    left = downdate(leverage, family, family.mean(rows.eta), directions, rows.weights)
    radius = np.sqrt(reach * left.growth)
    return _Deleted(curvature, rows, leverage, left.curvature @ left.grown, left.without, left.reach, radius)


@final
@dataclass(frozen=True, eq=False)
class _Newton:
    """Some places, gradients there, and what Newton's steps take.

    Attributes
    ----------
    position : array of shape (k, P)
    gradient : array of shape (k, P)
    direct : array of shape (k, P)
        V times it; the step, back, is V Z' times the pull more.
    seen, pull : arrays of shape (k, s)
        Z times direct, and w B (I - w A B)^-1 times that.
    length : array of shape (k,)
        Of the step.
    """

    position: FloatArray
    gradient: FloatArray
    direct: FloatArray
    seen: FloatArray
    pull: FloatArray
    length: FloatArray

    def taken(self, which: BoolArray) -> "_Newton":
        """Return those of some of the rows."""
        return _Newton(*(part[which] for part in vars(self).values()))


def _newton(problem: _Deleted, position: FloatArray, gradient: FloatArray) -> _Newton:
    direct = gradient @ problem.curvature.inverse
    seen = problem.seen(direct)
    pull = np.einsum("kab,kb->ka", problem.within, seen)
    square = np.einsum("kp,kp->k", gradient, direct) + np.einsum("ka,ka->k", seen, pull)
    return _Newton(position, gradient, direct, seen, pull, np.sqrt(np.maximum(square, 0.0)))


@final
@dataclass(frozen=True, eq=False)
class _History:
    """Places, Newton steps there and gradients of k rows, and what they changed by before.

    Attributes
    ----------
    last : array of shape (k, 3, P) or None
        The latest.
    changes : array of shape (k, m, 3, P)
    """

    last: FloatArray | None
    changes: FloatArray

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> Self:
        """Return that of k rows in P coordinates, before there is any."""
        k, n_coordinates = shape
        return cls(None, np.empty((k, 0, 3, n_coordinates)))

    def followed_by(self, position: FloatArray, step: FloatArray, gradient: FloatArray) -> "_History":
        """Return that with one place more, arrays of shape (k, P)."""
        now = np.stack([position, step, gradient], axis=1)
        if self.last is None:
            return _History(now, self.changes)
        change = (now - self.last)[:, np.newaxis]
        return _History(now, np.concatenate([self.changes[:, 1 - _MEMORY :], change], axis=1))

    def taken(self, which: BoolArray) -> "_History":
        """Return that of some of the rows."""
        return _History(None if self.last is None else self.last[which], self.changes[which])

    def bent(self, step: FloatArray) -> FloatArray:
        """Return the next step, back, shape (k, P): Newton's, less what the former ones say that it will leave.

        Where the gradient is about linear, so that steps change as the places do, that is where no step is left
        (Anderson 1965, doi 10.1145/321296.321305), in the metric of the Hessian.
        """
        moves, steps, gradients = self.changes.transpose(2, 0, 1, 3)
        products = gradients @ steps.transpose(0, 2, 1)
        size = np.trace(products, axis1=1, axis2=2)[:, np.newaxis, np.newaxis]
        products += (_ROUNDING * size + np.finfo(np.float64).tiny) * np.identity(products.shape[1])
        shares = np.linalg.solve(products, gradients @ step[:, :, np.newaxis])
        return np.asarray(step + ((moves - steps) * shares).sum(axis=1))


def _proved(
    problem: _Deleted, here: _Newton, eta: FloatArray, moved: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return eta, shape (q, k), and the losses of the rows, and what these may be off by, shape (k,).

    After one more step, which takes no further pass, unless others have been moved so far that it may well lead away.

    Parameters
    ----------
    problem : _Deleted
    here : _Newton
    eta : array of shape (q, k)
    moved : array of shape (k,)
        The most that another row has been moved by.
    """
    step = here.seen + np.einsum("kab,kb->ka", problem.leverage, here.pull)
    way = problem.radius * here.length
    left = remaining_gradient(here.length, way, moved)
    leads = left < here.length
    eta = eta - leads * (problem.curvature.coordinates.classes @ step.T)
    normalizer, mean = problem.curvature.objective.family.normalizer_and_mean(eta.copy())
    targets = problem.rows.targets
    slope = lengths_in(problem.without, (mean - targets).T @ problem.curvature.coordinates.classes)
    metric = Metric(problem.radius, problem.reach, slope)
    bound = loss_bound(np.where(leads, left, here.length), moved + leads * way, metric)
    return eta, normalizer - np.einsum("qk,qk->k", targets, eta), bound


def _changes(problem: _Deleted, position: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what moving there changes the gradient of the total loss by, (k, P), and other rows by at most, (k,)."""
    parts = [slice(first, first + _AT_ONCE) for first in range(0, len(position), _AT_ONCE)]
    found = [_changes_at_once(problem.curvature, problem.rows.places[part], position[part]) for part in parts]
    changes, moved = zip(*found, strict=True)
    return np.concatenate(changes), np.concatenate(moved)


def _changes_at_once(
    curvature: Curvature, places: npt.NDArray[np.intp], position: FloatArray
) -> tuple[FloatArray, FloatArray]:
    objective, coordinates = curvature.objective, curvature.coordinates
    theta = _displacements(coordinates, position)
    center = objective.moments.center
    slopes = theta[:, : len(center)]
    constants = -(center @ slopes)
    if objective.fit_intercept:
        constants += theta[:, -1]
    change = theta * (objective.moments.total_weight * objective.penalty.curvature)[:, np.newaxis]
    moves, distances = Moves(objective.family, curvature.deletions.predictor, slopes, constants), []
    for cross, sums, distance in objective.rows.map(moves):
        change[:, : len(center)] += cross - center[:, np.newaxis] * sums[:, np.newaxis]
        if objective.fit_intercept:
            change[:, -1] += sums
        distances.append(distance)
    joined = np.concatenate(distances, axis=1)
    joined[np.arange(len(joined)), places] = 0.0
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
