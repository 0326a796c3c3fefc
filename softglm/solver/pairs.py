"""Steps and changes of the gradient, in no coordinates: what L-BFGS remembers where metrics change.

The two loops of Nocedal 1980 (doi 10.1090/S0025-5718-1980-0572855-7), around the inverse of whatever metric there is.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, final

import numpy as np

from softglm.arrays import FloatArray

_PAIRS = 10


class _Pair(NamedTuple):
    """A step, the change of the gradient along it, and the product of both."""

    step: FloatArray
    change: FloatArray
    curvature: float


@final
class Pairs:
    """The last pairs; none of them, where nothing was added."""

    def __init__(self) -> None:
        self._latest: deque[_Pair] = deque(maxlen=_PAIRS)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._latest)

    def add(self, step: FloatArray, change: FloatArray) -> None:
        """Remember a step and the change of the gradient along it, unless the curvature is lost in rounding."""
        curvature = float(np.vdot(step, change))
        if curvature > 0.0:
            self._latest.append(_Pair(step, change, curvature))

    def times(self, gradient: FloatArray, solve: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return the inverse Hessian times a gradient, given what an inverse of a metric times one is."""
        rest, along = gradient, []
        for pair in reversed(self._latest):
            along.append(float(np.vdot(pair.step, rest)) / pair.curvature)
            rest = rest - along[-1] * pair.change
        towards = solve(rest)
        for pair, share in zip(self._latest, reversed(along), strict=True):
            towards = towards + (share - float(np.vdot(pair.change, towards)) / pair.curvature) * pair.step
        return towards
