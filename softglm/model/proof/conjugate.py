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
more than s ||e|| (mean z_j^2 mu_k (1 - mu_k))^1/2 (Cauchy and Schwarz), which is at most s ||e|| sigma_j / 2.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.model.penalties import SparsePenalty
from softglm.model.proof.rounding import UNIT

Indices = npt.NDArray[np.intp]

# Directions of the unpenalised that bend so much less than the others are taken for combinations of them.
_FLAT = 1e-12
# The least of mu' / mu, where it is proved what rounding does.
LEAST = 1e-2
# What is left of the balance may move v by so much at the most for each free feature, at one deviation.
_LEFT = 1e-2
# How far s is from 1, as parts of how far it has to be at the most; the divergence is convex between them.
PARTS = np.array([0.0, 1 / 16, 1 / 4, 1.0])
_TINY = float(np.finfo(np.float64).tiny)
# A part of F that may be lost: s need not be nearer to 1.
_NOTHING = 1e-12
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
        H_U at these parameters, of the free rows of the parameters: by this what is left is measured.
    """

    step: FloatArray
    gradient: FloatArray
    information: FloatArray


class Setting(NamedTuple):
    """What is proved of: a penalty, parameters in m rows, and what their sums are off by.

    Attributes
    ----------
    penalty : SparsePenalty
    features : slice
        The rows of the parameters that are coefficients, p of them; the others are intercepts.
    free : int array of shape (r,)
        The rows that are not penalised.
    coef : array of shape (p, q)
    identifiable : array of shape (q, q')
        Directions of the natural parameters that change a mean.
    deviations : array of shape (m,)
        The most that the features vary by, about 0 where there is no intercept; 1 for the intercept.
    reach : array of shape (p, 1) or (p, q)
        What a change of U of length 1 moves slopes by at the most.
    noise : array of shape (r,)
        How far from its mean a constant feature may be for rounding, of those that are free.
    off : array of shape (m, q)
        What slopes of any means are off by.
    moved : float
        What eta, and sums of what depends on it, are off by, a root mean square.
    """

    penalty: SparsePenalty
    features: slice
    free: Indices
    coef: FloatArray
    identifiable: FloatArray
    deviations: FloatArray
    reach: FloatArray
    noise: FloatArray
    off: FloatArray
    moved: float


class Tilted(NamedTuple):
    """What mu' of a step sum up to.

    Attributes
    ----------
    gradient : array of shape (m, q)
        G of mu'.
    apart : callable
        Returns bounds on mean KL(nu || mu) and on mean sum mu log^2(nu / mu), given h = 1 - s.
    most : float
        The largest h that it may be called with.
    are_means : bool
        Whether no mu' is below LEAST mu, whatever is left of the balance.
    """

    gradient: FloatArray
    apart: Callable[[float], tuple[float, float]]
    most: float
    are_means: bool


Tilting: TypeAlias = Callable[[FloatArray, float, FloatArray], Tilted]
"""Called as ``tilting(step, length, margin)``: a step, shape (m, q); how long the part of it is that balances; and by
how much v may be off for each feature of 1, shape (m,)."""
Others: TypeAlias = Callable[[float], float]
"""Tells how far s has to be from 1 for features that are not in the setting, where the step is that long."""


def gap_by(setting: Setting, balance: Balance, tilting: Tilting, others: Others = lambda _: 0.0) -> float:
    """Return a bound on F - F*, in nats per unit of weight; inf where nothing is proved.

    Parameters
    ----------
    setting : Setting
    balance : Balance
    tilting : callable
        Sums over the rows.
    others : callable, optional
        Where features have coefficients of 0, and are not in the setting; the step of the balance is 0 then.
    """
    features, free, off = setting.features, setting.free, setting.off
    metric = _Metric.of(balance.information, setting.identifiable, setting.noise)
    residual = balance.gradient[free].ravel()
    step, length = balance.step.copy(), metric.length(residual)
    step[free] += metric.solve(-residual).reshape(len(free), off.shape[1])
    most_left, margin = _allowed(setting, metric)
    tilted = tilting(step, length, margin)
    left, left_off = tilted.gradient[free].ravel(), off[free].ravel()
    rest = metric.length(left, left_off)
    if not tilted.are_means or not rest <= most_left or not metric.misses_nothing(left, left_off):
        return float("inf")
    off = off[features] + rest * setting.reach
    at_least = others(length + rest)
    needed = max(overcome(pull_of(setting.penalty, tilted.gradient[features], off)), at_least)
    if not needed <= tilted.most:
        return float("inf")
    least = float("inf")
    # D is concave in s: from the s that overcomes no kink up to 1, until the gap grows.
    for h in (needed * PARTS[::-1]).tolist() if needed > _NOTHING else [needed]:
        if h < at_least:
            break
        gap = _young_gap(setting.penalty, setting.coef, (1.0 - h) * tilted.gradient[features], (1.0 - h) * off)
        if gap < least:
            gap += float(divergence(*tilted.apart(h), rest, setting.moved))
        if not gap < least:
            break
        least = gap
    return least


def divergence(
    apart: FloatArray | float, squares: FloatArray | float, left: FloatArray | float, moved: float
) -> FloatArray:
    """Return a bound on mean KL(nu || mu) where e is so long, and each eta off by so much, a root mean square."""
    # By e: to first order by <log(nu / mu), A'' e>, and by no more than e' A'' e over the least nu / mu beyond.
    apart = apart + left * (np.sqrt(squares) + left / LEAST)
    # By eta: the divergence has the slope mu - nu, whose size is at most the root of twice itself (Pinsker).
    return np.asarray(apart + moved * (np.sqrt(2.0 * np.maximum(apart, 0.0)) + apart + moved))


def _allowed(setting: Setting, metric: "_Metric") -> tuple[float, FloatArray]:
    """Return how long an e may be left, and what it moves v by for each feature of 1, at the most, shape (m,).

    v moves by no more than twice u, and that by the largest entries of e.
    """
    free, margin = setting.free, np.zeros(len(setting.deviations))
    entries = 2.0 * metric.largest_entries(len(free))
    most_left = _LEFT / max(float((entries * setting.deviations[free]).max(initial=0.0)), _TINY)
    margin[free] = entries * most_left
    return most_left, margin


def overcome(pulls: FloatArray) -> float:
    """Return how far s has to be from 1 for no kink to be overcome by slopes of these pulls."""
    pull = float(pulls.max(initial=0.0))
    return 1.0 - (1.0 - _FEW * UNIT) / pull if pull > 1.0 - _FEW * UNIT else 0.0


def pull_of(penalty: SparsePenalty, slopes: FloatArray, off: FloatArray) -> FloatArray:
    """Return the most that the pull of slopes may be, shape (p,): a gauge, so that what they are off by adds up."""
    return penalty.pull(slopes) + np.maximum(penalty.pull(off), penalty.pull(-off))


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
        basis = identifiable if r == 1 else np.kron(np.identity(r), identifiable)
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
