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
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.solver.principal import PrincipalSystems

Indices = npt.NDArray[np.intp]

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
    """Where each entry is: free with a sign (0 where it has no kink), or held at a value.

    Attributes
    ----------
    free : bool array of shape (d,)
    sign, held_at : arrays of shape (d,)
    slope : array of shape (d,)
        Of h where entries are free, 0 elsewhere.
    low, high : arrays of shape (d,)
        The ends between which each entry stays while it is free; infinite for others.
    rises_below, falls_above : arrays of shape (d,)
        Slopes of the quadratic from which on an entry that is held would go up, or down; infinite where it cannot.
    """

    def __init__(self, bounds: _Bounds, start: FloatArray, tolerance: float) -> None:
        self._bounds, self._tolerance = bounds, tolerance
        self._is_kinked = bounds.l1 > 0.0
        self.held_at = start.copy()
        self.free = ~((start == bounds.lower) | (start == bounds.upper) | (self._is_kinked & (start == 0.0)))
        self.sign = np.where(self._is_kinked, np.sign(start), 0.0)
        self.slope, self.low, self.high, self.rises_below, self.falls_above = np.empty((5, len(start)))
        self._place(slice(None))

    def _place(self, which: Indices | slice) -> None:
        free, at, sign = self.free[which], self.held_at[which], self.sign[which]
        l1, lower, upper = (bound[which] for bound in self._bounds)
        self.slope[which] = np.where(free, l1 * sign, 0.0)
        self.low[which] = np.where(free & (sign <= 0.0), lower, np.where(free, 0.0, -np.inf))
        self.high[which] = np.where(free & (sign >= 0.0), upper, np.where(free, 0.0, np.inf))
        up, down = np.where(at < 0.0, -l1, l1), np.where(at > 0.0, -l1, l1)
        self.rises_below[which] = np.where(free | (at == upper), -np.inf, -up - self._tolerance)
        self.falls_above[which] = np.where(free | (at == lower), np.inf, down + self._tolerance)

    def leaving(self, gradient: FloatArray) -> FloatArray:
        """Tell where held entries would go by the slope of the quadratic: -1, 1, or 0 where they are held."""
        return np.subtract(gradient < self.rises_below, gradient > self.falls_above, dtype=np.float64)

    def outside(self, point: FloatArray) -> BoolArray:
        """Tell which free entries have left their range."""
        return np.asarray((point < self.low) | (point > self.high))

    def hold(self, which: Indices, values: FloatArray) -> None:
        if not len(which):
            return
        self.free[which] = False
        self.held_at[which] = values[which]
        self._place(which)

    def release(self, which: Indices, direction: FloatArray) -> None:
        if not len(which):
            return
        self.free[which] = True
        at = self.held_at[which]
        side = np.where(at == 0.0, direction[which], np.sign(at))
        self.sign[which] = np.where(self._is_kinked[which], side, 0.0)
        self._place(which)

    def turn(self, there: FloatArray) -> None:
        """Let free entries be on the side of 0 on which they are."""
        self.sign = np.where(self.free & self._is_kinked, np.sign(there), self.sign)
        self._place(slice(None))


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
    tolerance = _ROUNDING * max(float(np.abs(linear).max(initial=0.0)), float(l1[l1 < np.inf].max(initial=0.0)))
    sides = _Sides(bounds, start, tolerance)
    leaving = sides.leaving(linear)
    sides.release(leaving.nonzero()[0], leaving)
    fewest, tries = len(start) + 1, _TRIES
    for _ in range(_ROUNDS):
        point, gradient = _solve(systems, linear, sides, start)
        outside, leaving = sides.outside(point), sides.leaving(gradient)
        wrong = (outside | (leaving != 0.0)).nonzero()[0]
        if not len(wrong):
            return np.where(sides.free, point, sides.held_at)
        if len(wrong) < fewest:
            fewest, tries = len(wrong), _TRIES
        elif tries:
            tries -= 1
        else:
            wrong = wrong[-1:]
        out = wrong[outside[wrong]]
        sides.hold(out, np.clip(point, sides.low, sides.high))
        sides.release(wrong[leaving[wrong] != 0.0], leaving)
    return _descend(systems, linear, bounds, tolerance, start)


def _solve(
    systems: PrincipalSystems, linear: FloatArray, sides: _Sides, start: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the minimiser over the free entries, and the gradient of the quadratic there, shape (d,) each."""
    moved = np.where(sides.free, 0.0, sides.held_at - start)
    gradient = linear
    if moved.any():
        gradient = linear + systems.times(moved, moved.nonzero()[0])
    step, product = systems.solve(sides.free, -(gradient + sides.slope))
    return start + moved + step, gradient + product


def _descend(
    systems: PrincipalSystems, linear: FloatArray, bounds: _Bounds, tolerance: float, start: FloatArray
) -> FloatArray:
    """Return the minimiser by steps that each lower the objective: along the way to where the free entries want to go.

    Feature-sign search (Lee et al. 2006), with an exact line search over all the kinks on the way.
    """
    sides, point = _Sides(bounds, start, tolerance), start.copy()
    for _ in range(_SYSTEMS * len(start)):
        target, gradient = _solve(systems, linear, sides, start)
        if not sides.outside(target).any():
            point = np.where(sides.free, target, sides.held_at)
            leaving = sides.leaving(gradient)
            if not leaving.any():
                break
            excess = np.where(leaving != 0.0, np.abs(gradient) - bounds.l1, -np.inf)
            sides.release(np.array([excess.argmax()]), leaving)
            continue
        move = target - point
        everywhere = linear + systems.times(point - start, np.arange(len(start)))
        curvature = float(move @ systems.times(move, move.nonzero()[0]))
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
        sides.hold((sides.free & which).nonzero()[0], value)
    sides.turn(there)
