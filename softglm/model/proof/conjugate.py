r"""How far from the optimum under a penalty with kinks or bounds: a proof by Fenchel's dual.

With F = mean [A(eta) - <t, eta>] + r(B), eta = B'z + b + o, any means nu_i bound F from below,

    D(nu) = mean [<o, nu - t> - A*(nu)] - sum_j c_j(G_j),   G = mean z (nu - t)',   wherever mean z_U (nu - t)' = 0

over the unpenalised directions U: the intercept and the features that are free. By the inequality of Fenchel and Young

    F - D = mean KL(nu || mu) + sum_j [ r_j(B_j) + <G_j, B_j> + c_j(G_j) ],

a sum of terms that are not negative and vanish at the optimum: so does what rounding does to it, but for that of G.

**Balance.** The means mu' = mu (1 + u - <mu, u>), u = Gamma' z_U, are A'' u from mu: mean z_U (mu' - t)' is
g_U + H_U Gamma, and 0 for Gamma = -H_U^-1 g_U, exactly, since the tilt is linear. They are means where none is below 0.
**Scale.** nu = t + s (mu' - t) is as balanced and scales G by s <= 1, until no kink is overcome.

What is left of the balance, by rounding, moves Gamma by some e with ||e|| = ||g_U'||_{H_U^-1}, and so each slope by no
more than s sigma_j ||e|| / 2 (Cauchy and Schwarz; a probability has a variance of 1/4 at most).
"""

import math
from typing import NamedTuple

import numpy as np

from softglm.arrays import FloatArray
from softglm.families import Bernoulli, Categorical
from softglm.model.objective import Objective
from softglm.model.penalties import Ridge, SparsePenalty
from softglm.model.proof.rounding import UNIT, gradient_rounding, value_rounding
from softglm.sums import CONSTANT, EvaluationAndFreeInformation, FreeFeatures, TiltedMeans

# Directions of the unpenalised that bend so much less than the others are taken for combinations of them.
_FLAT = 1e-12
# The least of mu' / mu: what rounding could turn negative is not proved.
_LEAST = 1e-9
# How far s is from 1, as parts of how far it has to be at the most; the divergence is convex between them.
_PARTS = np.array([0.0, 1 / 64, 1 / 16, 1 / 4, 1 / 2, 1.0])
# The least that it has to be at the most.
_CLOSE = 1e-13
# Roundings of a number of few operations.
_FEW = 16.0


class Balance(NamedTuple):
    """What one pass tells of how to balance the unpenalised directions.

    Attributes
    ----------
    gradient : array of shape (m, q)
        That of the likelihood alone. It need not be exact to rounding.
    information : array of shape (r, q, r, q)
        H_U, of the free features and then the intercept. Nor need this.
    """

    gradient: FloatArray
    information: FloatArray


def conjugate_gap(objective: Objective, penalty: SparsePenalty, parameters: FloatArray) -> float:
    """Return a bound on F - F*, in nats per unit of weight: two passes. inf where nothing is proved.

    Parameters
    ----------
    objective : Objective
        The likelihood; whatever penalty it has is left out.
    penalty : SparsePenalty
        r.
    parameters : array of shape (m, q)
    """
    if not isinstance(objective.family, Bernoulli | Categorical):
        return float("inf")
    return balanced_gap(objective, penalty, parameters, balance_at(objective, penalty, parameters))


def balance_at(objective: Objective, penalty: SparsePenalty, parameters: FloatArray) -> Balance:
    """Return the gradient of the likelihood, and its information on what is not penalised: one pass.

    Parameters
    ----------
    objective : Objective
    penalty : SparsePenalty
    parameters : array of shape (m, q)
    """
    free = _free_features(objective, penalty)
    total = EvaluationAndFreeInformation(objective.family, *objective.rounded(parameters), free)
    *evaluation, packed = objective.rows.sum(total)
    _, gradient = _likelihood(objective).assembled(tuple(evaluation), parameters)
    r, q = len(free), len(packed[0]) if len(packed) else objective.shape[1]
    upper, lower = np.triu_indices(r)
    information = np.empty((r, r, q, q))
    information[upper, lower] = information[lower, upper] = packed / objective.moments.total_weight
    return Balance(gradient, information.swapaxes(1, 2))


def balanced_gap(objective: Objective, penalty: SparsePenalty, parameters: FloatArray, balance: Balance) -> float:
    """Return the bound on F - F*, given the balance at these parameters: one pass.

    Parameters
    ----------
    objective : Objective
    penalty : SparsePenalty
    parameters : array of shape (m, q)
    balance : Balance
    """
    dual = _balanced(objective, penalty, parameters, balance)
    if dual is None:
        return float("inf")
    needed = _shrinkage(penalty, dual.slopes, dual.off)
    if not needed <= dual.shrinkage[-1]:
        return float("inf")
    coef, _ = objective.split(parameters)
    moved = _moved(objective, parameters)
    gaps = [
        dual.divergence(h, moved) + _young_gap(penalty, coef, (1.0 - h) * dual.slopes, (1.0 - h) * dual.off)
        for h in _PARTS * needed
    ]
    return min((gap for gap in gaps if not np.isnan(gap)), default=float("inf"))


class _Dual(NamedTuple):
    """The means nu = t + s (mu' - t), of any s.

    Attributes
    ----------
    slopes, off : arrays of shape (p, q)
        G of mu', and what it may be off by.
    shrinkage, divergences, squares : arrays of shape (g,)
        1 - s, growing; mean KL(nu || mu), which is convex in it, and mean sum mu log^2(nu / mu).
    left : float
        ||e||.
    """

    slopes: FloatArray
    off: FloatArray
    shrinkage: FloatArray
    divergences: FloatArray
    squares: FloatArray
    left: float

    def divergence(self, h: float, moved: float) -> float:
        """Return a bound on mean KL(nu || mu) at s = 1 - h, where each eta is off by so much, a root mean square."""
        apart = float(np.interp(h, self.shrinkage, self.divergences))
        logs = float(np.interp(h, self.shrinkage, self.squares))
        # By e: to first order by <log(nu / mu), A'' e>, and by no more than e' A'' e beyond.
        apart += self.left * (math.sqrt(max(logs, 0.0)) + self.left)
        # By eta: the divergence has the slope mu - nu, whose size is at most the root of twice itself (Pinsker).
        return apart + moved * (math.sqrt(2.0 * max(apart, 0.0)) + apart + moved)


def _balanced(objective: Objective, penalty: SparsePenalty, parameters: FloatArray, balance: Balance) -> _Dual | None:
    """Return mu' and all nu between it and t; None where mu' are no means, or not balanced."""
    free, likelihood, split = _free_features(objective, penalty), _likelihood(objective), objective.split
    metric = _Metric.of(balance.information, objective.family.identifiable_directions, _noise(objective, free))
    residual = _on_free(objective, free, balance.gradient)
    tilt = metric.solve(-residual).reshape(len(free), objective.shape[1])
    off = gradient_rounding(likelihood, parameters, balance.gradient, of_any_means=True)
    # Half of what an e of length 1 moves slopes by at the most.
    reach = np.multiply.outer(_deviations(objective) / 2.0, np.ones(objective.shape[1]))
    tilted = metric.length(residual) * reach
    furthest = max(_shrinkage(penalty, split(balance.gradient)[0], tilted + 2.0 * split(off)[0]), _CLOSE)
    shrinkage = np.append(_PARTS * furthest, (1.0 + furthest) / 2.0)
    total = TiltedMeans(objective.family, *objective.rounded(parameters), free, tilt, shrinkage, _LEAST)
    cross, mean, divergences, squares, short = objective.rows.sum(total)
    _, gradient = likelihood.assembled((np.zeros(1), cross, mean), parameters)
    left, left_off = _on_free(objective, free, gradient), _on_free(objective, free, off)
    if short[0] or not metric.misses_nothing(left, left_off):
        return None
    rest, weight = metric.length(left, left_off), objective.moments.total_weight
    slopes_off = split(off)[0] + rest * reach
    return _Dual(split(gradient)[0], slopes_off, shrinkage, divergences / weight, squares / weight, rest)


def _shrinkage(penalty: SparsePenalty, slopes: FloatArray, off: FloatArray) -> float:
    """Return how far s has to be from 1 for no kink to be overcome by slopes that may be off by so much.

    The pull is a gauge, so that what it is off by adds up.
    """
    pull = float((penalty.pull(slopes) + np.maximum(penalty.pull(off), penalty.pull(-off))).max(initial=0.0))
    return 1.0 - (1.0 - _FEW * UNIT) / pull if pull > 1.0 - _FEW * UNIT else 0.0


def _moved(objective: Objective, parameters: FloatArray) -> float:
    """Return what eta, and sums of what depends on it, are off by, a root mean square."""
    noise, coef = objective.rows.noise, objective.split(parameters)[0]
    far = 0.0 if noise is None else float(noise @ np.abs(coef).max(axis=1))
    return value_rounding(objective, parameters) + far


def _young_gap(penalty: SparsePenalty, coef: FloatArray, slopes: FloatArray, off: FloatArray) -> float:
    """Return a bound on r(B) + <G, B> + c(G) of what is not free; the slopes G, shape (p, q), may be off by so much."""
    is_sure, held = np.abs(slopes) > off, ~penalty.is_free
    conjugate = penalty.conjugate(np.where(is_sure, slopes + np.copysign(off, slopes), off))
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

    def misses_nothing(self, values: FloatArray, off: FloatArray) -> bool:
        """Tell whether values are 0, but for rounding, where nothing bends: in combinations of other features."""
        return bool((np.abs(self.flat.T @ values) <= 2.0 * np.abs(self.flat).T @ off).all())


def _likelihood(objective: Objective) -> Objective:
    return objective.with_penalty(Ridge(np.zeros(objective.shape[0])))


def _free_features(objective: Objective, penalty: SparsePenalty) -> FreeFeatures:
    columns = np.flatnonzero(penalty.is_free)
    return FreeFeatures(columns, objective.moments.center[columns], int(objective.fit_intercept))


def _on_free(objective: Objective, free: FreeFeatures, values: FloatArray) -> FloatArray:
    """Return the part of values of shape (m, q) that is of the unpenalised directions, shape (r q,)."""
    slopes, _ = objective.split(values)
    constants = values[len(slopes) :]
    return np.concatenate([slopes[free.columns], constants]).ravel()


def _noise(objective: Objective, free: FreeFeatures) -> FloatArray:
    """Return how far from its mean a constant feature may be for rounding, shape (r,)."""
    return np.append(CONSTANT * np.abs(free.center), np.zeros(int(objective.fit_intercept)))


def _deviations(objective: Objective) -> FloatArray:
    """Return the standard deviations of the columns, shape (p,), about 0 where there is no intercept."""
    moments = objective.moments
    squares = moments.size**2 - np.square(moments.center) * (1.0 - _FLAT)
    return np.sqrt(np.maximum(squares, 0.0))
