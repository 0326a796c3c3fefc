r"""Which rows to sample where all of them would cost too much.

Sums of products are told badly by a uniform sample if a few rows make up most of them: those far out in the features,
and those of rare classes. Each row is therefore given a chance proportional to

    max(1, ||x - c||^2_D / 2p, ||t - mu||^2_{S^-1} / 2s),

D the inverse squared spreads of the columns, S the information at the null model, of rank s: to the first approximation
its leverages in the model of the features and in that of the classes, which are p and s on average. So ordinary rows
have equal chances, and only the others better ones. (Rows of more weight have better chances too, see `Rows.sample`.)
"""

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block, Rows
from softglm.model.objective import Objective

# Scores are one for rows at up to this many times the mean distance; up to the second they are nothing unusual.
_ORDINARY, _UNUSUAL = 2.0, 2.0
# Enough rows to tell second moments: so many for each feature, and in all.
_ROWS_PER_FEATURE, _LEAST_ROWS = 16, 1024


def rows_that_tell(objective: Objective) -> int:
    """Return how many rows, well sampled, say enough about second moments."""
    return min(max(_ROWS_PER_FEATURE * objective.shape[0], _LEAST_ROWS), objective.rows.n_rows)


def row_scores(objective: Objective, information: FloatArray) -> FloatArray | None:
    """Return what the chances of the rows should be proportional to, shape (n,), float32; None for equal chances.

    Parameters
    ----------
    objective : Objective
    information : array of shape (q, q)
        Of one row at the null model.
    """
    count = rows_that_tell(objective)
    if 2 * count > objective.rows.n_rows:
        return None
    center, mean = objective.moments.center, objective.moments.mean_target
    inverse = np.linalg.pinv(information, hermitian=True)
    s, q = objective.family.identifiable_directions.shape[1], objective.shape[1]
    sample = objective.rows.sample(count)
    precisions = _precisions(objective, sample)
    labels = np.identity(q) - mean
    of_labels = np.einsum("kl,kl->k", labels @ inverse, labels) / s
    # A row that is in every sample needs no better chance.
    most = objective.rows.n_rows / count

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        far = np.minimum(block.distances(center, precisions), most)
        if block.targets.ndim == 1 and q > 1:
            rare = of_labels[block.targets]
        else:
            residuals = block.targets.reshape(len(block), q) - mean
            rare = np.einsum("ij,ij->i", residuals @ inverse, residuals) / s
        score = np.maximum(1.0, np.maximum(far, np.minimum(rare, most)) / _ORDINARY)
        return (score.astype(np.float32),)

    # Where there is nothing unusual to be seen in a uniform sample, that will do.
    if sample.concatenate(statistic)[0].max() <= _UNUSUAL and of_labels.max() <= most:
        return None
    return np.asarray(objective.rows.concatenate(statistic)[0])


def _precisions(objective: Objective, rows: Rows) -> FloatArray:
    """Return one over p times the mean squared distance of each column from its center, shape (p,)."""
    center = objective.moments.center

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        ones = block.weighted(np.ones(len(block)))
        return block.squares(center, ones), ones.sum(keepdims=True)

    squares, total = rows.sum(statistic)
    if not squares.all() and rows is not objective.rows:
        return _precisions(objective, objective.rows)  # some columns vary elsewhere, or nowhere
    squares *= len(center)
    precisions: FloatArray = np.divide(total, squares, out=np.zeros_like(squares), where=squares > 0.0)
    return precisions
