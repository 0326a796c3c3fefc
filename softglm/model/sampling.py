r"""Which rows to sample where all of them would cost too much.

Sums of products are told badly by a uniform sample if a few rows make up most of them: those far out in the features,
and those of rare classes. Each row is therefore given a chance proportional to

    max(1, ||x - c||^2_{M^-1} / 2p, ||t - mu||^2_{S^-1} / 2s),

M the second moments of the features in a uniform sample, or their diagonal where that is much cheaper, S the
information at the null model, of rank s: to the first approximation its leverages in the model of the features and in
that of the classes, which are p and s on average. So ordinary rows have equal chances, and only the others better ones.
(Rows of more weight have better chances too, see `Rows.sampler`.)
"""

from collections.abc import Callable

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block, Rows, Sampler
from softglm.model.coordinates import LEAST_SPREAD
from softglm.model.objective import Objective
from softglm.model.prices import evaluation_price, proof_price

# Scores are one for rows at up to this many times the mean distance; up to the second they are nothing unusual.
_ORDINARY, _UNUSUAL = 2.0, 2.0
# Distances that see how features vary together may cost so many evaluations. What varies together to this, relative to
# the scales of the features, does so to rounding in a sample.
_WORTH, _COLLINEAR = 6.0, 1e-9
# Enough rows to tell second moments: so many for each feature, and in all.
_ROWS_PER_FEATURE, _LEAST_ROWS = 16, 1024
# To choose among so few entries of X would cost as much as to use them all.
_FEW_ENTRIES = 2**17


def rows_that_tell(objective: Objective) -> int:
    """Return how many rows, well sampled, say enough about second moments."""
    n_rows = objective.rows.n_rows
    if objective.rows.n_entries <= _FEW_ENTRIES:
        return n_rows
    return min(max(_ROWS_PER_FEATURE * objective.shape[0], _LEAST_ROWS), n_rows)


def sampler(objective: Objective, information: FloatArray) -> Sampler:
    """Return how to draw rows: with better chances for some of them, where some are unusual.

    Parameters
    ----------
    objective : Objective
    information : array of shape (q, q)
        Of one row at the null model.
    """
    uniform = objective.rows.sampler()
    scores = row_scores(objective, information, uniform(rows_that_tell(objective)))
    return uniform if scores is None else objective.rows.sampler(scores)


def row_scores(objective: Objective, information: FloatArray, sample: Rows) -> FloatArray | None:
    """Return what the chances of the rows should be proportional to, shape (n,), float32; None for equal chances.

    Parameters
    ----------
    objective : Objective
    information : array of shape (q, q)
        Of one row at the null model.
    sample : Rows
        A part of the rows, with equal chances.
    """
    if sample is objective.rows:
        return None
    mean = objective.moments.mean_target
    inverse = np.linalg.pinv(information, hermitian=True)
    s, q = objective.family.identifiable_directions.shape[1], objective.shape[1]
    distances = _distances(objective, sample)
    inverse /= s * _ORDINARY
    labels = np.identity(q) - mean
    of_labels = np.einsum("kl,kl->k", labels @ inverse, labels)
    # A row that is in every sample needs no better chance.
    most = objective.rows.n_rows / rows_that_tell(objective)

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        if block.targets.ndim == 1 and q > 1:
            rare = of_labels[block.targets]
        else:
            residuals = block.targets.reshape(len(block), q) - mean
            rare = np.einsum("ij,ij->i", residuals @ inverse, residuals)
        score = np.maximum(distances(block) / _ORDINARY, rare)
        return (np.clip(score, 1.0, most, dtype=np.float32, casting="same_kind"),)

    # Where there is nothing unusual to be seen in a uniform sample, that will do.
    if sample.concatenate(statistic)[0].max() <= _UNUSUAL and of_labels.max() <= most / _ORDINARY:
        return None
    return np.asarray(objective.rows.concatenate(statistic)[0])


def _distances(objective: Objective, sample: Rows) -> Callable[[Block], FloatArray]:
    """Return a function that returns 1/p times the squared distances of the rows of a block from the center."""
    center, precisions = objective.moments.center, _precisions(objective, sample)
    if not objective.rows.is_sparse and proof_price(objective) <= _WORTH * evaluation_price(objective):

        def statistic(block: Block) -> tuple[FloatArray, ...]:
            centred, ones = block.centred(center), block.weighted(np.ones(len(block)))
            return (centred.T * ones) @ centred, ones.sum(keepdims=True)

        moments, total = sample.sum(statistic)
        units = np.sqrt(len(center) * precisions)
        correlations = moments / total * units * units[:, np.newaxis] + _COLLINEAR * np.identity(len(center))
        if np.isfinite(correlations).all():
            inverse = np.linalg.inv(np.linalg.cholesky(correlations))
            root = (inverse * units).T / np.sqrt(len(center))

            def mahalanobis(block: Block) -> FloatArray:
                projected = block.centred(center) @ root
                return np.asarray(np.einsum("ij,ij->i", projected, projected))

            return mahalanobis
    return lambda block: block.distances(center, precisions)


def _precisions(objective: Objective, rows: Rows) -> FloatArray:
    """Return one over p times the mean squared distance of each column from its center, shape (p,)."""
    center = objective.moments.center

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        ones = block.weighted(np.ones(len(block)))
        return block.squares(center, ones), ones.sum(keepdims=True)

    squares, total = rows.sum(statistic)
    varies = squares > LEAST_SPREAD * total
    if not varies.all() and rows is not objective.rows:
        return _precisions(objective, objective.rows)  # some columns vary elsewhere, or nowhere
    precisions: FloatArray = np.divide(total / len(center), squares, out=np.zeros_like(squares), where=varies)
    return precisions
