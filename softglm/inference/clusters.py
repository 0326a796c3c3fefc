"""What the rows of each cluster add up to: their scores, and their information."""

import numpy as np

from softglm.arrays import FloatArray
from softglm.inference.estimate import Estimate
from softglm.inference.score_sums import Codes, grouped
from softglm.sums.grams import products

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
    return estimate.row_scores.by_group(estimate.objective.rows, codes, n_clusters)


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
            present, starts, order = grouped(codes[block.rows][part])
            weights = bends[:, part][:, order]
            filled = products(np.ascontiguousarray(block.features[part][order].T))
            for cluster, here in zip(present, map(slice, starts, [*starts[1:], len(order)]), strict=True):
                grams[cluster] += weights[:, here] @ filled[:, here].T
    return grams
