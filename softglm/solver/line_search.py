"""How far to go along a direction of descent."""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from softglm.arrays import FloatArray

# The constant of sufficient decrease in the Wolfe conditions (Nocedal & Wright 2006, section 3.1); trials at the most.
_DECREASE, _MAX_TRIALS = 1e-4, 30
# Where f is not finite, the next trial is nearer by this; elsewhere it keeps such distances from the ends of a bracket,
# and it is no farther than by this.
_RETREAT, _NEAREST, _FARTHEST, _ADVANCE = 0.1, 0.05, 0.9, 4.0
# Where a step promises less of a decrease than this part of rounding, there is none to be found nearer.
_LEAST = 1e-3


class Iterate(NamedTuple):
    """A point with the value and the gradient of f there."""

    point: FloatArray
    value: float
    gradient: FloatArray


class Evaluated(Protocol):
    """What has the value and the gradient of f at a point: an iterate, or one that knows more."""

    @property
    def value(self) -> float: ...

    @property
    def gradient(self) -> FloatArray: ...


E = TypeVar("E", bound=Evaluated)


class _Trial(NamedTuple):
    """A step length, with f and its slope along the step there."""

    length: float
    value: float
    slope: float


def line_search(
    evaluate: Callable[[FloatArray], E], start: Iterate, move: FloatArray, *, rounding: float, curvature: float = 0.9
) -> tuple[float, E] | None:
    """Return a step length that satisfies the Wolfe conditions, with the iterate there, or None.

    The bracket of Lewis & Overton 2013 (doi 10.1007/s10107-012-0514-2), with the cubic through the values and slopes at
    its ends in place of bisection.

    Parameters
    ----------
    evaluate : callable
        Returns the iterate at a point, or what knows more there; what is accepted is what it returned last.
    start : Iterate
    move : array
        The step of length 1.
    rounding : float
        Differences of f below this, relative to |f| + 1, are rounding; the slope alone decides there.
    curvature : float, default=0.9
        How much of the slope at the start may be left, the other constant of Wolfe's.
    """
    slope = float(np.vdot(start.gradient, move))
    if not slope < 0.0:
        return None
    low, high = _Trial(0.0, start.value, slope), _Trial(np.inf, np.inf, np.inf)
    length = 1.0
    for _ in range(_MAX_TRIALS):
        there = evaluate(start.point + length * move)
        trial = _Trial(length, there.value, float(np.vdot(there.gradient, move)))
        if not _acceptable(start, slope, length, there, trial.slope, rounding=rounding):
            high = trial
        elif trial.slope < curvature * slope:
            low = trial
        else:
            return length, there
        if abs(slope) * length < _LEAST * rounding * (1.0 + abs(start.value)):
            return None  # whatever f does so near is rounding
        length = _next_length(low, high) if math.isfinite(high.length) else _farther(low, slope)
    return None


def _acceptable(
    start: Iterate, slope: float, length: float, there: Evaluated, there_slope: float, *, rounding: float
) -> bool:
    """Tell whether f has decreased enough: by its values, or where they are rounding by its slopes.

    The second form is the approximate Wolfe condition of Hager & Zhang 2005 (doi 10.1137/030601880). Without it a
    search fails once f is flat to rounding, half the digits of the gradient before the end.
    """
    if not (math.isfinite(there.value) and math.isfinite(there_slope)):
        return False
    change = there.value - start.value
    if change <= _DECREASE * length * slope:
        return True
    return change <= rounding * (1.0 + abs(start.value)) and there_slope <= (2.0 * _DECREASE - 1.0) * slope


def _next_length(low: _Trial, high: _Trial) -> float:
    """Return where the cubic through both ends of the bracket is lowest, or its middle if there is no such place."""
    width = high.length - low.length
    if not (math.isfinite(high.value) and math.isfinite(high.slope)):
        return low.length + _RETREAT * width
    share = 0.5
    if high.slope > low.slope:
        # Nocedal & Wright 2006, equation 3.59.
        d1 = low.slope + high.slope - 3.0 * (high.value - low.value) / width
        discriminant = d1 * d1 - low.slope * high.slope
        if 0.0 <= discriminant < np.inf:
            d2 = math.sqrt(discriminant)
            share = 1.0 - (high.slope + d2 - d1) / (high.slope - low.slope + 2.0 * d2)
    return float(low.length + width * np.clip(share, _NEAREST, _FARTHEST))


def _farther(low: _Trial, slope: float) -> float:
    """Return where the slope, by a line through those at the start and at the only trial, is 0; or not so far."""
    farthest = _ADVANCE * low.length
    return min(low.length * slope / (slope - low.slope), farthest) if low.slope > slope else farthest
