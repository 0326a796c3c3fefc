"""Every row left out in turn, for about the price of a fit: a Newton step each, and a proof of how far that is off.

From the Hessian of the fit with all rows the fit without any one of them is a small matter of linear algebra, exact up
to the change of the Hessian on the way. What that does is bounded, row by row, by self-concordance: see
`softglm.model.proof.deletion`. The rows of the largest bounds take more steps, or are left out of a fit of their own,
until the mean loss is known as well as it was asked for.

The total strength of the penalty stays what it is when a row is left out, as with LogisticRegression's C.
"""

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.data import one_blas_thread
from softglm.fit import Fit, Start, solve
from softglm.model import Penalty, Prepared, Ridge, beyond_hessians
from softglm.model.deletion import Curvature, curvature_at
from softglm.model.proof.certificate import concordance_radius, leverage_form
from softglm.model.proof.deletion import Metric, loss_bound, remaining_gradient
from softglm.model.steps_without import Budget, approach, largest
from softglm.status import Status
from softglm.sums import Features, Predictor, RowParts, RowWeights

# No more rows than so many take more steps, and no more than so many a fit of their own: folds would cost less.
_MOST_ROWS, _MOST_FITS = 1000, 100
# What the mean loss is, which bounds are relative to, is known when rows have taken their steps: so often they may.
_MOST_ROUNDS = 3
# Of the sum of bounds that is allowed, for the rows that take no more than one step.
_FIRST = 0.8
# What fits without a row are made to: how far they are from their optima counts in the bounds.
_PRECISE = 1e-6


@final
@dataclass(frozen=True, eq=False)
class LeftOut:
    """What the fits without each of the rows say of it.

    Attributes
    ----------
    eta : array of shape (q, n)
        Of each row in the fit without it.
    bound : array of shape (n,)
        What the loss of the row there may be off by, at most, in nats per trial: A(eta) - <t, eta>. inf where nothing
        is proved.
    is_refitted : bool array of shape (n,)
        Which rows took more than one step.
    """

    eta: FloatArray
    bound: FloatArray
    is_refitted: BoolArray


def why_not(prepared: Prepared) -> str | None:
    """Say why rows cannot be left out of a fit of these, which takes exact Hessians; None where they can."""
    n_rows, n_features = prepared.rows.n_rows, prepared.rows.n_features
    n_terms = (n_rows if prepared.is_wide else n_features) + int(prepared.fit_intercept)
    return beyond_hessians(prepared.family, n_terms, prepared.tuning)


@final
@dataclass(frozen=True, eq=False)
class OneStep:
    """One Newton step without each row, and what further steps start from.

    Attributes
    ----------
    left : LeftOut
        Of the rows that count, bounds in.
    loss : array
        Of each of them, after the step.
    problem : _Problem or None
        None where nothing is proved.
    counts : bool array of shape (n,) or None
        Which rows count, where not all do.
    """

    left: LeftOut
    loss: FloatArray
    problem: "_Problem | None"
    counts: BoolArray | None = None

    @one_blas_thread
    def refined(self, tolerance: float) -> LeftOut:
        """Return what is known once the rows of the largest bounds have taken more steps.

        Parameters
        ----------
        tolerance : float
            What the mean loss may be off by, relative to it. Where too many rows would have to be refitted for that,
            none is, and the bounds say so. inf for no further step.
        """
        left, loss = self.left, self.loss
        if self.problem is not None:
            for _ in range(_MOST_ROUNDS):
                left, loss = _refined(left, self.problem, loss, tolerance)
        return left if self.counts is None else _among_all(left, self.counts)


@one_blas_thread
def one_step(prepared: Prepared, penalty: Penalty, fitted: Fit, shares: FloatArray) -> OneStep:
    """Take one Newton step without each row.

    Parameters
    ----------
    prepared : Prepared
        Of rows of which no class, nor any other family's value, is known from one of them alone.
    penalty : Penalty
        Its total strength, W times it, stays.
    fitted : Fit
        Of all the rows, under this penalty; the nearer the optimum the better.
    shares : array of shape (n,)
        What each row counts in the mean loss; they sum to 1.
    """
    narrowed, penalty, parameters = _narrowed(prepared, penalty, (fitted.coef, fitted.intercept))
    if narrowed.rows.n_rows == len(shares):
        return _each_left_out(narrowed, penalty, parameters, shares)
    # The space of the rows is that of those that count.
    (weights,) = prepared.rows.concatenate(RowWeights())
    counts = weights > 0.0
    return replace(_each_left_out(narrowed, penalty, parameters, shares[counts]), counts=counts)


def _each_left_out(
    prepared: Prepared, penalty: Penalty, parameters: tuple[FloatArray, FloatArray], shares: FloatArray
) -> OneStep:
    curvature = curvature_at(prepared, penalty, prepared.as_read(*parameters))
    if curvature is None:
        return OneStep(_unknown(prepared, *parameters), np.zeros(len(shares)), None)
    eta, decrement, growth, reach, reach_without, slope, loss = curvature.objective.rows.concatenate(
        curvature.deletions
    )
    others = _largest_of_others(reach)
    radius = np.sqrt(others * growth)
    moved = radius * decrement
    gradient = remaining_gradient(decrement, moved) + curvature.decrement * np.sqrt(growth)
    bound = loss_bound(gradient, moved, Metric(radius, reach_without, slope))
    left = LeftOut(eta, np.where(shares > 0.0, bound, 0.0), np.zeros(len(bound), dtype=bool))
    return OneStep(left, loss, _Problem(prepared, penalty, curvature, others, shares))


def _narrowed(
    prepared: Prepared, penalty: Penalty, parameters: tuple[FloatArray, FloatArray]
) -> tuple[Prepared, Penalty, tuple[FloatArray, FloatArray]]:
    """Return the same in the space of the rows, where there are fewer of them than features."""
    n_features = prepared.rows.n_features
    even = penalty.isotropic(n_features) if prepared.is_wide and penalty.curvature.any() else None
    if even is None:
        return prepared, penalty, parameters
    scale, strength = even
    found = prepared.reduced(penalised=True, scale=None if (scale == 1.0).all() else scale)
    if found is None:
        return prepared, penalty, parameters
    reduced, space = found
    narrow = Ridge.on_coefficients(strength, reduced.rows.n_features, fit_intercept=prepared.fit_intercept)
    return reduced, narrow, space.down(*parameters)


def _among_all(left: LeftOut, counts: BoolArray) -> LeftOut:
    """Return the same with the rows that do not count: nothing is asked of them, and eta is 0."""
    eta, bound = np.zeros((len(left.eta), len(counts))), np.zeros(len(counts))
    is_refitted = np.zeros(len(counts), dtype=bool)
    eta[:, counts], bound[counts], is_refitted[counts] = left.eta, left.bound, left.is_refitted
    return LeftOut(eta, bound, is_refitted)


def _unknown(prepared: Prepared, coef: FloatArray, intercept: FloatArray) -> LeftOut:
    """Return the fit with all rows, of which nothing is proved without one of them."""
    p = prepared.rows.n_features
    parts = RowParts(prepared.family, Predictor(coef, intercept), Features(np.zeros(p), np.ones(p)))
    eta = np.concatenate([part[1] for part in prepared.rows.map(parts)], axis=1)
    return LeftOut(eta, np.full(eta.shape[1], np.inf), np.zeros(eta.shape[1], dtype=bool))


def _largest_of_others(values: FloatArray) -> FloatArray:
    """Return the largest of all other values, shape (n,)."""
    if len(values) < 2:
        return np.zeros_like(values)
    second, largest = np.partition(values, -2)[-2:]
    result = np.full_like(values, largest)
    result[values.argmax()] = second
    return result


@final
@dataclass(frozen=True, eq=False)
class _Problem:
    """The fit with all rows, of which they are left out.

    Attributes
    ----------
    prepared : Prepared
    penalty : Penalty
    curvature : Curvature
    others : array of shape (n,)
        The largest D' A D of the other rows.
    shares : array of shape (n,)
    """

    prepared: Prepared
    penalty: Penalty
    curvature: Curvature
    others: FloatArray
    shares: FloatArray


def takes_too_many(bounds: FloatArray, allowed: float) -> bool:
    """Tell whether more rows would have to take more steps than it is worth, so that the sum of bounds is allowed."""
    return int(np.count_nonzero(largest(bounds, allowed, _FIRST))) > _MOST_ROWS


def _refined(first: LeftOut, problem: _Problem, loss: FloatArray, tolerance: float) -> tuple[LeftOut, FloatArray]:
    """Take more steps for the rows of the largest bounds, as many as seem needed; return what is known, and losses.

    What is allowed is relative to the mean loss, which fits of their own may yet make smaller.
    """
    shares = problem.shares
    bounds, allowed = first.bound * shares, tolerance * float(shares @ loss)
    chosen = largest(bounds, allowed, _FIRST)
    if not 0 < np.count_nonzero(chosen) <= _MOST_ROWS:
        return first, loss
    curvature, places = problem.curvature, np.flatnonzero(chosen)
    others_sums = float(shares[~chosen] @ loss[~chosen]), float(bounds[~chosen].sum())
    budget = Budget(tolerance, shares[chosen], loss[chosen], *others_sums)
    nearer = approach(curvature, curvature.rows_at(places), problem.others[chosen], budget)
    unproved = np.isinf(nearer.bound)
    if np.count_nonzero(unproved) > _MOST_FITS:
        return first, loss
    eta, bound, loss = first.eta.copy(), first.bound.copy(), loss.copy()
    eta[:, chosen], bound[chosen], loss[chosen] = nearer.eta, nearer.bound, nearer.loss
    for place, position in zip(places[unproved], nearer.coordinates[unproved], strict=True):
        start = curvature.parameters + curvature.coordinates.displacement(position)
        eta[:, place], loss[place], bound[place] = _refitted(problem, int(place), start)
    return LeftOut(eta, bound, first.is_refitted | chosen), loss


def _refitted(problem: _Problem, place: int, parameters: FloatArray) -> tuple[FloatArray, float, float]:
    """Return eta of a row, shape (q,), in a fit of its own without it, its loss, and what that may be off by.

    Parameters
    ----------
    problem : _Problem
    place : int
        Of the row.
    parameters : array of shape (m, q)
        Where the fit begins, of the rows as they are read.
    """
    prepared = problem.prepared
    (weights,) = prepared.rows.concatenate(RowWeights())
    total = float(weights.sum())
    weights[place] = 0.0
    there = Prepared(
        prepared.rows.changed(weights=weights),
        prepared.family,
        fit_intercept=prepared.fit_intercept,
        tuning=prepared.tuning,
    )
    penalty = Ridge(problem.penalty.curvature * (total / float(weights.sum())))
    start = prepared.likelihood.uncentred(parameters)
    if prepared.basis is not None:
        start = prepared.basis.up(*start)
    result = solve(there, penalty, Start(*start), tol=_PRECISE)
    curvature = curvature_at(there, penalty, there.as_read(result.coef, result.intercept))
    if result.status is not Status.CONVERGED or curvature is None:
        (eta,) = problem.curvature.rows_at(np.array([place])).eta.T
        return eta, np.inf, np.inf
    here = curvature.rows_at(np.array([place]))
    # It has no weight there, so that nothing is left out, and no step is made.
    *_, reach, slope, loss = curvature.deletions.of(here.features, here.eta.copy(), here.targets, np.zeros(1))
    metric = Metric(np.array([_radius(curvature)]), reach, slope)
    bound = loss_bound(np.array([curvature.decrement]), np.zeros(1), metric)
    return here.eta[:, 0], float(loss[0]), float(bound[0])


def _radius(curvature: Curvature) -> float:
    """Return the most that a step of length 1 in the metric of the total loss moves any row by."""
    root = np.asarray(np.linalg.cholesky(curvature.inverse).T)
    form = leverage_form(curvature.coordinates, root)
    objective = curvature.objective
    return concordance_radius(objective, curvature.passes.largest_leverage(curvature.coordinates, form, objective.rows))
