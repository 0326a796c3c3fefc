r"""L-BFGS in the coordinates of a metric: one stage, from one metric to the next.

A metric H ~ L L' defines coordinates v in which H is the identity: a gradient g becomes L^-1 g (`whiten`), a step v
becomes L^-T v (`unwhiten`). With an empty memory the first direction is then the Newton step of that metric, with
step length 1, whatever the scale of the gradient.
"""

from collections.abc import Callable
from typing import Protocol

from softglm.arrays import FloatArray
from softglm.solver.line_search import Evaluate, Iterate, line_search
from softglm.solver.memory import Memory


class Metric(Protocol):
    """A positive definite H ~ L L', factored once and applied often."""

    def whiten(self, gradient: FloatArray) -> FloatArray:
        """Return L^-1 g, a vector."""

    def unwhiten(self, vector: FloatArray) -> FloatArray:
        """Return L^-T v, of the shape of a point."""


def lbfgs(
    evaluate: Evaluate,
    start: Iterate,
    metric: Metric,
    memory: Memory,
    stop: Callable[[Iterate, float], bool],
    *,
    rounding: float,
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
    rounding : float
        Differences of f below this, relative to |f| + 1, are rounding; the slope alone decides there.
    """
    here, whitened = start, metric.whiten(start.gradient)
    direction = -memory.times(whitened)
    while True:
        found = line_search(evaluate, here, metric.unwhiten(direction), rounding=rounding)
        if found is None:
            return
        length, here = found
        previous, whitened = whitened, metric.whiten(here.gradient)
        memory.add(length * direction, whitened - previous)
        direction = -memory.times(whitened)
        if stop(here, -float(whitened @ direction) / 2.0):
            return
