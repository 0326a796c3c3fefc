r"""How far the fit without a row is from one Newton step, or a few: a proof, from the Hessian with all rows.

Leaving row i out of the total loss leaves phi, with Hessian G = H - w Z'BZ at the fit, of which the step h is
G^-1 times minus the gradient. phi is self-concordant: with R the largest |<D, eta_j>| that h moves another row by,
the Hessian at t h is between exp(-t R) G and exp(t R) G. So in the metric of G^-1 the gradient that is left after the
step, the integral of its change minus what G says of it, has at most the length

    (exp(R) - 1 - R) / R ||h||_G,    in that of the Hessian there exp(R / 2) times that: nu,

and with rho the most that a step of length 1 there moves another row by, the minimiser is within -log(1 - nu rho) / rho
of it, where nu rho < 1: the way d to it makes  -<grad phi, d> >= ||d||^2 (1 - exp(-s)) / s,  s = rho ||d||. That moves
the row itself by sqrt(D' M D) times as much, and its loss by the slope along M and, as the spread of numbers with a
range r has a variance of at most r^2 / 4, by r^2 / 8 more.
"""

from typing import NamedTuple

import numpy as np

from softglm.arrays import FloatArray

# Beyond this nothing is proved for long, and the exponential may overflow.
_FAR = 30.0
# Where the quotient cancels the first terms of its series are exact to double precision.
_SERIES = 1e-3


class Metric(NamedTuple):
    """What the Hessian without a row says of the others and of the row, numbers or arrays of shape (n,).

    Attributes
    ----------
    radius : array
        The most that a step of length 1 moves another row by, in nats.
    reach : array
        The largest D' M D of the row.
    slope : array
        The root of g' M g, g the slope of its loss where that is to be bounded.
    """

    radius: FloatArray
    reach: FloatArray
    slope: FloatArray


def remaining_gradient(step: FloatArray, moved: FloatArray, before: FloatArray | float = 0.0) -> FloatArray:
    """Return the most that the gradient can be after a Newton step, in the metric in which it was made.

    Parameters
    ----------
    step : array
        Its length.
    moved : array
        R.
    before : array or float, default=0.0
        The most that another row had been moved from where the metric was made, when the step began: R0. With it, as
        the Hessian on the way is between exp(-R0 - t R) G and exp(R0 + t R) G,  exp(R0) (exp(R) - 1) / R - 1.
    """
    moved, before = np.minimum(moved, _FAR), np.minimum(before, _FAR)
    near = np.maximum(moved, _SERIES)
    series = moved / 2.0 + moved**2 / 6.0 + moved**3 / 24.0
    growth = np.where(moved < _SERIES, series, (np.expm1(near) - near) / near)
    return np.asarray(step * (growth + np.expm1(before) * (1.0 + growth)))


def loss_bound(gradient: FloatArray, moved: FloatArray, metric: Metric) -> FloatArray:
    """Return what the loss of a row, left out, may be off by, in nats; inf where nothing is proved.

    Parameters
    ----------
    gradient : array
        The length of that of phi, in the metric.
    moved : array
        R, the most that another row is moved from where the metric was made.
    metric : Metric
    """
    is_near = moved < _FAR
    stretch = np.exp(np.where(is_near, moved, 0.0) / 2.0)
    radius = np.maximum(stretch * metric.radius, np.finfo(np.float64).tiny)
    product = stretch * gradient * radius
    proves = is_near & (product < 1.0)
    with np.errstate(invalid="ignore"):
        way = np.where(proves, -np.log1p(-np.where(proves, product, 0.0)) / radius, np.inf)
        # Where the radius is 0 the loss is quadratic.
        way = np.where(proves, np.maximum(way, stretch * gradient), np.inf)
        moves = stretch * np.sqrt(metric.reach) * way
        bound = stretch * metric.slope * way + moves * moves / 8.0
    return np.where(proves & np.isfinite(bound), bound, np.inf)
