"""L-BFGS in the coordinates of a metric: one stage, from one metric to the next.

With an empty memory the first direction is the Newton step of that metric, with step length 1, whatever the scale of
the gradient.
"""

from collections.abc import Iterator

from softglm.solver.curvature import Curvature
from softglm.solver.line_search import Iterate, line_search
from softglm.solver.method import Function, Step


def lbfgs(function: Function, start: Iterate, known: Curvature, *, rounding: float) -> Iterator[Step]:
    """Yield the steps of L-BFGS, see `Method`.

    Liu & Nocedal 1989, doi 10.1007/BF01589116. The estimate of f - f* is half the square of the length of the gradient
    g in the metric H that L-BFGS has by then made of the given one, g' H^-1 g / 2.
    """
    metric, memory = known.metric, known.memory
    here, whitened = start, metric.whiten(start.gradient)
    direction = -memory.times(whitened)
    while True:
        found = line_search(function.evaluate, here, metric.unwhiten(direction), rounding=rounding)
        if found is None:
            return
        length, here = found
        previous, whitened = whitened, metric.whiten(here.gradient)
        step = length * direction
        known.travel(step)
        memory.add(step, whitened - previous)
        direction = -memory.times(whitened)
        yield Step(here, -float(whitened @ direction) / 2.0)
