r"""How far from the optimum: a proof, from one Hessian.

If |D^3 f[u, u, h]| <= R(h) D^2 f[u, u] with R(h) <= rho ||h||_H, then f(theta + h) is bounded below along every ray
(Bach 2010, doi 10.1214/09-EJS521). Minimising that bound over the steps h: with the Newton decrement
lambda = ||grad f||_{H^-1} and x = lambda rho,

    x < 1  implies that a minimiser exists, and  f - f* <= [x + (1 - x) log(1 - x)] / rho^2  ~  lambda^2 / 2.

For a family with A'' = sum_d v_d D_d D_d', R(h) = max_i max_d |D_d' h' x_i|, so rho is the
largest ||D_d (x) x_i||_{H^-1}.
It is bounded here by max_d ||D_d|| times the root of the largest leverage max_i trace_a(x_i' V_aa x_i), V = H^-1:
one pass over the rows whatever the number of classes. Near the optimum x is tiny and nothing is lost.
"""

import math

import numpy as np
from scipy.linalg import lapack

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.objective import Objective
from softglm.sums import LargestLeverage

# Where classes separate, x tends to 1 and may do so from above: what rounding could decide is not proved.
_PROVES = 0.5
# Below this x the closed form cancels and the first terms of its series are exact to double precision.
_SERIES = 1e-4


def self_concordant_gap(decrement: float, radius: float) -> float:
    """Return the bound on f - f*, in nats per unit of weight; inf where x is not safely below 1 and nothing is proved.

    Parameters
    ----------
    decrement : float
        lambda.
    radius : float
        rho.
    """
    x = decrement * radius
    if not x < _PROVES:
        return float("inf")
    if x < _SERIES:
        return decrement**2 * (1 / 2 + x / 6 + x**2 / 12 + x**3 / 20)
    return float((x + (1.0 - x) * np.log1p(-x)) / radius**2)


def leverage_form(coordinates: KroneckerCoordinates, inverse: FloatArray) -> FloatArray:
    """Return T, shape (r, r), with trace_a(x' V_aa x) = u' T u, u = F'[x - c; 1].

    Parameters
    ----------
    coordinates : KroneckerCoordinates
    inverse : array of shape (r s, r s)
        That of the lower Cholesky factor of the Hessian in these coordinates.
    """
    r, s = coordinates.scales.shape
    scaled = inverse.reshape(r * s, r, s) * coordinates.scales
    roots = np.moveaxis(scaled, 2, 1).reshape(r * s * s, r)
    return np.asarray(roots.T @ roots)


def leverage_directions(
    objective: Objective, coordinates: KroneckerCoordinates, form: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return slopes (p, r) and a constant (r,) with u' T u = ||slopes' (x - c) + constant||^2."""
    root, info = lapack.dpotrf(form, lower=1)
    if info:
        spectrum, vectors = np.linalg.eigh(form)
        root = vectors * np.sqrt(np.maximum(spectrum, 0.0))
    features = coordinates.features
    return objective.split(features @ root if features.ndim == 2 else features[:, np.newaxis] * root)


def concordance_radius(objective: Objective, leverage: float) -> float:
    """Return an upper bound on rho, given the largest leverage."""
    longest = np.square(objective.family.curvature_directions).sum(axis=1).max()
    return math.sqrt(leverage * longest)


def largest_leverage(objective: Objective, coordinates: KroneckerCoordinates, form: FloatArray, rows: Rows) -> float:
    """Return the largest leverage of these rows, u' T u.

    Parameters
    ----------
    objective : Objective
    coordinates : KroneckerCoordinates
    form : array of shape (r, r)
        T.
    rows : Rows
    """
    slopes, constant = leverage_directions(objective, coordinates, form)
    return float(rows.max(LargestLeverage(objective.moments.center, slopes, constant))[0][0])
