r"""A quadratic with a kink at 0 and bounds for each entry, minimised by block principal pivoting.

    argmin_b  1/2 (b - a)' H (b - a) + g'(b - a) + sum_e l1_e |b_e|,    lower <= b <= upper,

where lower <= 0 <= upper. An entry is either *free*, in a range on which what is added to the quadratic is linear, or
*held* at an end of such ranges: at 0, at a bound. Given who is free, the minimiser is a linear system; whoever then
leaves its range is held, whoever is held against a slope that is too large is freed, all at once as long as there are
fewer of them each time, else one at a time (Murty's rule), which ends, though late. (Portugal, Judice & Vicente 1994,
doi:10.1090/S0025-5718-1994-1250776-4; for kinks Kim & Park 2010.)
"""

from typing import NamedTuple, final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.solver.principal import PrincipalSystems

# So often the number of those on the wrong side may fail to fall before they change one at a time; and so many rounds
# are made before a descent takes over.
_TRIES, _ROUNDS = 3, 25
# A slope beyond what holds an entry by this, relative to the largest, is rounding.
_ROUNDING = 1e-12
# Systems that the descent solves at most, for each entry.
_SYSTEMS = 10


@final
class _Bounds(NamedTuple):
    """The data that stay: h_e(b) = l1_e |b|, within lower and upper."""

    l1: FloatArray
    lower: FloatArray
    upper: FloatArray


@final
class _Sides:
    """Where each entry is: free with a sign (0 where it has no kink), or held at a value."""

    def __init__(self, bounds: _Bounds, start: FloatArray) -> None:
        self._bounds = bounds
        self._is_kinked = bounds.l1 > 0.0
        self.held_at = start.copy()
        self.free = ~((start == bounds.lower) | (start == bounds.upper) | (self._is_kinked & (start == 0.0)))
        self.sign = np.where(self._is_kinked, np.sign(start), 0.0)

    @property
    def slope(self) -> FloatArray:
        """The slope of h where entries are free, 0 elsewhere."""
        return np.where(self.free, self._bounds.l1 * self.sign, 0.0) if self.free.any() else np.zeros(len(self.free))

    @property
    def range(self) -> tuple[FloatArray, FloatArray]:
        """The ends between which each entry stays while it is free."""
        _, lower, upper = self._bounds
        return np.where(self.sign > 0.0, 0.0, lower), np.where(self.sign < 0.0, 0.0, upper)

    def leaving(self, gradient: FloatArray, tolerance: float) -> FloatArray:
        """Tell where held entries would go by the slope of the quadratic: -1, 1, or 0 where they are held."""
        l1, lower, upper = self._bounds
        up = np.where(self.held_at < 0.0, -l1, l1)
        down = np.where(self.held_at > 0.0, l1, -l1)
        goes_up = ~self.free & (self.held_at < upper) & (gradient < -up - tolerance)
        goes_down = ~self.free & (self.held_at > lower) & (gradient > -down + tolerance)
        return np.asarray(goes_up.astype(np.float64) - goes_down)

    def hold(self, which: BoolArray, values: FloatArray) -> None:
        self.free[which] = False
        self.held_at[which] = values[which]

    def release(self, which: BoolArray, direction: FloatArray) -> None:
        self.free[which] = True
        side = np.where(self.held_at == 0.0, direction, np.sign(self.held_at))
        self.sign[which] = np.where(self._is_kinked, side, 0.0)[which]


def minimise_entrywise(  # noqa: PLR0917 - in the order of the formula
    hessian: FloatArray | PrincipalSystems,
    linear: FloatArray,
    l1: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    start: FloatArray,
) -> FloatArray:
    """Return the minimiser b, shape (d,), exactly 0 or at a bound where it is.

    A small part of the mean diagonal of H is added to it, about the starting point: of many minimisers, one nearby.

    Parameters
    ----------
    hessian : array of shape (d, d), or PrincipalSystems
        H, positive semidefinite; or its systems, which remember their factors from one call to the next.
    linear : array of shape (d,)
        g, the gradient of the quadratic at the starting point.
    l1 : array of shape (d,)
        Zero where there is no kink, inf where an entry stays 0.
    lower, upper : arrays of shape (d,)
        -inf and inf where there are none.
    start : array of shape (d,)
        a, within the bounds.

    Raises
    ------
    numpy.linalg.LinAlgError
        If H is not positive semidefinite.
    """
    systems = hessian if isinstance(hessian, PrincipalSystems) else PrincipalSystems(hessian)
    # Finite, so that nothing multiplies inf by 0.
    bounds = _Bounds(np.minimum(l1, np.finfo(np.float64).max), lower, upper)
    sides = _Sides(bounds, start)
    tolerance = _ROUNDING * max(float(np.abs(linear).max(initial=0.0)), float(l1[l1 < np.inf].max(initial=0.0)))
    _exchange(sides, np.zeros(len(start), dtype=bool), np.zeros(0), sides.leaving(linear, tolerance))
    fewest, tries = len(start) + 1, _TRIES
    for _ in range(_ROUNDS):
        point, gradient = _solve(systems, linear, sides, start)
        low, high = sides.range
        outside = sides.free & ((point < low) | (point > high))
        leaving = sides.leaving(gradient, tolerance)
        wrong = np.flatnonzero(outside | (leaving != 0.0))
        if not len(wrong):
            return np.where(sides.free, point, sides.held_at)
        if len(wrong) < fewest:
            fewest, tries = len(wrong), _TRIES
        elif tries:
            tries -= 1
        else:
            only = np.zeros(len(start), dtype=bool)
            only[wrong[-1]] = True
            outside &= only
            leaving[~only] = 0.0
        _exchange(sides, outside, np.clip(point, low, high), leaving)
    return _descend(systems, linear, bounds, start, tolerance)


def _exchange(sides: _Sides, outside: BoolArray, ends: FloatArray, leaving: FloatArray) -> None:
    if outside.any():
        sides.hold(outside, ends)
    if leaving.any():
        sides.release(leaving != 0.0, leaving)


def _solve(
    systems: PrincipalSystems, linear: FloatArray, sides: _Sides, start: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the minimiser over the free entries, and the gradient of the quadratic there, shape (d,) each."""
    moved = np.where(sides.free, 0.0, sides.held_at - start)
    gradient = linear
    if moved.any():
        gradient = linear + systems.times(moved, np.flatnonzero(moved))
    step, product = systems.solve(sides.free, -(gradient + sides.slope))
    return start + moved + step, gradient + product


def _descend(
    systems: PrincipalSystems, linear: FloatArray, bounds: _Bounds, start: FloatArray, tolerance: float
) -> FloatArray:
    """Return the minimiser by steps that each lower the objective: along the way to where the free entries want to go.

    Feature-sign search (Lee et al. 2006), with an exact line search over all the kinks on the way.
    """
    sides, point = _Sides(bounds, start), start.copy()
    for _ in range(_SYSTEMS * len(start)):
        target, gradient = _solve(systems, linear, sides, start)
        low, high = sides.range
        if not (sides.free & ((target < low) | (target > high))).any():
            point = np.where(sides.free, target, sides.held_at)
            leaving = sides.leaving(gradient, tolerance)
            if not leaving.any():
                break
            excess = np.where(leaving != 0.0, np.abs(gradient) - bounds.l1, -np.inf)
            only = np.arange(len(start)) == int(excess.argmax())
            sides.release(only, leaving)
            continue
        move = target - point
        everywhere = linear + systems.times(point - start, np.arange(len(start)))
        curvature = float(move @ systems.times(move, np.flatnonzero(move)))
        length = _exact_length(bounds, sides, (point, move), (float(move @ everywhere), curvature))
        _arrive(bounds, sides, point + length * move, point)
        point = np.where(sides.free, point + length * move, sides.held_at)
    return point


def _exact_length(
    bounds: _Bounds, sides: _Sides, way: tuple[FloatArray, FloatArray], quadratic: tuple[float, float]
) -> float:
    """Return how far from a point along a move the objective falls: up to a bound, or where its slope is 0.

    The quadratic has this slope and curvature.
    """
    (point, move), (slope, curvature) = way, quadratic
    l1, lower, upper = bounds
    moving = sides.free & (move != 0.0)
    slope += float((l1 * sides.sign * move)[moving].sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        to_zero = np.where(moving & (sides.sign * move < 0.0), -point / move, np.inf)
        to_end = np.where(moving, np.where(move > 0.0, upper - point, lower - point) / move, np.inf)
    end = min(float(to_end.min(initial=np.inf)), 1e300)
    jumps = 2.0 * np.where(moving, l1 * np.abs(move), 0.0)
    for entry in np.argsort(to_zero, kind="stable"):
        kink = float(to_zero[entry])
        if kink >= end or slope + kink * curvature >= 0.0:
            break
        slope += float(jumps[entry])
        if slope + kink * curvature >= 0.0:
            return kink
    return min(end, -slope / curvature) if curvature > 0.0 else end


def _arrive(bounds: _Bounds, sides: _Sides, there: FloatArray, before: FloatArray) -> None:
    """Hold what has arrived at a bound or, nearly, at 0; what has crossed it is free on the other side."""
    _, lower, upper = bounds
    is_kinked = bounds.l1 > 0.0
    near = np.abs(there) <= 4.0 * np.finfo(np.float64).eps * np.abs(before)
    for which, value in ((there <= lower, lower), (there >= upper, upper), (is_kinked & near, np.zeros(len(there)))):
        sides.hold(sides.free & which, value)
    sides.sign = np.where(sides.free & is_kinked, np.sign(there), sides.sign)
