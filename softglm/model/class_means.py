r"""The metric of classes that differ in their means: block by block, with one outer product each.

The block of class k in the Hessian is the second moment of the rows that are of this class or may be, z = [x - c; 1]
under the weights mu_k (1 - mu_k), plus the penalty. A Kronecker product says that these are the same for all classes,
but for their size. They are not: rows of different classes lie in different places, which is what the coefficients
are to tell. About their own means m_k they are much the same:

    H_k ~ d_k (C + m_k m_k') + P,    C = (M - sum d_k m_k m_k') / sum d_k,    d_k = mean mu_k (1 - mu_k),

with M the mean of sum mu_k (1 - mu_k) z z'. With F' (C + P / s) F = I, s = mean d, each block is diagonal but for that
outer product. Before anything is fitted the labels tell where the classes lie: d_k are their shares, and M the second
moments of all rows. At the null model itself all blocks are alike, but only there.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.model.coordinates import is_decomposed, second_moments
from softglm.model.metric import MetricWithoutProof
from softglm.model.objective import Objective
from softglm.model.passes.prices import evaluation_price, second_moments_price
from softglm.model.whitening import LEAST_SPREAD, triangular
from softglm.sums import ClassSpreads

# Classes keep this part of the variance of each feature about their means: where it is the same in all rows of a class,
# it need not be in those to come. And of the second moment of what has no variance, as the constant.
_LEAST_WITHIN = 1e-3
# What is left of a second moment about the mean, relative to it, may be rounding; and of so little there is no more.
_CANCELS, _CONSTANT = 1e-11, 1e-14
# Of a smaller share than this nothing is known of where a class lies.
_VANISHED = 1e-12
# They may cost as much as so many evaluations.
_WORTH = 6.0
# At a point their products are as dear as so many.
_PRODUCTS = 1.2


def tells_class_means(objective: Objective) -> bool:
    """Tell whether classes have means to tell, that is targets are shares of each, and these cost little enough.

    And whether the rows tell: of few in each class what is about the means has less than its rank, and the means take
    what is chance for their own. Nor do sums of rows that are not centred, much farther away than from one another.
    """
    family, (m, q) = objective.family, objective.shape
    if objective.rows.n_rows < m + q or _is_far(objective):
        return False
    has_classes = family.largest_mean == 1.0 and family.n_identifiable == family.n_parameters - 1 > 1
    are_there = bool((objective.moments.mean_target > 0.0).all())
    if not (has_classes and are_there and objective.is_penalised and is_decomposed(objective)):
        return False
    return second_moments_price(objective) <= _WORTH * evaluation_price(objective)


def _is_far(objective: Objective) -> bool:
    """Tell whether features vary by so little beside their distance that sums of products lose it."""
    if objective.fit_intercept:
        return False
    moments = objective.moments
    square, mean = np.square(moments.size), objective.linear.sum(axis=1)
    about = square - np.square(mean)
    return bool(((about > _CONSTANT * square) & (about < _CANCELS * square)).any())


def class_means_price(objective: Objective) -> float:
    """Return the price of the class means at a point: of a predictor and another product, and of second moments."""
    return second_moments_price(objective) + _PRODUCTS * evaluation_price(objective)


class ClassMeans(NamedTuple):
    """Where the classes lie: d, shape (q,), the m_k as columns, (m, q), and M, (m, m)."""

    shares: FloatArray
    means: FloatArray
    moments: FloatArray

    @classmethod
    def of_labels(cls, objective: Objective, moments: FloatArray) -> "ClassMeans":
        """Return them as the labels have them, given the mean of z z' over all rows."""
        shares = objective.moments.mean_target
        return cls(shares, objective.linear / shares, moments)

    @classmethod
    def at(cls, objective: Objective, point: FloatArray) -> "ClassMeans":
        """Return them as the means of all rows at a point, shape (m, q), have them."""
        spreads = ClassSpreads(objective.family, *objective.rounded(point), second_moments(objective))
        shares, cross, moments = (own / objective.moments.total_weight for own in objective.rows.sum(spreads))
        means = np.ones(objective.shape)
        cross -= np.multiply.outer(objective.moments.center, shares)
        means[: len(cross)] = np.divide(cross, shares, out=np.zeros_like(cross), where=shares > _VANISHED)
        return cls(np.maximum(shares, _VANISHED), means, moments)


@final
@dataclass(frozen=True)
class ClassMeansMetric(MetricWithoutProof):
    """H ~ L L' with L_k = F^-T diag(1 / s_k) (I + w_k w_k')^{1/2}, on what has the sum zero over the classes.

    Attributes
    ----------
    features : array of shape (m, r)
        F.
    scales : array of shape (r, q)
        s_k as columns: one over the root of d_k gamma_j + (F' P F)_jj.
    outliers : array of shape (r, q)
        w_k as columns: the root of d_k times s_k F' m_k.
    """

    features: FloatArray
    scales: FloatArray
    outliers: FloatArray

    @classmethod
    def of(cls, means: ClassMeans, penalty: FloatArray) -> "ClassMeansMetric":
        """Return the metric under a penalty of this curvature, shape (m,), on every coefficient."""
        total = means.shares.sum()
        within = (means.moments - (means.means * means.shares) @ means.means.T) / total
        spread = means.moments.diagonal() / total
        # Rows that are not centred may be far away, all on one side: what is small beside that is no less of a spread.
        about = spread - np.square(means.means @ means.shares / total)
        least = _LEAST_WITHIN * np.where(about > _CANCELS * spread, about, spread)
        np.fill_diagonal(within, np.maximum(within.diagonal(), least))
        varies = spread > LEAST_SPREAD
        features, _ = triangular(within, penalty / means.shares.mean(), varies)
        features = features[:, varies]  # along others nothing is curved, but for rounding: steps would be endless
        gamma, rotation = np.linalg.eigh(features.T @ within @ features)
        features = features @ rotation
        ridge = np.square(features).T @ penalty
        curvature = np.multiply.outer(np.clip(gamma, 0.0, 1.0), means.shares) + ridge[:, np.newaxis]
        scales = np.divide(1.0, np.sqrt(curvature), out=np.zeros_like(curvature), where=curvature > 0.0)
        return cls(features, scales, scales * np.sqrt(means.shares) * (features.T @ means.means))

    def shortened(self, factor: float) -> "ClassMeansMetric":
        """Return a metric in which the first step of L-BFGS, along the gradient, is shorter by this factor."""
        return replace(self, scales=self.scales * math.sqrt(factor))

    def whiten(self, gradient: FloatArray) -> FloatArray:
        centred = gradient - gradient.mean(axis=1, keepdims=True)
        return np.asarray(self._straightened(self.scales * (self.features.T @ centred)).reshape(-1))

    def unwhiten(self, vector: FloatArray) -> FloatArray:
        moved = self.features @ (self.scales * self._straightened(vector.reshape(self.scales.shape)))
        return np.asarray(moved - moved.mean(axis=1, keepdims=True))

    def _straightened(self, columns: FloatArray) -> FloatArray:
        """Return (I + w_k w_k')^{-1/2} times each column, shape (r, q)."""
        longer = np.sqrt(1.0 + np.einsum("rq,rq->q", self.outliers, self.outliers))
        along = np.einsum("rq,rq->q", self.outliers, columns) / (longer * (1.0 + longer))
        return np.asarray(columns - along * self.outliers)
