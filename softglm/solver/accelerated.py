"""Steps in a metric that is renewed at every point if that is cheap, and that what was seen on the way corrects.

A Hessian of some of the rows is made without a pass over all of them, and off by what a sample is: steps in it alone
come closer by the same factor each time. L-BFGS learns what it lacks: each step, and the change of the gradient along
it, are those of f itself. (Byrd, Nocedal & Schnabel 1994; its initial matrix is the metric's inverse, whichever that
is by then.)
"""

from collections.abc import Callable, Iterator

import numpy as np

from softglm.arrays import FloatArray
from softglm.solver.curvature import Curvature
from softglm.solver.line_search import Iterate, line_search
from softglm.solver.method import Function, Step


def accelerated(
    function: Function,
    start: Iterate,
    known: Curvature,
    *,
    rounding: float,
    way: Callable[[Iterate], FloatArray] | None = None,
) -> Iterator[Step]:
    """Yield the steps, see `Method`; the first one in the metric that is known, or by another way.

    The estimate of f - f* is g' H^-1 g / 2 in the metric H that L-BFGS has made of the one at hand.
    """
    here, pairs = start, known.pairs
    towards = -way(here) if way and not pairs else pairs.times(here.gradient, known.metric.solve)
    while True:
        found = line_search(function.evaluate, here, -towards, rounding=rounding)
        if found is None:
            return
        _, there = found
        pairs.add(there.point - here.point, there.gradient - here.gradient)
        here = there
        metric = function.renewed(here.point)
        if metric is None:
            known.leave()
        else:
            known.replace(metric)
        towards = pairs.times(here.gradient, known.metric.solve)
        yield Step(here, float(np.vdot(here.gradient, towards)) / 2.0)
