r"""The Hauck-Donner effect: a Wald statistic that falls although the effect grows.

For a coefficient b with variance v(b) = [I(b)^-1]_bb the Wald statistic z = b / sqrt(v) falls in |b| where

    1 - b v'(b) / (2 v) < 0,     v' = -a' (dI / db) a,     a = I^-1 c,  b = c' theta

(Hauck & Donner 1977, doi 10.2307/2286473; Yee 2022, doi 10.1080/01621459.2021.1886936). Where b moves
along u, the information changes by third cumulants, with a_k and u_k what a and u add to eta_k in row i:

    a' (dI / db) a = sum_i v_i sum_k mu_k (a_k - abar)^2 (u_k - ubar),    abar = sum_k mu_k a_k.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block
from softglm.inference.classes import every_class
from softglm.inference.contributions import Contributions
from softglm.inference.estimate import Estimate
from softglm.inference.lengths import unit_rows
from softglm.sums import LargestSizes, Sum


@final
@dataclass(frozen=True)
class Changes(Sum):
    """By how much the information along each a changes, per unit of a move along its u.

    Attributes
    ----------
    contributions : Contributions
    along, moves : arrays of shape (q, k, r)
        What each of k vectors a, and each u, adds to eta per whitened feature.
    """

    contributions: Contributions
    along: FloatArray
    moves: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray]:
        """Return a' (dI / db) a, shape (k,)."""
        features, mean, _, weights = self.contributions(block)
        added, moved = _added(self.along, features), _added(self.moves, features)
        mean = mean if len(mean) > 1 else np.concatenate([1.0 - mean, mean])
        added -= np.einsum("ci,cki->ki", mean, added)
        moved -= np.einsum("ci,cki->ki", mean, moved)
        added *= added
        added *= moved
        return (np.einsum("ci,cki->ki", mean, added) @ weights,)


def _added(by_class: FloatArray, features: FloatArray) -> FloatArray:
    """Return what is added to eta of every class in each row, shape (K, k, rows)."""
    # One product for all classes and steps.
    eta = by_class.reshape(-1, features.shape[1]) @ features.T
    return every_class(eta.reshape(*by_class.shape[:2], -1))


def hauck_donner(estimate: Estimate, reference: int) -> BoolArray:
    """Tell for which coefficients a larger estimate would have a smaller Wald statistic, shape (K - 1, n_terms).

    Parameters
    ----------
    estimate : Estimate
        Unpenalised.
    reference : int
        The base class.
    """
    possible = _largest_loss(estimate, reference) > 1.0
    falls = np.zeros(possible.shape, dtype=bool)
    if possible.any():
        falls[possible] = wald_slopes(estimate, reference, possible) < 0.0
    return falls


def _largest_loss(estimate: Estimate, reference: int) -> FloatArray:
    """Bound b v' / (2 v) by |b| max_i |x_i| / 2, since |u_k - ubar| is at most |x_i|: it spares the sums."""
    objective = estimate.objective
    sizes = np.abs(estimate.contrasts(reference))
    if len(estimate.coordinates.scales) < objective.shape[0]:
        return np.full_like(sizes, np.inf)  # collinear columns do not move alone
    (reach,) = objective.rows.max(LargestSizes())
    return np.asarray(sizes * (np.append(1.0, reach) if objective.fit_intercept else reach) / 2.0)


def wald_slopes(estimate: Estimate, reference: int, chosen: BoolArray | None = None) -> FloatArray:
    """Return sqrt(v) dz/db for each coefficient, the others held fixed, (K - 1, n_terms): 1 where v does not change.

    Or for those chosen by a mask of that shape only, then in one dimension.
    """
    forms, size = estimate.contrast_map(reference), estimate.contrasts(reference)
    scaled, units = unit_rows(forms)
    # In units of the coefficients, which differ widely: of raw ones the smallest would count as collinear.
    moves: FloatArray = np.asarray(np.linalg.pinv(scaled).T / units[:, np.newaxis], dtype=np.float64)
    if chosen is not None:
        forms, moves, size = forms[chosen.ravel()], moves[chosen.ravel()], size[chosen]
    solved = estimate.solve(forms.T).T
    variances = np.einsum("kp,kp->k", forms, solved)
    growth = np.zeros(len(forms))
    changes = Changes(estimate.contributions, _per_feature(estimate, solved), _per_feature(estimate, moves))
    for (part,) in estimate.objective.rows.map(changes):
        growth += part
    ratio = np.divide(size.ravel(), variances, out=np.zeros_like(variances), where=variances > 0.0)
    return np.asarray((1.0 + ratio * growth / 2.0).reshape(size.shape))


def _per_feature(estimate: Estimate, steps: FloatArray) -> FloatArray:
    """Return what steps in coordinates, shape (k, P), add to eta per whitened feature, shape (q, k, r)."""
    r, s = estimate.coordinates.scales.shape
    core = estimate.coordinates.scales * steps.reshape(-1, r, s)
    return np.asarray(np.einsum("krs,qs->qkr", core, estimate.coordinates.classes))
