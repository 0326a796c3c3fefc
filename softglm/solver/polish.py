"""The last digits: Newton steps in one Hessian, where f is flat to rounding and its gradient is not."""

from collections.abc import Callable

import numpy as np

from softglm.arrays import FloatArray
from softglm.solver.aims import Aims
from softglm.solver.curvature import Curvature
from softglm.solver.line_search import Iterate

# Newton steps from a Hessian made for a proof, and how much f may seem to rise where it is flat, relative to |f| + 1.
_MAX_STEPS, _FLAT = 10, 1e-9


def polished(evaluate: Callable[[FloatArray], Iterate], here: Iterate, known: Curvature, aims: Aims) -> Iterate:
    """Return where Newton steps lead from near the optimum, while they at least halve the gradient."""
    metric = known.metric
    whitened = metric.whiten(here.gradient)
    for _ in range(_MAX_STEPS):
        if not aims.precise(here.value) < whitened @ whitened / 2.0 <= aims.allowed(here.value):
            break
        there = evaluate(here.point - metric.unwhiten(whitened))
        remaining = metric.whiten(there.gradient)
        is_nearer = np.linalg.norm(remaining) < np.linalg.norm(whitened) / 2.0
        if not (is_nearer and there.value - here.value <= _FLAT * (1.0 + abs(here.value))):
            break
        known.travel(-whitened)
        here, whitened = there, remaining
    return here
