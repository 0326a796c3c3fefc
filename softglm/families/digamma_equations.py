"""Three equations in digamma, solved by Newton's method from above.

The means of Gamma, Beta and Dirichlet are differences of digamma functions, so that
to find a natural parameter is to invert digamma. Each equation is written here as
f(x) = 0 in a form that is convex or concave, and is started where the asymptote of f
at infinity puts the root. A curve lies on one side of its tangents, and an asymptote
is the tangent at infinity; so every Newton step lands between the root and the last
iterate. Nothing but rounding can overshoot, no bracket is needed, and the descent
ends, at quadratic speed, where rounding ends it.

What limits the result is eta = x - 1: near x = 0 it holds x to 1e-16 only.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import digamma, polygamma

from softglm.arrays import FloatArray
from softglm.families.batches import total


def inverse_digamma(y: FloatArray) -> FloatArray:
    """Find the x > 0 with digamma(x) = y, elementwise.

    Newton's method in 1/x, in which digamma is convex and, towards x = 0, a line. It
    starts from log(x - 1/2) = y, the asymptote, which digamma(x) exceeds.

    Parameters
    ----------
    y : array

    Returns
    -------
    array, of the shape of y
    """

    def newton(x: FloatArray) -> FloatArray:
        return x / (1.0 + (digamma(x) - y) / (x * polygamma(1, x)))

    return _descend(newton, np.exp(y) + 0.5)


def gamma_shape(spread: FloatArray) -> FloatArray:
    """Find the a > 0 with log(a) - digamma(a) = spread, elementwise.

    Newton's method on 1 / (log(a) - digamma(a)), which is convex and has the
    asymptote 2a - 1/3.

    Parameters
    ----------
    spread : array
        Positive.

    Returns
    -------
    array, of the shape of spread
    """

    def newton(a: FloatArray) -> FloatArray:
        here = np.log(a) - digamma(a)
        slope = polygamma(1, a) - 1.0 / a
        return a - (spread - here) * here / (spread * slope)

    start = 0.5 / spread + 1.0 / 6.0
    # Nearer than rounding lets log(a) - digamma(a) come: off by 1 / (36 a).
    return np.where(spread < 1e-5, start, _descend(newton, start))


def dirichlet_concentrations(mean: FloatArray) -> FloatArray:
    """Find the alpha > 0 with digamma(alpha_k) - digamma(sum of alpha) = mean_k.

    Given the sum s, alpha_k is the inverse digamma of mean_k + digamma(s). What
    remains is one equation, that these alpha_k add up to s: their sum is concave in s,
    because 1 / trigamma is convex, and lies below its asymptote

        sum_k [exp(mean_k) s + (1 - exp(mean_k)) / 2].

    Parameters
    ----------
    mean : array, shape (K, ...)
        With a sum of exp(mean_k) below 1.

    Returns
    -------
    array, shape (K, ...)
    """

    def concentrations(s: FloatArray) -> FloatArray:
        return inverse_digamma(mean + digamma(s))

    def newton(s: FloatArray) -> FloatArray:
        alpha = concentrations(s)
        slope = total(polygamma(1, s) / polygamma(1, alpha)) - 1.0
        return s - (total(alpha) - s) / slope

    slack = -np.expm1(np.logaddexp.reduce(mean, axis=0))
    start = (len(mean) - 1.0 + slack) / (2.0 * slack)
    return concentrations(_descend(newton, start))


def _descend(step: Callable[[FloatArray], FloatArray], start: FloatArray) -> FloatArray:
    """Step down; once rounding has sent a step up, take only ever smaller steps."""
    x, limit = start, np.full_like(start, np.inf)
    while True:
        # At the edge of the range a slope can round to 0, and its step to infinity.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            stepped = step(x)
            rise = stepped - x
            moves = (stepped > 0) & (rise != 0) & (np.abs(rise) < limit)
        if not moves.any():
            return x
        x = np.where(moves, stepped, x)
        limit = np.where((rise < 0) & np.isinf(limit), np.inf, 0.5 * np.abs(rise))
