r"""L-BFGS in the coordinates of a metric: one stage, from one metric to the next.

A metric H ~ L L' defines coordinates v in which H is the identity: a gradient g becomes L^-1 g (`whiten`), a step v
becomes L^-T v (`unwhiten`). With an empty memory the first direction is then the Newton step of that metric, with
step length 1, whatever the scale of the gradient.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from softglm.arrays import FloatArray
from softglm.solver.memory import Memory

# The constants of sufficient decrease and of curvature in the Wolfe conditions (Nocedal & Wright 2006, section 3.1).
_DECREASE, _CURVATURE = 1e-4, 0.9
_MAX_TRIALS = 30
# Where f is not finite, the next trial is nearer by this; elsewhere it keeps such distances from the ends of a bracket.
_RETREAT, _NEAREST, _FARTHEST = 0.1, 0.05, 0.9
# Differences of f below this, relative to |f| + 1, are rounding; the slope alone decides there (see `_acceptable`).
_ROUNDING = 1e-13


class Metric(Protocol):
    """A positive definite H ~ L L', factored once and applied often."""

    def whiten(self, gradient: FloatArray) -> FloatArray:
        """Return L^-1 g, a vector."""

    def unwhiten(self, vector: FloatArray) -> FloatArray:
        """Return L^-T v, of the shape of a point."""


class Iterate(NamedTuple):
    """A point with the value and the gradient of f there."""

    point: FloatArray
    value: float
    gradient: FloatArray


class _Trial(NamedTuple):
    """A step length, with f and its slope along the step there."""

    length: float
    value: float
    slope: float


Evaluate = Callable[[FloatArray], Iterate]


def lbfgs(
    evaluate: Evaluate,
    start: Iterate,
    metric: Metric,
    memory: Memory,
    stop: Callable[[Iterate, float], bool],
) -> None:
    """Iterate from `start` until `stop` says so, or no step is acceptable.

    Liu & Nocedal 1989, doi 10.1007/BF01589116.

    Parameters
    ----------
    evaluate : callable
        Returns the iterate at a point.
    start : Iterate
    metric : Metric
    memory : Memory
        Of earlier iterations in the same metric; it is added to.
    stop : callable
        Called after each accepted step with the iterate and an estimate of f - f* there: half the square of the length
        of its gradient g in the metric that L-BFGS has by then made of the given one, g' H g / 2.
    """
    here, whitened = start, metric.whiten(start.gradient)
    direction = -memory.times(whitened)
    while True:
        found = _line_search(evaluate, here, metric.unwhiten(direction))
        if found is None:
            return
        length, here = found
        previous, whitened = whitened, metric.whiten(here.gradient)
        memory.add(length * direction, whitened - previous)
        direction = -memory.times(whitened)
        if stop(here, -float(whitened @ direction) / 2.0):
            return


def _line_search(evaluate: Evaluate, start: Iterate, move: FloatArray) -> tuple[float, Iterate] | None:
    """Return a step length that satisfies the Wolfe conditions, with the iterate there, or None.

    The bracket of Lewis & Overton 2013 (doi 10.1007/s10107-012-0514-2), with the cubic through the values and slopes at
    its ends in place of bisection.
    """
    slope = float(np.vdot(start.gradient, move))
    if not slope < 0.0:
        return None
    low, high = _Trial(0.0, start.value, slope), _Trial(np.inf, np.inf, np.inf)
    length = 1.0
    for _ in range(_MAX_TRIALS):
        there = evaluate(start.point + length * move)
        trial = _Trial(length, there.value, float(np.vdot(there.gradient, move)))
        if not _acceptable(start, slope, length, there, trial.slope):
            high = trial
        elif trial.slope < _CURVATURE * slope:
            low = trial
        else:
            return length, there
        length = _next_length(low, high)
    return None


def _acceptable(start: Iterate, slope: float, length: float, there: Iterate, there_slope: float) -> bool:
    """Tell whether f has decreased enough: by its values, or where they are rounding by its slopes.

    The second form is the approximate Wolfe condition of Hager & Zhang 2005 (doi 10.1137/030601880). Without it a
    search fails once f is flat to rounding, half the digits of the gradient before the end.
    """
    if not (math.isfinite(there.value) and math.isfinite(there_slope)):
        return False
    change = there.value - start.value
    if change <= _DECREASE * length * slope:
        return True
    return change <= _ROUNDING * (1.0 + abs(start.value)) and there_slope <= (2.0 * _DECREASE - 1.0) * slope


def _next_length(low: _Trial, high: _Trial) -> float:
    """Return where the cubic through both ends of the bracket is lowest; its middle or beyond where there is none."""
    if not math.isfinite(high.length):
        return 4.0 * low.length if low.length > 0.0 else 1.0
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
