r"""Which rows to sample where all of them would cost too much.

Sums of products are told badly by a uniform sample if a few rows make up most of them: those far out in the features,
and those of rare classes. Each row is therefore given a chance proportional to

    max(1, d / a mean d, ||t - mu||^2_{S^-1} / a s),    d = ||F'[x - c; 1]||^2, a = 1.2,

F the coordinates of the features that a uniform sample tells, S the information at the null model, of rank s: to the
first approximation its leverages in the model of the features and in that of the classes, relative to their averages.
So ordinary rows have equal chances, and only the others better ones. (Rows of more weight have better chances too, see
`Rows.sampler`.)

A few random combinations of the columns of F tell the lengths well enough (Drineas et al. 2012, Fast approximation of
matrix coherence and statistical leverage, JMLR 13): that takes one product with few columns.
"""

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block, Rows
from softglm.model.coordinates import KroneckerCoordinates
from softglm.model.objective import Objective

# Scores are one for rows at up to this many times the mean distance, a; up to the second they are nothing unusual.
_ORDINARY, _UNUSUAL = 1.2, 3.3
# How many combinations of the columns of F tell lengths. These are off by a factor of 2 now and then.
_COMBINATIONS = 16
# Enough rows to tell second moments: so many for each feature, and in all.
_ROWS_PER_FEATURE, _LEAST_ROWS = 16, 1024
# To choose among so few entries of X would cost as much as to use them all; under one parameter also among so many
# times the rows that are enough.
_FEW_ENTRIES, _FEW_TIMES = 2**17, 8


def rows_that_tell(objective: Objective) -> int:
    """Return how many rows, well sampled, say enough about second moments."""
    n_rows, (m, q) = objective.rows.n_rows, objective.shape
    enough = max(_ROWS_PER_FEATURE * m, _LEAST_ROWS)
    are_few = objective.rows.n_entries <= _FEW_ENTRIES or (q == 1 and n_rows <= _FEW_TIMES * enough)
    return n_rows if are_few else min(enough, n_rows)


def row_scores(
    objective: Objective, information: FloatArray, coordinates: KroneckerCoordinates, sample: Rows
) -> FloatArray | None:
    """Return what the chances of the rows should be proportional to, shape (n,), float32; None for equal chances.

    Parameters
    ----------
    objective : Objective
    information : array of shape (q, q)
        Of one row at the null model.
    coordinates : KroneckerCoordinates
        About those of the null model.
    sample : Rows
        A part of the rows, with equal chances; where it is all of them no chances are needed.
    """
    if sample is objective.rows:
        return None
    mean = objective.moments.mean_target
    inverse = np.linalg.pinv(information, hermitian=True)
    s, q = objective.family.identifiable_directions.shape[1], objective.shape[1]
    inverse /= s * _ORDINARY
    labels = np.identity(q) - mean
    of_labels = np.einsum("kl,kl->k", labels @ inverse, labels)
    slopes, constant = objective.rounded(_combinations(coordinates.features))
    # A row that is in every sample needs no better chance.
    most = objective.rows.n_rows / rows_that_tell(objective)

    def distances(block: Block) -> tuple[FloatArray, ...]:
        projected = block.times(slopes)
        projected += constant[:, np.newaxis]
        return (np.einsum("ij,ij->j", projected, projected),)

    ordinary = _ORDINARY * max(float(sample.concatenate(distances)[0].mean()), np.finfo(np.float64).tiny)

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        if block.targets.ndim == 1 and q > 1:
            rare = of_labels[block.targets]
        else:
            residuals = block.targets.reshape(len(block), q) - mean
            rare = np.einsum("ij,ij->i", residuals @ inverse, residuals)
        score = np.maximum(distances(block)[0] / ordinary, rare)
        return (np.clip(score, 1.0, most, dtype=np.float32, casting="same_kind"),)

    # Where there is nothing unusual to be seen in a uniform sample, that will do.
    if sample.concatenate(statistic)[0].max() <= _UNUSUAL and of_labels.max() <= most / _ORDINARY:
        return None
    return np.asarray(objective.rows.concatenate(statistic)[0])


def _combinations(features: FloatArray) -> FloatArray:
    """Return a few columns, shape (m, k), that tell about the same lengths as F: ||C'z|| ~ ||F'z||."""
    size = features.shape[-1]
    signs = np.identity(size)
    if size > _COMBINATIONS:
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (size, _COMBINATIONS)) / np.sqrt(_COMBINATIONS)
    return features @ signs if features.ndim == 2 else features[:, np.newaxis] * signs
