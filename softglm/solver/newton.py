"""Newton's method, for where a Hessian is cheap: a stage in which every step has its own."""

from collections.abc import Iterator

from softglm.solver.curvature import Curvature
from softglm.solver.line_search import Iterate, line_search
from softglm.solver.method import Function, Step

# A step goes on until the slope is down to this part of what it was: an evaluation is cheaper than the next Hessian.
_CURVATURE = 0.3


def newton(function: Function, start: Iterate, known: Curvature, *, rounding: float) -> Iterator[Step]:
    """Yield the steps of Newton's method, see `Method`; the first one in the metric that is known.

    The estimate of f - f* is that of the metric before the step.
    """
    here, evaluate = start, function.evaluate_with_hessian
    while True:
        whitened = known.metric.whiten(here.gradient)
        move = known.metric.unwhiten(-whitened)
        found = line_search(evaluate, here, move, rounding=rounding, curvature=_CURVATURE)
        if found is None:
            return
        length, there = found
        here, remaining = there.iterate, known.metric.whiten(there.gradient)
        known.travel(-length * whitened)
        yield Step(here, float(remaining @ remaining) / 2.0)
        known.replace(there.hessian())
