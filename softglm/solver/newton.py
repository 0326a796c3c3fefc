"""Newton's method, for where a Hessian is cheap: a stage in which every step has its own."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from softglm.arrays import FloatArray
from softglm.solver.lbfgs import Metric
from softglm.solver.line_search import Evaluate, Iterate, line_search

# A step goes on until the slope is down to this part of what it was: an evaluation is cheaper than the next Hessian.
_CURVATURE = 0.3

M = TypeVar("M", bound=Metric)


def newton(
    evaluate: Evaluate,
    start: Iterate,
    metric: M,
    hessian_at: Callable[[FloatArray], M],
    stop: Callable[[Iterate, float], bool],
    *,
    rounding: float,
) -> tuple[M, FloatArray]:
    """Iterate from `start` until `stop` says so, or no step is acceptable.

    Parameters
    ----------
    evaluate : callable
        Returns the iterate at a point.
    start : Iterate
    metric : Metric
        The first one, made at the start or near.
    hessian_at : callable
        Returns the metric that is made at a point.
    stop : callable
        Called after each accepted step with the iterate and an estimate of f - f* there, by the metric before it.
    rounding : float
        Differences of f below this, relative to |f| + 1, are rounding.

    Returns
    -------
    metric : Metric
        The last one.
    step : array
        From where it was made to the last iterate, in its coordinates.
    """
    here = start
    while True:
        whitened = metric.whiten(here.gradient)
        found = line_search(evaluate, here, metric.unwhiten(-whitened), rounding=rounding, curvature=_CURVATURE)
        if found is None:
            return metric, np.zeros_like(whitened)
        length, here = found
        remaining = metric.whiten(here.gradient)
        if stop(here, float(remaining @ remaining) / 2.0):
            return metric, -length * whitened
        metric = hessian_at(here.point)
