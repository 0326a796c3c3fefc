"""What the rows of each cluster add up to: their scores, and their information."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.inference.estimate import Estimate
from softglm.sums.grams import products

Codes: TypeAlias = npt.NDArray[np.intp]

# So many products of pairs of features are formed at a time, so that they stay in the cache.
_PRODUCTS = 2**18


def cluster_scores(estimate: Estimate, codes: Codes, n_clusters: int) -> FloatArray:
    """Return the sum of the weighted scores of every cluster, shape (G, P).

    Parameters
    ----------
    estimate : Estimate
    codes : array of shape (n,)
        The cluster of each row, from 0 to G - 1.
    n_clusters : int
        G.
    """
    totals = np.zeros((n_clusters, estimate.n_parameters))
    for rows, scores in estimate.scores():
        present, starts, order = _grouped(codes[rows])
        totals[present] += np.add.reduceat(scores[order], starts, axis=0)
    return totals


def cluster_grams(estimate: Estimate, codes: Codes, n_clusters: int) -> FloatArray:
    """Return what `Estimate.information_of` makes the information of every cluster of, shape (G, d, r (r + 1) / 2).

    Parameters
    ----------
    estimate, codes, n_clusters
        As for `cluster_scores`.
    """
    family, (r, _) = estimate.objective.family, estimate.coordinates.scales.shape
    grams = np.zeros((n_clusters, family.n_curvature_directions, r * (r + 1) // 2))
    step = max(_PRODUCTS // grams.shape[2], 1)
    for block in estimate.row_blocks():
        bends = family.curvature_weights(block.mean) * block.weights
        for first in range(0, len(block.features), step):
            part = slice(first, first + step)
            present, starts, order = _grouped(codes[block.rows][part])
            weights = bends[:, part][:, order]
            filled = products(np.ascontiguousarray(block.features[part][order].T))
            for cluster, here in zip(present, map(slice, starts, [*starts[1:], len(order)]), strict=True):
                grams[cluster] += weights[:, here] @ filled[:, here].T
    return grams


def _grouped(codes: Codes) -> tuple[Codes, Codes, Codes]:
    """Return which clusters some rows are in, where each begins once they are put in an order, and that order."""
    order = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[order], return_index=True)
    return present, starts, order
