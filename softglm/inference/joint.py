r"""The joint covariance of the probabilities of several rows, by the delta method: contrasts of them rest on it.

    dp_k / dzeta_c = p_k (D_k - D'p)_c,    zeta_c = sum_l f_l scales_lc Z_lc

With L L' the covariance of the coordinates Z, row i and class k have a row G_ik of a factor, and all of them G G'.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block, Rows, physical_memory
from softglm.inference.classes import class_probabilities, every_class
from softglm.inference.estimate import Estimate
from softglm.inference.means import deviations_of
from softglm.sums import Features, Predictor, Sum


@final
@dataclass(frozen=True)
class ProbabilityRoots(Sum):
    """The factor of the joint covariance of the probabilities, to be joined.

    Attributes
    ----------
    predictor : Predictor
    features : Features
    roots : array of shape (r, s, k)
        Of the covariance of what features are multiplied by.
    directions : array of shape (K, s)
        D.
    """

    predictor: Predictor
    features: Features
    roots: FloatArray
    directions: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray]:
        """Return G, shape (K, k, rows)."""
        probability = class_probabilities(self.predictor.of(block))
        slopes = probability[:, np.newaxis] * deviations_of(probability, self.directions)
        spread = np.tensordot(self.features.of(block), self.roots, axes=1)
        return (np.einsum("ksn,nsj->kjn", slopes, spread, optimize=True),)


def joint_covariance(estimate: Estimate, root: FloatArray, rows: Rows, unknown: BoolArray) -> FloatArray:
    """Return the covariance of all probabilities of rows, (n K) square: NaN of those that are unknown.

    Parameters
    ----------
    estimate : Estimate
    root : array of shape (P, k)
        L of the covariance L L' of the coordinates.
    rows : Rows
    unknown : bool array of shape (n, K)

    Raises
    ------
    MemoryError
        If it is larger than the memory of this machine.
    """
    n, K = unknown.shape
    needed, memory = float(n * K) ** 2 * np.dtype(np.float64).itemsize, physical_memory()
    if needed > memory:
        raise MemoryError(
            f"The joint covariance of {n:,} rows of {K} classes takes {needed / 1e9:,.1f} GB, and this machine has "
            f"{memory / 1e9:,.1f} GB. Predict fewer rows, or take contrasts((X, other_X)) of means."
        )
    roots = ProbabilityRoots(
        predictor=estimate.predictor,
        features=estimate.features,
        roots=roots_of_features(estimate, root),
        directions=every_class(estimate.coordinates.classes),
    )
    (factor,) = rows.concatenate(roots)
    flat = np.ascontiguousarray(factor.transpose(2, 0, 1)).reshape(n * K, -1)
    covariance = np.asarray(flat @ flat.T)
    covariance[unknown.ravel()] = np.nan
    covariance[:, unknown.ravel()] = np.nan
    return covariance


def roots_of_features(estimate: Estimate, root: FloatArray) -> FloatArray:
    """Return the factor, shape (r, s, k), of the covariance of what features in the coordinates are multiplied by."""
    scales = estimate.coordinates.scales
    return np.asarray(root.reshape(*scales.shape, -1) * scales[..., np.newaxis])
