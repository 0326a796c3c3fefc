r"""Newton's method for a quadratic with kinks where groups of entries are 0: group lasso, sparse group lasso.

    argmin_b  1/2 (b - a)' H (b - a) + g'(b - a) + sum_g group_l1_g ||b_g|| + sum_e l1_e |b_e|

One step: proximal gradients of single groups say which groups and entries are 0 and where about the others are; from
there goes Newton's step on those, whose norms are smooth. Together they are a step of the semismooth Newton method on
b = prox(b - t (gradient at b)), of order 2, and near the minimiser there is nothing else to do. It is taken, or a part
of it, if phi falls by a part of what the proximal gradients alone promise. Where what is not 0 is as far from its
optimum as anything, Newton's step of that alone is tried before: from one strength to the next single groups come or go
seldom, and proximal gradients of correlated ones let in some that are then in the way.

Where it is not, proximal points take over: minimisers of phi + 1/2 (b - c)' D^-1 (b - c), each c the one before, D
growing. They tend to the minimiser whatever H (Rockafellar 1976, doi:10.1137/0314056); each is found by the same
system in the dual, which is smooth, so that with a line search Newton's method gets there from anywhere (Li, Sun & Toh
2018, doi:10.1137/16M1097572, for the lasso).
"""

from collections.abc import Callable
from typing import NamedTuple, final

import numpy as np
from scipy.linalg import lapack

from softglm.arrays import FloatArray, IntArray
from softglm.solver.grouped import ROUNDING, Grouped, Kinks

# The part of the decrease that proximal gradients promise that a step has to reach; or to what it takes the violation.
_PART, _FALL = 0.1, 0.5
# Semismooth steps at most; steps for a proximal point.
_STEPS, _DUAL_STEPS = 50, 30
# Proximal points at most, how D grows from one to the next, and its largest, relative to the inverse curvatures.
_POINTS, _GROWTH, _FARTHEST = 100, 10.0, 1e7
# After so many of the farthest that do not help, what is left is rounding.
_MOST_IDLE = 15
# How far in the norm of H, squared, the dual's point may be from the primal's, relative to the way they have come.
_INEXACT = 1e-4
# Trials of a line search; where it ends, relative to the slope at its beginning or its end.
_TRIALS, _FLAT = 60, 0.1
# Damping grows by this while a system is not positive definite to rounding, up to so much.
_MORE, _MOST = 100.0, 1e8


@final
class _Point(NamedTuple):
    """A point b, the gradient of the quadratic there, the largest violation of optimality, and whether that is 0."""

    b: FloatArray
    gradient: FloatArray
    violation: float
    is_optimal: bool


def minimise_grouped(  # noqa: PLR0917 - as phi has them
    hessian: FloatArray,
    linear: FloatArray,
    groups: IntArray,
    group_l1: FloatArray,
    l1: FloatArray,
    start: FloatArray,
    *,
    tol: float = 0.0,
) -> FloatArray:
    """Return the minimiser b, shape (d,), exactly 0 where it is.

    Parameters
    ----------
    hessian : array of shape (d, d)
        H, positive semidefinite. Where it is singular the minimiser is one near the starting point.
    linear : array of shape (d,)
        g, the gradient of the quadratic at the starting point.
    groups : array of shape (d,)
        Codes of groups, from 0.
    group_l1 : array of shape (n_groups,)
    l1 : array of shape (d,)
        0 both for entries without a kink.
    start : array of shape (d,)
        a.
    tol : float, default=0
        The part of the largest violation of optimality that may be left; 0 for the precision of the arithmetic.

    Raises
    ------
    numpy.linalg.LinAlgError
        If H is not positive semidefinite.
    """
    kinks = Kinks(groups, group_l1, l1)
    phi = Grouped(hessian, linear, start, kinks, tol * float(np.abs(kinks.violation(start, linear)).max(initial=0.0)))
    here, reach, n_idle = _newton(phi, _at(phi, start)), 1.0, 0
    for _ in range(_POINTS):
        if here.is_optimal or n_idle > _MOST_IDLE:
            break
        point, is_near = _proximal_point(phi, here, reach / phi.curvatures)
        there = _newton(phi, point)
        n_idle = n_idle + 1 if reach == _FARTHEST and there.violation > _FALL * here.violation else 0
        here, reach = there, min(_GROWTH * reach, _FARTHEST) if is_near else reach / _GROWTH
    return here.b


def _at(phi: Grouped, b: FloatArray) -> _Point:
    gradient = phi.gradient(b)
    violation = float(np.abs(phi.kinks.violation(b, gradient)).max(initial=0.0))
    return _Point(b, gradient, violation, violation <= max(phi.tol, phi.resolution(b)))


def _newton(phi: Grouped, here: _Point) -> _Point:
    """Return the point to which Newton's steps lead, as long as they are good ones."""
    goes_within = True
    for _ in range(_STEPS):
        if here.is_optimal:
            break
        within = np.where((here.b != 0.0) | phi.kinks.is_smooth, phi.kinks.violation(here.b, here.gradient), 0.0)
        there = None
        if goes_within and np.abs(within).max() >= here.violation:
            there = _step_within(phi, here, within)
            goes_within = there is not None
        there = there or _semismooth_step(phi, here)
        if there is None or (there.b == here.b).all():
            break
        here = there
    return here


def _step_within(phi: Grouped, here: _Point, slope: FloatArray) -> _Point | None:
    """Return Newton's step of what is not 0, whose slope is given, or None if the violation does not fall enough."""
    b = here.b + _newton_move(phi, here.b, slope, np.zeros(len(slope)))
    there = _at(phi, _without_turns(phi.kinks, here.b, b))
    falls = phi.decrease(here.b, here.gradient, there.b, there.gradient) >= 0.0
    return there if falls and there.violation <= _FALL * here.violation else None


def _semismooth_step(phi: Grouped, here: _Point) -> _Point | None:
    """Return Newton's step from the proximal gradients, or None if phi does not fall enough."""
    kinks, steps = phi.kinks, 1.0 / phi.curvatures
    near = kinks.prox(here.b - steps[kinks.groups] * here.gradient, steps)
    move = _newton_move(phi, near, kinks.violation(near, phi.gradient(near)), np.zeros(len(near)))
    there = _at(phi, _without_turns(kinks, near, near + move))
    promised = float(phi.curvatures[kinks.groups] @ (near - here.b) ** 2) / 2.0
    decrease = phi.decrease(here.b, here.gradient, there.b, there.gradient)
    if decrease >= _PART * promised or (decrease >= 0.0 and there.violation <= _FALL * here.violation):
        return there
    nearer = _at(phi, here.b + _length(phi, here, there) * (there.b - here.b))
    decrease = phi.decrease(here.b, here.gradient, nearer.b, nearer.gradient)
    return nearer if decrease > 0.0 and decrease >= _PART * promised else None


def _length(phi: Grouped, here: _Point, there: _Point) -> float:
    """Return how far from here to there phi falls, about: where its slope changes sign."""
    move, product = there.b - here.b, there.gradient - here.gradient
    kinks = phi.kinks

    def slope(length: float) -> float:
        b = here.b + length * move
        rise = kinks.pulls(kinks.norms(b))[kinks.groups] * b + kinks.l1 * np.sign(b)
        return float((here.gradient + length * product + rise) @ move)

    return _root(slope, _FLAT * abs(slope(1.0)))


def _newton_move(phi: Grouped, b: FloatArray, slope: FloatArray, added: FloatArray) -> FloatArray:
    """Return Newton's step for a slope on the entries that are not 0 or have no kink, shape (d,): 0 for the others.

    The Hessian is H, with the curvature of the norms at b, and what is added to its diagonal, shape (d,).
    """
    kinks, norms = phi.kinks, phi.kinks.norms(b)
    active = np.flatnonzero((b != 0.0) | kinks.is_smooth)
    groups, pulls = kinks.groups[active], kinks.pulls(norms)
    # Rows and then columns: several times as fast as both at once.
    system = phi.hessian.copy() if len(active) == len(b) else phi.hessian[active].take(active, axis=1)
    units = np.divide(b, norms[kinks.groups], out=np.zeros(len(b)), where=pulls[kinks.groups] > 0.0)
    first, second = phi.pairs
    bent = (units[first] * units[second]).nonzero()[0]
    first, second, place = first[bent], second[bent], np.empty(len(b), dtype=np.intp)
    place[active] = np.arange(len(active))
    system[place[first], place[second]] -= pulls[kinks.groups[first]] * units[first] * units[second]
    move = np.zeros(len(b))
    move[active] = _solve(system, pulls[groups] + added[active], phi.damping[active], -slope[active])
    return move


def _solve(system: FloatArray, diagonal: FloatArray, damping: FloatArray, right: FloatArray) -> FloatArray:
    """Return the solution of (system + diagonal + damping) x = right, with more damping where rounding asks for it."""
    if not len(right):
        return right
    own, factor = system.diagonal() + diagonal, 1.0
    while factor <= _MOST:
        np.fill_diagonal(system, own + factor * damping)
        # The transpose is the same matrix, in LAPACK's order. Half of it is left as it was, should that have failed.
        triangle, info = lapack.dpotrf(system.T, lower=1, clean=0, overwrite_a=1)
        if not info:
            return np.asarray(lapack.dpotrs(triangle, right, lower=1)[0])
        system[:] = np.tril(system) + np.tril(system, -1).T
        factor *= _MORE
    raise np.linalg.LinAlgError(
        f"The Hessian of {len(own)} entries is not positive semidefinite to rounding, or not finite (its diagonal is "
        f"from {own.min()!r} to {own.max()!r}): expected that of a convex function."
    )


def _without_turns(kinks: Kinks, near: FloatArray, there: FloatArray) -> FloatArray:
    """Return a point with 0 in place of entries, and groups, that have turned on the way across their kink."""
    b = np.where((kinks.l1 > 0.0) & (near * there < 0.0), 0.0, there)
    along = np.bincount(kinks.groups, near * b, minlength=len(kinks.group_l1))
    turned = (kinks.group_l1 > 0.0) & (along < 0.0)
    return np.where(turned[kinks.groups], 0.0, b)


def _proximal_point(phi: Grouped, center: _Point, steps: FloatArray) -> tuple[_Point, bool]:
    """Return the minimiser of phi + 1/2 (b - c)' D^-1 (b - c), about, and whether it was found.

    D has a step for each group; the way there is Newton's method on the dual: a smooth function of w,
    whose gradient is H (w - b(w)), b(w) = prox(c - D (gradient at w)), and 1/2 (b - w)' H (b - w) from the primal.
    """
    kinks, by_entry = phi.kinks, steps[phi.kinks.groups]
    w, gradient = center.b, center.gradient
    for _ in range(_DUAL_STEPS):
        b = kinks.prox(center.b - by_entry * gradient, steps)
        rest = b - w
        pull = phi.hessian @ rest
        gap, way = float(rest @ pull), float((b - center.b) ** 2 @ (1.0 / by_entry))
        move = rest + _newton_move(phi, b, pull, 1.0 / by_entry)
        if gap <= _INEXACT * way:
            # A long way b(w) is the rounding of the gradient, times D; the next w is not.
            return min(_at(phi, b), _at(phi, w + move), key=lambda point: point.violation), True
        product = phi.hessian @ move
        length = _dual_length(phi, center.b, steps, (w, gradient), (move, product))
        if not length > 0.0:
            return _at(phi, w + move), True
        w, gradient = w + length * move, gradient + length * product
    return _at(phi, b), False


def _dual_length(
    phi: Grouped,
    center: FloatArray,
    steps: FloatArray,
    here: tuple[FloatArray, FloatArray],
    move: tuple[FloatArray, FloatArray],
) -> float:
    """Return how far along a move the dual function falls, at most 1, about: where its slope changes sign.

    0 where its slope is but rounding, from the start.

    Parameters
    ----------
    phi : Grouped
    center : array of shape (d,)
    steps : array of shape (n_groups,)
    here, move : pairs of arrays of shape (d,)
        w and the gradient of the quadratic there; a step of w and what it adds to that gradient, H times it.
    """
    (w, gradient), (step, product), by_entry = here, move, steps[phi.kinks.groups]

    def slope(length: float) -> float:
        b = phi.kinks.prox(center - by_entry * (gradient + length * product), steps)
        return float((w + length * step - b) @ product)

    at_start = slope(0.0)
    if not at_start < -ROUNDING * float((np.abs(w) + by_entry * np.abs(gradient)) @ np.abs(product)):
        return 0.0
    return _root(slope, -_FLAT * at_start)


def _root(slope: Callable[[float], float], flat: float) -> float:
    """Return where a slope that rises from below 0 is flat, by bisection of the way to 1; or 1."""
    low, length, high = 0.0, 1.0, 1.0
    for _ in range(_TRIALS):
        there = slope(length)
        if abs(there) <= flat or (length == high and there < 0.0):
            break
        low, high = (length, high) if there < 0.0 else (low, length)
        length = (low + high) / 2.0
    return length
