r"""What rounding may have done to a gradient: a bound on the arithmetic, for proofs to hold in floating point.

By the model of floating point, fl(a op b) = (a op b)(1 + e), |e| <= u, a sum of n terms is off by n u times the sum of
their sizes at most (Higham 2002, chapter 3). Followed through an evaluation,

    eta_i = B' x_i + b + o_i      is off by   (p + 4) u (|B|' |x_i| + |b| + |o_i|)  at most,
    mu_i  = grad A(eta_i)         by what that moves it, |A''| times as much, and some u of its own,
    g     = mean x (mu - t)'      by mean |x| times that, and n u mean |x| (mu + t)', of n terms in a row.

Means of products are bounded by roots of mean squares, which are known before the fit: that takes no pass, and one more
pass bounds them row by row. Terms in u^2 are left out: the few units that are counted too many are more than they.
"""

import math
from typing import NamedTuple

import numpy as np

from softglm.arrays import FloatArray
from softglm.model.objective import Objective
from softglm.model.penalties import Penalty
from softglm.model.penalties.thresholds import largest
from softglm.sums import GradientRounding, LargestSizes

# u: half a unit in the last place.
UNIT = float(np.finfo(np.float64).eps) / 2.0
# Roundings beside those of sums: of a product and a sum with b and o; of exponentials, divisions and weights.
_FEW, _OWN = 4.0, 16.0
# A root mean square below this has lost digits.
_UNDERFLOWS = 1e-145
# What is left of a mean square, relative to it, may be rounding.
_CANCELS = 1e-11


def gradient_rounding(
    objective: Objective,
    parameters: FloatArray,
    gradient: FloatArray,
    *,
    is_centred: bool = False,
    of_any_means: bool = False,
) -> FloatArray:
    """Return a bound on what each entry of the gradient is off by, shape (m, q), from what is known before the fit.

    Parameters
    ----------
    objective : Objective
    parameters : array of shape (m, q)
    gradient : array of shape (m, q)
        That of f there, as it was computed.
    is_centred : bool, default=False
        Whether rows are centred before they are multiplied, or what their products sum up to is.
    of_any_means : bool, default=False
        Whether it is that of the means as they were computed, be they those at the parameters or not: only the sums
        over the rows are off then.
    """
    moments, family = objective.moments, objective.family
    largest_mean, largest_curvature = family.largest_mean, family.largest_curvature
    if not largest_mean < np.inf or not largest_curvature < np.inf:
        return sharp_rounding(objective, parameters, is_centred=is_centred).bound
    # Of targets and means within [0, M] the root mean square is at most that of M times their mean.
    target = np.abs(moments.mean_target)
    mean = np.minimum(target + np.abs(gradient[-1]), largest_mean) if objective.fit_intercept else largest_mean
    of_sums = _of_sums(objective)
    terms = (of_sums * math.sqrt(largest_mean)) * (np.sqrt(mean) + np.sqrt(target))
    sizes = np.abs(parameters)
    reach, distance = sizes[: len(moments.size)].max(axis=1), np.abs(moments.center)
    constant = sizes[-1].max() if objective.fit_intercept else 0.0
    if is_centred:
        # A variance, as the difference of mean squares, is off by some units of these.
        size = np.sqrt(np.maximum(moments.size**2 - distance**2 * (1.0 - _CANCELS), 0.0))
    else:
        size, constant = moments.size + distance, constant + distance @ reach
    moved = _of_eta(objective) * float(size @ reach + constant + moments.offset_size)
    noise = objective.rows.noise
    if noise is not None:
        moved += float(noise @ reach)
    entry = terms if of_any_means else terms + largest_curvature * moved
    slopes = np.multiply.outer(size, entry)
    if noise is not None:
        slopes += largest_mean * noise[:, np.newaxis]
    return _assembled(objective, parameters, slopes, entry)


class Sharp(NamedTuple):
    """What one more pass tells, row by row.

    Attributes
    ----------
    bound : array of shape (m, q)
        On what each entry of the gradient is off by.
    moves : array of shape (p, q)
        How fast each slope changes with the intercepts, at most.
    """

    bound: FloatArray
    moves: FloatArray


def sharp_rounding(objective: Objective, parameters: FloatArray, *, is_centred: bool) -> Sharp:
    """Return bounds as `gradient_rounding` does, from one more pass: far less where most means are at their ends."""
    moments = objective.moments
    largest = _largest_constant(objective, parameters, is_centred=is_centred)
    sums = objective.rows.sum(
        GradientRounding(
            objective.family,
            *objective.rounded(parameters),
            moments.center if is_centred else None,
            largest,
            _of_eta(objective),
            _of_mean(objective),
            _of_sums(objective),
        )
    )
    slopes, constants, moves, curvature = (total / moments.total_weight for total in sums)
    if not is_centred:
        slopes += np.multiply.outer(np.abs(moments.center), constants)
        moves += np.multiply.outer(np.abs(moments.center), curvature)
    bound = _assembled(objective, parameters, slopes, constants)
    # What the entries of X are off by moves every row: that is known of mean squares alone.
    return Sharp(bound if objective.rows.noise is None else np.full_like(bound, np.inf), moves)


def _assembled(objective: Objective, parameters: FloatArray, slopes: FloatArray, constants: FloatArray) -> FloatArray:
    """Return the bound, shape (m, q), with what the penalty adds, and the centring of the cross moments."""
    moments = objective.moments
    bound = np.abs((2.0 * UNIT) * objective.penalty.gradient(parameters))
    if objective.fit_intercept:
        if not moments.is_about:
            slopes += np.multiply.outer(_of_sums(objective) * np.abs(moments.center), np.abs(moments.mean_target))
        bound[-1] += constants
    bound[: len(slopes)] += slopes
    return bound


def _largest_constant(objective: Objective, parameters: FloatArray, *, is_centred: bool) -> float:
    """Return the size of what is added to B' x: the intercepts, with the center in them unless rows are centred."""
    coef, intercept = objective.split(parameters)
    at_center = float(np.abs(intercept).max())
    return at_center if is_centred else at_center + float(np.abs(objective.moments.center) @ largest(np.abs(coef)))


def _of_eta(objective: Objective) -> float:
    return UNIT * (len(objective.moments.center) + _FEW)


def _of_mean(objective: Objective) -> float:
    return UNIT * (objective.family.n_parameters + _OWN)


def _of_sums(objective: Objective) -> float:
    return UNIT * (objective.rows.longest_sum + objective.family.n_parameters + _OWN)


def _size(objective: Objective, reach: FloatArray) -> float:
    """Return how large B' x is, of coefficients of the sizes reach, shape (p,): at most, where squares underflow."""
    size = objective.moments.size
    if ((size < _UNDERFLOWS) & (reach > 0.0)).any():
        size = np.where(size < _UNDERFLOWS, objective.rows.max(LargestSizes())[0], size)
    return float(size @ reach)


def value_rounding(objective: Objective, parameters: FloatArray) -> float:
    """Return a bound on what f, as it is computed for these parameters, shape (m, q), is off by."""
    coef, _ = objective.split(parameters)
    eta = _largest_constant(objective, parameters, is_centred=False) + objective.moments.offset_size
    eta += _size(objective, largest(np.abs(coef)))
    own = math.log(objective.family.n_parameters + 1.0)
    return 2.0 * (_of_sums(objective) * (eta + own) + _of_eta(objective) * eta)


def representation_loss(objective: Objective, penalty: Penalty, coef: FloatArray, intercept: FloatArray) -> float:
    """Return what f may lose, from its minimum, where coefficients (p, q) and intercepts (q,) are rounded.

    The intercept is that at x = 0: where columns are far from it, its last digit moves eta of all rows. What is far is
    taken from it in one rounding, see `Basis`.
    """
    family, moments = objective.family, objective.moments
    reach = np.abs(coef).max(axis=1, initial=0.0)
    at_center = float(np.abs(intercept + objective.center @ coef).max())
    own = (len(reach) + family.n_parameters + _FEW) * (_size(objective, reach) + at_center)
    between = (len(reach) + _FEW) * float(np.abs(moments.center) @ reach)
    moved = UNIT * (own + between + float(np.abs(intercept).max()))
    curvature = family.largest_curvature
    if not curvature < np.inf:
        curvature = 2.0 * max(1.0, float(np.abs(moments.mean_target).max()))
    # The penalty is quadratic.
    lengths = np.sqrt(penalty.curvature[: len(reach)]) * reach
    pulled = (_FEW * UNIT) ** 2 * float(lengths @ lengths) * family.n_parameters / 2.0
    return curvature * moved**2 / 2.0 + pulled
