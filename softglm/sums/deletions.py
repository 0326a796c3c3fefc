"""What leaving out a row would do to the fit, row by row, by one Newton step; and what rows contribute to a fit."""

from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.families import UnconstrainedFamily
from softglm.sums.features import Features
from softglm.sums.predictor import Predictor
from softglm.sums.sum import Sum

# A symmetric matrix with a pivot below this, relative to 1, cannot be told from a singular one.
_SINGULAR = 1e-10


@final
@dataclass(frozen=True)
class Deletions(Sum):
    r"""What becomes of each row in the fit without it, by one Newton step, to be joined.

    With the weight w of the row, B = Q' A''(eta) Q its curvature in the s directions Q that are identified, e = Q'(mu -
    t) and A = Z H^-1 Z', H the Hessian of the total loss and Z the map from its coordinates to Q' eta, leaving out the
    row leaves H - w Z'BZ, in the inverse of which Z is measured by M = (I - w A B)^-1 A. The Newton step moves Q' eta
    by w M e.

    Attributes
    ----------
    family : UnconstrainedFamily
    predictor : Predictor
        Of the fit.
    features : Features
        F'[x - c; 1], shape (rows, r).
    classes : array of shape (q, s)
        Q.
    inverse : array of shape (s, s, r, r)
        That of H, between the features of two directions.
    """

    family: UnconstrainedFamily
    predictor: Predictor
    features: Features
    classes: FloatArray
    inverse: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return numbers of each row.

        Returns
        -------
        eta : array of shape (q, rows)
            After the step.
        decrement : array of shape (rows,)
            w sqrt(e' M e): the length of the step, in the metric of the Hessian without the row.
        growth : array of shape (rows,)
            At least the largest factor by which the inverse grows along any direction, 1 / (1 - kappa); inf where the
            other rows do not determine it.
        reach : array of shape (rows,)
            The largest D' A D, D the directions of the family's curvature; 0 of rows without weight.
        reach_without : array of shape (rows,)
            The largest D' M D.
        slope : array of shape (rows,)
            sqrt(g' M g), g = Q'(mu - t) after the step: how fast the loss of the row changes.
        loss : array of shape (rows,)
            A(eta) - <t, eta> after the step.
        """
        targets = block.targets_matrix(self.family.n_parameters)
        return self.of(self.features.of(block), self.predictor.of(block), targets, block.row_weights)

    def of(
        self, features: FloatArray, eta: FloatArray, targets: FloatArray, weights: FloatArray
    ) -> tuple[FloatArray, ...]:
        """Return the same of rows with features (rows, r), eta, which is overwritten, and targets (q, rows)."""
        classes = self.classes
        mean = self.family.normalizer_and_mean(eta.copy())[1]
        leverage = between(features, self.inverse)
        directions = self.family.curvature_directions @ classes
        left = downdate(leverage, self.family, mean, directions, weights)
        score = weights[:, np.newaxis] * ((mean - targets).T @ classes)
        step = np.einsum("nab,nb->na", left.without, score)
        decrement = np.sqrt(np.maximum(np.einsum("na,na->n", step, score), 0.0))
        eta += classes @ step.T
        normalizer, moved = self.family.normalizer_and_mean(eta.copy())
        loss = normalizer - np.einsum("qn,qn->n", targets, eta)
        slope = lengths_in(left.without, (moved - targets).T @ classes)
        reach = np.where(weights > 0.0, _reach(leverage, directions), 0.0)
        return eta, decrement, left.growth, reach, left.reach, slope, loss


class Downdate(NamedTuple):
    """What leaving out each row does to the inverse of H, as the row sees it.

    Attributes
    ----------
    curvature, grown : arrays of shape (rows, s, s)
        w B, and (I - w A B)^-1: Z' times their product times Z, between two H^-1, is what the inverse of H grows by.
    without : array of shape (rows, s, s)
        M = (I - w A B)^-1 A.
    growth, reach : arrays of shape (rows,)
        How much the inverse grows, and the reach without the row: see `Deletions`.
    """

    curvature: FloatArray
    grown: FloatArray
    without: FloatArray
    growth: FloatArray
    reach: FloatArray


def downdate(
    leverage: FloatArray, family: UnconstrainedFamily, mean: FloatArray, directions: FloatArray, weights: FloatArray
) -> Downdate:
    """Return what leaving out each row does, given A, shape (rows, s, s), mu, (q, rows), D, (d, s), and w."""
    s = directions.shape[1]
    pairs = (directions[:, :, np.newaxis] * directions[:, np.newaxis]).reshape(-1, s * s)
    curvature = ((family.curvature_weights(mean) * weights).T @ pairs).reshape(-1, s, s)
    remains = np.identity(s) - leverage @ curvature
    # Where this row alone determines a direction nothing is known of it without: the fit has to be made.
    alone = np.linalg.det(remains) < _SINGULAR
    remains[alone] = np.identity(s)
    grown = np.linalg.inv(remains)
    without = np.asarray(grown @ leverage)
    # The eigenvalues of the inverse of I - w A B are at least 1.
    growth: FloatArray = np.maximum(np.trace(grown, axis1=1, axis2=2) - (s - 1.0), 1.0)
    growth[alone] = np.inf
    return Downdate(curvature, np.asarray(grown), without, growth, _reach(without, directions))


def between(features: FloatArray, inverse: FloatArray) -> FloatArray:
    """Return f' V_ab f, shape (rows, s, s), of features f, (rows, r), and symmetric V, shape (s, s, r, r)."""
    s = len(inverse)
    result = np.empty((len(features), s, s))
    for a in range(s):
        # One product for all of the pairs of a direction: BLAS is faster on wide matrices.
        wide = features @ inverse[a, a:].transpose(1, 0, 2).reshape(features.shape[1], -1)
        pairs = np.einsum("nbj,nj->nb", wide.reshape(len(features), s - a, -1), features)
        result[:, a, a:] = result[:, a:, a] = pairs
    return result


def _reach(matrices: FloatArray, directions: FloatArray) -> FloatArray:
    """Return the largest D' M D, shape (rows,), of matrices (rows, s, s) and directions (d, s)."""
    return np.asarray(np.einsum("ds,nsd->nd", directions, matrices @ directions.T).max(axis=1, initial=0.0))


def lengths_in(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    """Return sqrt(v' M v), shape (rows,), of matrices (rows, s, s) and vectors (rows, s)."""
    return np.asarray(np.sqrt(np.maximum(np.einsum("na,nab,nb->n", vectors, matrices, vectors), 0.0)))


@final
@dataclass(frozen=True)
class RowParts(Sum):
    """F'[x - c; 1] of each row, shape (rows, r), its eta and t, (q, rows), and its weight, (rows,)."""

    family: UnconstrainedFamily
    predictor: Predictor
    features: Features

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        targets = block.targets_matrix(self.family.n_parameters)
        return self.features.of(block), self.predictor.of(block), targets, block.row_weights
