r"""Which rows to sample where all of them would cost too much.

Sums of products are told badly by a uniform sample if a few rows make up most of them: those far out in the features,
and those of rare classes. Each row is therefore given a chance proportional to

    max(1, d / a mean d, ||t - mu||^2_{S^-1} / a s),    d = ||F'[x - c; 1]||^2, a = 1.2,

F the coordinates of the features that a uniform sample tells, S the information at the null model, of rank s: to the
first approximation its leverages in the model of the features and in that of the classes, relative to their averages.
So ordinary rows have equal chances, and only the others better ones. (Rows of more weight have better chances too, see
`Rows.sampling`.)

A few random combinations of the columns of F tell the lengths well enough (Drineas et al. 2012, Fast approximation of
matrix coherence and statistical leverage, JMLR 13): that takes one product with few columns.
"""

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.data.rows import Statistic
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.objective import Objective
from softglm.sums import Distances, DistanceScores, RowWeights, Scores

# Scores are one for rows at up to this many times the mean distance, a.
_ORDINARY = 1.2
# How many combinations of the columns of F tell lengths. These are off by a factor of 2 now and then.
_COMBINATIONS = 16
# Under one parameter, to choose among so many times the rows that are enough would cost as much as to use them all.
_FEW_TIMES = 8
# A row is far out at so many times the mean distance, where so many rows like it would be all of a sample.
_FAR, _ENOUGH = 10.0, 500.0


def pilot_size(objective: Objective) -> int:
    """Return how many rows, well sampled, say enough about second moments: all, where no fewer can be had."""
    rows, (m, q), tuning = objective.rows, objective.shape, objective.tuning
    enough = max(tuning.rows_per_feature * m, tuning.least_sample)
    are_few = rows.n_entries <= tuning.few_entries or (q == 1 and rows.n_rows <= _FEW_TIMES * enough)
    return rows.n_rows if are_few or not rows.can_be_sampled else min(enough, rows.n_rows)


def row_scores(
    objective: Objective, information: FloatArray, coordinates: KroneckerCoordinates, sample: Rows
) -> Scores | None:
    """Return what the chances of the rows should be proportional to; None for equal chances.

    Parameters
    ----------
    objective : Objective
    information : array of shape (q, q), or (q,)
        Of one row at the null model; where classes are many d, of diag(d) - d d' / sum(d).
    coordinates : KroneckerCoordinates
        About those of the null model.
    sample : Rows
        A part of the rows, with equal chances; where it is all of them no chances are needed.
    """
    if sample is objective.rows:
        return None
    mean = objective.moments.mean_target
    inverse = _inverse(information)
    inverse /= objective.family.n_identifiable * _ORDINARY
    of_labels = _of_labels(inverse, mean)
    distances = _distances(objective, coordinates)
    typical = max(float(sample.concatenate(distances)[0].mean()), np.finfo(np.float64).tiny)
    # A row that is in every sample needs no better chance.
    most = objective.rows.n_rows / pilot_size(objective)
    scores = Scores(distances, _ORDINARY * typical, mean, inverse, of_labels, most)
    # Where there is nothing unusual to be seen in a uniform sample, that will do.
    is_usual = sample.concatenate(scores)[0].max() <= objective.tuning.unusual and of_labels.max() <= most / _ORDINARY
    return None if is_usual else scores


def far_rows(objective: Objective, coordinates: KroneckerCoordinates, sample: Rows) -> tuple[Statistic, float] | None:
    """Return scores of the features alone, and their mean; None where no row is so far out that a sample misses much.

    Parameters
    ----------
    objective : Objective
    coordinates : KroneckerCoordinates
        About those of the null model.
    sample : Rows
        A part of the rows, weighted so that sums over it estimate those over all.
    """
    distances = _distances(objective, coordinates)
    lengths, weights = sample.concatenate(distances)[0], sample.concatenate(RowWeights())[0]
    typical = max(float(weights @ lengths / weights.sum()), np.finfo(np.float64).tiny)
    if lengths.max() <= max(_FAR * typical, sample.n_rows / _ENOUGH):
        return None
    score = DistanceScores(distances, _ORDINARY * typical)
    return score, float(weights @ sample.concatenate(score)[0] / weights.sum())


def _distances(objective: Objective, coordinates: KroneckerCoordinates) -> Distances:
    return Distances(*objective.rounded(_combinations(coordinates.features)))


def _inverse(information: FloatArray) -> FloatArray:
    """Return an inverse on what the family identifies, shape (q, q), or (q,) for a diagonal one."""
    if information.ndim == 1:  # of diag(d) - d d' / sum(d) 1 / d is one
        return np.asarray(1.0 / np.maximum(information, np.finfo(np.float64).tiny))
    return np.asarray(np.linalg.pinv(information, hermitian=True), dtype=np.float64)


def _of_labels(inverse: FloatArray, mean: FloatArray) -> FloatArray:
    """Return the distance of each label from the mean, shape (q,)."""
    if inverse.ndim == 1:
        return np.asarray(mean @ (inverse * mean) + (1.0 - 2.0 * mean) * inverse)
    labels = np.identity(len(mean)) - mean
    return np.asarray(np.einsum("kl,kl->k", labels @ inverse, labels))


def _combinations(features: FloatArray) -> FloatArray:
    """Return a few columns, shape (m, k), that tell about the same lengths as F: ||C'z|| ~ ||F'z||."""
    size = features.shape[-1]
    signs = np.identity(size)
    if size > _COMBINATIONS:
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (size, _COMBINATIONS)) / np.sqrt(_COMBINATIONS)
    return features @ signs if features.ndim == 2 else features[:, np.newaxis] * signs
