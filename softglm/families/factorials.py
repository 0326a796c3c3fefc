"""E[log N!], which the carriers of counts ask for and no closed form gives."""

import math
from collections.abc import Callable

from softglm.arrays import FloatArray


def expected_log_factorial(at_least: Callable[[int], FloatArray], largest: int) -> FloatArray:
    """E[log N!] = sum over j of log(j) P(N >= j), because log N! = sum_{j<=N} log j.

    Every term is positive, so nothing cancels; memory is that of one term.

    Parameters
    ----------
    at_least : callable
        j -> P(N >= j), an array of shape (...).
    largest : int
        No N is larger, or only with a probability that rounds to nothing.

    Returns
    -------
    array, shape (...)
    """
    start = 0.0 * at_least(1)
    return sum((math.log(j) * at_least(j) for j in range(2, largest + 1)), start)
