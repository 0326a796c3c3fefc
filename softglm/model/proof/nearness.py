r"""How near the optimum is to a point of which the gap is known: a proof, from one Hessian or from none.

**In the metric of H**, the Hessian at the point. Let d lead to the optimum, R(d) <= rho ||d|| =: y and
phi(t) = f(theta + t d). By self-concordance phi'' >= ||d||^2 exp(-y t), and since phi'(1) = 0 (Bach 2010, doi
10.1214/09-EJS521; Sun & Tran-Dinh 2019, doi 10.1007/s10107-018-1282-4, for the same from the gradient)

    f - f* = int t phi''(t) dt >= [1 - (1 + y) exp(-y)] / rho^2.

Of a gap G with s = rho sqrt(2 G) <= 1/2 that leaves y <= s + s^2 / 2, that is  ||d||_H <= sqrt(2 G) (1 + s / 2).

**In divergences**, whatever the penalty if it is convex: the optimum's means mu*, whose gradient vanishes, have

    f - f* >= mean KL(mu* || mu),    so that each row that was fitted has  w_i KL(mu*_i || mu_i) <= W G.

A point of which nothing is known is no nearer than a Newton step says; but it is exactly as far from another point, a
fit, as their difference, and the fit is near the optimum.
"""

import math

# Beyond, nothing is said by the series.
_NEAR = 0.5


def distance_to_optimum(gap: float, radius: float) -> float:
    """Return the most that the distance to the optimum can be in the metric of H; inf where nothing is proved.

    Parameters
    ----------
    gap : float
        G, what f is above its minimum at the most, in nats per unit of weight.
    radius : float
        rho.
    """
    length = math.sqrt(2.0 * gap)
    s = radius * length
    return length * (1.0 + s / 2.0) if s <= _NEAR else math.inf


def gap_beside(gap: float, moved: float) -> float:
    """Return a bound on the gap at another point: that at the first, and half the largest square of the step between.

    f is below its tangent and half that square, and its gradient at most as long as the root of twice the gap.

    Parameters
    ----------
    gap : float
    moved : float
        1/2 <d, H d> of the step d, with the largest H there is.
    """
    return (math.sqrt(gap) + math.sqrt(moved)) ** 2
