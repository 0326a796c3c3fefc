r"""What a sample proves by itself: how far f can fall below its tangent, if only some of its rows hold it up.

No row adds to f what is anywhere below its tangent. Of the rows of a sample, each of which stands for m_i <= k of them,
it is so much above that, D_i(h) >= 0; and with the penalty's own r(h)

    f(theta + h) - f(theta) >= q(h) = g'h + r(h) + 1/(kW) sum_i w_i m_i D_i(h).

That is a likelihood again, tilted until its gradient is that of all rows. Its minimum, k times as far below as that of
f about, is found in memory by Newton's method, and proved there by self-concordance: once that is near, however far
it is from theta.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import RowsInMemory
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.metric import HessianMetric
from softglm.model.objective import Objective
from softglm.model.passes import StreamedPasses
from softglm.model.proof.rounding import gradient_rounding, sharp_rounding, value_rounding

# A step at the end of which q is no lower is made shorter by this; evaluations of the sample at the most.
_NEARER, _MOST = 0.25, 12


class Tangent(NamedTuple):
    """A point, the gradient of f there, and what its entries may be off by, each of shape (m, q).

    Attributes
    ----------
    sharp : callable
        Returns that more closely, from one more pass.
    """

    point: FloatArray
    gradient: FloatArray
    rounding: FloatArray
    sharp: Callable[[], FloatArray]


def gap_by_sample(
    objective: Objective,
    sample: RowsInMemory,
    coordinates: KroneckerCoordinates,
    here: Tangent,
    *,
    allowed: float,
) -> float:
    """Return a bound on f - f*; where that would be above what is allowed, perhaps inf.

    Parameters
    ----------
    objective : Objective
    sample : RowsInMemory
        Some of its rows, of weights that are multiplied by how many each stands for.
    coordinates : KroneckerCoordinates
        In which Hessians are factored.
    here : Tangent
    allowed : float
    """
    point, gradient, rounding, sharp = here
    # Rows of their own there, each of which stands for itself alone.
    below = objective.tilted(RowsInMemory(*sample.parts), sample.multiplicity, point, gradient)
    passes = StreamedPasses(below)
    rounding = rounding + gradient_rounding(below, point, gradient)  # what it is tilted by has both
    highest, lowest = below.evaluate(point)[0] + value_rounding(below, point), math.inf
    there, step = point, np.zeros_like(point)
    for _ in range(_MOST):
        value, slope, matrix = passes.evaluate_with_hessian(there + step, coordinates)
        if not value < lowest:
            step *= _NEARER
            continue
        there, lowest = there + step, value
        off = value_rounding(below, there) + float(np.vdot(rounding, np.abs(there - point)))
        fallen = highest - lowest + off
        if not fallen <= allowed:
            break
        metric = HessianMetric(passes, matrix(), coordinates, below.rows)
        whitened = metric.whiten(slope)
        decrement = math.sqrt(whitened @ whitened)
        left = metric.gap(decrement, 0.0, rounding + gradient_rounding(below, there, slope))
        if left < math.inf:
            return fallen + left
        if metric.gap(decrement, 0.0, np.zeros_like(slope)) < math.inf:  # rounding alone is in the way
            own = sum(sharp_rounding(below, parameters, is_centred=False).bound for parameters in (point, there))
            return fallen + metric.gap(decrement, 0.0, sharp() + own)
        step = -metric.unwhiten(whitened)
    return math.inf
