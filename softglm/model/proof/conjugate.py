r"""How far from the optimum under a penalty with kinks or bounds: a proof by Fenchel's dual.

With F = mean [A(eta) - <t, eta>] + r(B), eta = B'z + b + o, any means nu_i bound F from below,

    D(nu) = mean [<o, nu - t> - A*(nu)] - sum_j c_j(G_j),   G = mean z (nu - t)',   wherever mean z_U (nu - t)' = 0

over the unpenalised directions U: the intercept and the features that are free. By the inequality of Fenchel and Young

    F - D = mean KL(nu || mu) + sum_j [ r_j(B_j) + <G_j, B_j> + c_j(G_j) ],

a sum of terms that are not negative and vanish at the optimum: so does what rounding does to it, but for that of G.

**Balance.** Of a step d of the parameters, the means mu' = mu (1 + u - <mu, u>), u = d'z, are where eta moves mu to
first order: G is g + H d, exactly, since they are linear in d. Newton's step, the best by the quadratic model of F, has
such slopes as r has at B + d, and a divergence of half its decrement: with it the bound is what is to be gained.
Whatever the step, the unpenalised directions are balanced by a further -H_U^-1 g_U in them. What comes out are means
where none is below 0.
**Scale.** nu = t + s (mu' - t) is as balanced and scales G by s <= 1, until no kink is overcome.

What is left of the balance, by rounding, moves d by some e in U with ||e|| = ||g_U'||_{H_U^-1}, and so each slope by no
more than s sigma_j ||e|| / 2 (Cauchy and Schwarz; a probability has a variance of 1/4 at most).
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.families import Bernoulli, Categorical
from softglm.model.objective import Objective
from softglm.model.penalties import Ridge, SparsePenalty
from softglm.model.proof.rounding import UNIT, gradient_rounding, value_rounding
from softglm.sums import CONSTANT, SelectedFeatures, Tilt, TiltedDivergences, TiltedMeansAndInformation

Indices = npt.NDArray[np.intp]

# Directions of the unpenalised that bend so much less than the others are taken for combinations of them.
_FLAT = 1e-12
# The least of mu' / mu, where it is proved what rounding does.
_LEAST = 1e-2
# What is left of the balance may move v by so much at the most for each free feature, at one deviation.
_LEFT = 1e-2
# How far s is from 1, as parts of how far it has to be at the most; the divergence is convex between them.
_PARTS = np.array([0.0, 1 / 16, 1 / 4, 1.0])
# The least that it has to be at the most.
_CLOSE = 1e-13
_TINY = float(np.finfo(np.float64).tiny)
# Roundings of a number of few operations.
_FEW = 16.0


class Balance(NamedTuple):
    """A step, and what one pass tells of how to balance the unpenalised directions beyond it.

    Attributes
    ----------
    step : array of shape (m, q)
        d, any.
    gradient : array of shape (m, q)
        g + H d, of the likelihood alone. It need not be exact: what is summed tells what is left.
    information : array of shape (r, q, r, q)
        H_U at these parameters, of the free features and then the intercept: by this what is left is measured.
    """

    step: FloatArray
    gradient: FloatArray
    information: FloatArray


class Part(NamedTuple):
    """Features beside which no other has a coefficient: the likelihood in them alone, and the penalty on them.

    Attributes
    ----------
    features : int array of shape (k,)
        All that are not held at 0 by a kink among them.
    objective : Objective
    penalty : SparsePenalty
    """

    features: Indices
    objective: Objective
    penalty: SparsePenalty


def conjugate_gap(
    objective: Objective, penalty: SparsePenalty, parameters: FloatArray, step: FloatArray | None = None
) -> float:
    """Return a bound on F - F*, in nats per unit of weight: two passes. inf where nothing is proved.

    Parameters
    ----------
    objective : Objective
        The likelihood; whatever penalty it has is left out.
    penalty : SparsePenalty
        r.
    parameters : array of shape (m, q)
    step : array of shape (m, q) or None, default=None
        Where Newton's method would go from there: any step will do, and the best bound is that of this. None for none.
        It is not taken: the bound is that of the parameters.
    """
    if not isinstance(objective.family, Bernoulli | Categorical):
        return float("inf")
    step = np.zeros(objective.shape) if step is None else step
    return balanced_gap(objective, penalty, parameters, balance_at(objective, penalty, parameters, step))


def balance_at(objective: Objective, penalty: SparsePenalty, parameters: FloatArray, step: FloatArray) -> Balance:
    """Return the gradient of the likelihood beyond a step, and its information on what is not penalised: one pass.

    Parameters
    ----------
    objective : Objective
    penalty : SparsePenalty
    parameters, step : arrays of shape (m, q)
    """
    moved = np.flatnonzero(step.any(axis=1))
    tilt = Tilt(objective.family, *objective.rounded(parameters), _features(objective, moved), step[moved])
    free = _free(objective, penalty)
    cross, mean, packed = objective.rows.sum(TiltedMeansAndInformation(tilt, _features(objective, free)))
    gradient = _slopes(objective, cross, mean)
    (r, q), weight = (len(free), objective.shape[1]), objective.moments.total_weight
    upper, lower = np.triu_indices(r)
    information = np.empty((r, r, q, q))
    information[upper, lower] = information[lower, upper] = packed / weight
    return Balance(step, gradient, information.swapaxes(1, 2))


def balanced_gap(objective: Objective, penalty: SparsePenalty, parameters: FloatArray, balance: Balance) -> float:
    """Return the bound on F - F*, given the balance at these parameters: one pass.

    Parameters
    ----------
    objective : Objective
    penalty : SparsePenalty
    parameters : array of shape (m, q)
    balance : Balance
    """
    if not isinstance(objective.family, Bernoulli | Categorical):
        return float("inf")
    dual = _balanced(objective, penalty, parameters, balance)
    return float("inf") if dual is None else _gap_of(dual, objective, penalty, parameters)


def gap_of_part(
    objective: Objective, penalty: SparsePenalty, parameters: FloatArray, balance: Balance, part: Part
) -> float:
    """Return the bound of `balanced_gap` from what a part of the features sum up to: one pass over these alone.

    All others have coefficients of 0. Where their slopes, from a gradient that is exact to rounding and by as much more
    as the tilt may move them, overcome no kink, they add nothing to the dual: s is chosen so.

    Parameters
    ----------
    objective : Objective
    penalty : SparsePenalty
    parameters : array of shape (m, q)
    balance : Balance
        With a step of 0.
    part : Part
    """
    if not isinstance(objective.family, Bernoulli | Categorical):
        return float("inf")
    rows = np.append(part.features, np.arange(len(penalty.is_free), objective.shape[0]))
    there, balance_there = parameters[rows], balance._replace(step=balance.step[rows], gradient=balance.gradient[rows])
    others = np.ones(len(penalty.is_free), dtype=bool)
    others[part.features] = False
    slopes, off = objective.split(balance.gradient)[0], _off(objective, parameters, balance)
    dual = _balanced(
        part.objective, part.penalty, there, balance_there, others=_overcome(_pull(penalty, slopes, off)[others])
    )
    if dual is None:
        return float("inf")
    moved = (dual.tilt + dual.left) * _deviations(objective)[:, np.newaxis] / 2.0
    return _gap_of(
        dual, part.objective, part.penalty, there, others=_overcome(_pull(penalty, slopes, off + moved)[others])
    )


def _gap_of(
    dual: "_Dual", objective: Objective, penalty: SparsePenalty, parameters: FloatArray, *, others: float = 0.0
) -> float:
    """Return the bound on F - F* by a dual point, where other features ask for a 1 - s of at least so much."""
    needed = max(_overcome(_pull(penalty, dual.slopes, dual.off)), others)
    if not needed <= dual.shrinkage[-1]:
        return float("inf")
    (coef, _), moved = objective.split(parameters), _moved(objective, parameters)
    least = float("inf")
    # D is concave in s: from the s that overcomes no kink up to 1, until the gap grows.
    for h in needed * _PARTS[::-1]:
        if h < others:
            break
        gap = dual.divergence(h, moved) + _young_gap(penalty, coef, (1.0 - h) * dual.slopes, (1.0 - h) * dual.off)
        if not gap < least:
            break
        least = gap
    return least


class _Dual(NamedTuple):
    """The means nu = t + s (mu' - t), of any s.

    Attributes
    ----------
    slopes, off : arrays of shape (p, q)
        G of mu', and what it may be off by.
    shrinkage, divergences, squares : arrays of shape (g,)
        1 - s, growing; mean KL(nu || mu), which is convex in it, and mean sum mu log^2(nu / mu).
    tilt, left : float
        How far the unpenalised directions were balanced, in the metric of their information; and ||e||.
    """

    slopes: FloatArray
    off: FloatArray
    shrinkage: FloatArray
    divergences: FloatArray
    squares: FloatArray
    tilt: float
    left: float

    def divergence(self, h: float, moved: float) -> float:
        """Return a bound on mean KL(nu || mu) at s = 1 - h, where each eta is off by so much, a root mean square."""
        apart = float(np.interp(h, self.shrinkage, self.divergences))
        # A square of a logarithm is between two points at most what it is at one of them.
        place = int(np.clip(np.searchsorted(self.shrinkage, h), 1, len(self.shrinkage) - 1))
        logs = float(self.squares[place - 1] + self.squares[place])
        # By e: to first order by <log(nu / mu), A'' e>, and by no more than e' A'' e over the least nu / mu beyond.
        apart += self.left * (math.sqrt(logs) + self.left / _LEAST)
        # By eta: the divergence has the slope mu - nu, whose size is at most the root of twice itself (Pinsker).
        return apart + moved * (math.sqrt(2.0 * max(apart, 0.0)) + apart + moved)


def _balanced(
    objective: Objective, penalty: SparsePenalty, parameters: FloatArray, balance: Balance, *, others: float = 0.0
) -> _Dual | None:
    """Return mu' and all nu between it and t; None where mu' are no means, or not balanced.

    Other features ask for a 1 - s of about so much.
    """
    free, split = _free(objective, penalty), objective.split
    metric = _Metric.of(balance.information, objective.family.identifiable_directions, _noise(objective, free))
    residual = balance.gradient[free].ravel()
    step = balance.step.copy()
    step[free] += metric.solve(-residual).reshape(len(free), objective.shape[1])
    off = gradient_rounding(_likelihood(objective), parameters, balance.gradient, of_any_means=True)
    # What a change of U of length 1 moves slopes by at the most.
    reach = np.multiply.outer(_deviations(objective) / 2.0, np.ones(objective.shape[1]))
    tilted = metric.length(residual) * reach + 2.0 * split(off)[0]
    furthest = max(_overcome(_pull(penalty, split(balance.gradient)[0], tilted)), others)
    shrinkage = np.append(_PARTS * max(furthest, _CLOSE), (1.0 + furthest) / 2.0)
    most_left, margin = _allowed(objective, metric, free)
    moved = np.flatnonzero(step.any(axis=1) | (margin > 0.0))
    tilt = Tilt(objective.family, *objective.rounded(parameters), _features(objective, moved), step[moved])
    cross, mean, *sums, short = objective.rows.sum(TiltedDivergences(tilt, shrinkage, _LEAST, margin[moved]))
    gradient = _slopes(objective, cross, mean)
    left, left_off = gradient[free].ravel(), off[free].ravel()
    rest = metric.length(left, left_off)
    if short[0] or not rest <= most_left or not metric.misses_nothing(left, left_off):
        return None
    divergences, squares = (total / objective.moments.total_weight for total in sums)
    balanced = metric.length(residual)
    return _Dual(split(gradient)[0], split(off)[0] + rest * reach, shrinkage, divergences, squares, balanced, rest)


def _allowed(objective: Objective, metric: "_Metric", free: Indices) -> tuple[float, FloatArray]:
    """Return how long an e may be left, and what it moves v by for each feature of 1, at the most, shape (m,).

    v moves by no more than twice u, and that by the largest entries of e.
    """
    entries, margin = 2.0 * metric.largest_entries(len(free)), np.zeros(objective.shape[0])
    sizes = entries * np.append(_deviations(objective), 1.0)[free]
    most_left = _LEFT / max(float(sizes.max(initial=0.0)), _TINY)
    margin[free] = entries * most_left
    return most_left, margin


def _overcome(pulls: FloatArray) -> float:
    """Return how far s has to be from 1 for no kink to be overcome by slopes of these pulls."""
    pull = float(pulls.max(initial=0.0))
    return 1.0 - (1.0 - _FEW * UNIT) / pull if pull > 1.0 - _FEW * UNIT else 0.0


def _off(objective: Objective, parameters: FloatArray, balance: Balance) -> FloatArray:
    """Return what slopes of any means may be off by, shape (p, q)."""
    off = gradient_rounding(_likelihood(objective), parameters, balance.gradient, of_any_means=True)
    return objective.split(off)[0]


def _pull(penalty: SparsePenalty, slopes: FloatArray, off: FloatArray) -> FloatArray:
    """Return the most that the pull of slopes may be, shape (p,): a gauge, so that what they are off by adds up."""
    return penalty.pull(slopes) + np.maximum(penalty.pull(off), penalty.pull(-off))


def _moved(objective: Objective, parameters: FloatArray) -> float:
    """Return what eta, and sums of what depends on it, are off by, a root mean square."""
    noise, coef = objective.rows.noise, objective.split(parameters)[0]
    far = 0.0 if noise is None else float(noise @ np.abs(coef).max(axis=1))
    return value_rounding(objective, parameters) + far


def _young_gap(penalty: SparsePenalty, coef: FloatArray, slopes: FloatArray, off: FloatArray) -> float:
    """Return a bound on r(B) + <G, B> + c(G) of what is not free; the slopes G, shape (p, q), may be off by so much."""
    # Whichever sign a slope has that is not sure: both.
    is_sure, held = np.abs(slopes) > off, ~penalty.is_free
    conjugate = penalty.conjugate(np.where(is_sure, slopes + np.copysign(off, slopes), off))
    if not is_sure.all():
        conjugate += penalty.conjugate(np.where(is_sure, 0.0, -off))
    value, products = penalty.value(coef), (slopes * coef)[held]
    sizes = value + conjugate + float(np.abs(products).sum())
    rounding = UNIT * (products.size + _FEW) * sizes + float((off * np.abs(coef))[held].sum())
    return max(value + conjugate + float(products.sum()), 0.0) + rounding


class _Metric(NamedTuple):
    """The information H_U on what is identified of the unpenalised directions.

    Attributes
    ----------
    root : array of shape (r q, k)
        R with R R' the pseudo-inverse.
    flat : array of shape (r q, l)
        Directions of unit length, in units of their curvatures, in which there is none.
    """

    root: FloatArray
    flat: FloatArray

    @classmethod
    def of(cls, information: FloatArray, identifiable: FloatArray, noise: FloatArray) -> "_Metric":
        """Return it, of information of shape (r, q, r, q) and what each of the r features may vary by for rounding."""
        r, q = information.shape[:2]
        basis = np.kron(np.identity(r), identifiable)
        matrix = basis.T @ information.reshape(r * q, r * q) @ basis
        scales = np.sqrt(np.maximum(matrix.diagonal(), 0.0))
        scales = np.divide(1.0, scales, out=np.zeros_like(scales), where=scales > noise.repeat(identifiable.shape[1]))
        spectrum, vectors = np.linalg.eigh(matrix * np.multiply.outer(scales, scales))
        vectors = basis @ (np.where(scales > 0.0, scales, 1.0)[:, np.newaxis] * vectors)
        bends = spectrum > _FLAT * spectrum.max(initial=0.0)
        return cls(vectors[:, bends] / np.sqrt(spectrum[bends]), vectors[:, ~bends])

    def solve(self, values: FloatArray) -> FloatArray:
        return np.asarray(self.root @ (self.root.T @ values))

    def length(self, values: FloatArray, off: FloatArray | float = 0.0) -> float:
        """Return the length of the solution, of values that may be off by so much."""
        offs = np.abs(self.root).T @ np.broadcast_to(off, values.shape)
        return float(np.linalg.norm(np.abs(self.root.T @ values) + offs))

    def largest_entries(self, r: int) -> FloatArray:
        """Return how large an entry of a solution of length 1 may be for each of the r features, shape (r,)."""
        sizes = np.linalg.norm(self.root, axis=1)
        return np.asarray(sizes.reshape(r, len(sizes) // max(r, 1)).max(axis=1, initial=0.0))

    def misses_nothing(self, values: FloatArray, off: FloatArray) -> bool:
        """Tell whether values are 0, but for rounding, where nothing bends: in combinations of other features."""
        return bool((np.abs(self.flat.T @ values) <= 2.0 * np.abs(self.flat).T @ off).all())


def _likelihood(objective: Objective) -> Objective:
    return objective.with_penalty(Ridge(np.zeros(objective.shape[0])))


def _slopes(objective: Objective, cross: FloatArray, mean: FloatArray) -> FloatArray:
    """Return G, shape (m, q), of means that sum up to these."""
    likelihood = _likelihood(objective)
    _, gradient = likelihood.assembled((np.zeros(1), cross, mean), np.zeros(objective.shape))
    return gradient


def _free(objective: Objective, penalty: SparsePenalty) -> Indices:
    """Return which rows of the parameters are not penalised, shape (r,)."""
    return np.append(np.flatnonzero(penalty.is_free), np.arange(len(penalty.is_free), objective.shape[0]))


def _features(objective: Objective, rows: Indices) -> SelectedFeatures:
    """Return the features of some rows of the parameters, in their order."""
    p = len(objective.moments.center)
    columns = rows[rows < p]
    return SelectedFeatures(columns, objective.moments.center[columns], int((rows >= p).any()))


def _noise(objective: Objective, free: Indices) -> FloatArray:
    """Return how far from its mean a constant feature may be for rounding, shape (r,)."""
    return np.asarray(CONSTANT * np.abs(np.append(objective.moments.center, 0.0)[free]))


def _deviations(objective: Objective) -> FloatArray:
    """Return the standard deviations of the columns, shape (p,), about 0 where there is no intercept."""
    moments = objective.moments
    squares = moments.size**2 - np.square(moments.center) * (1.0 - _FLAT)
    return np.sqrt(np.maximum(squares, 0.0))
