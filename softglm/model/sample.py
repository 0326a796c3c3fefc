"""A sample of the rows that is held in memory, where passes over all of them are dear."""

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Draw, Rows
from softglm.data.rows import Arrays, Statistic
from softglm.families import UnconstrainedFamily
from softglm.model.coordinates import is_decomposed, quick_coordinates, second_moments
from softglm.model.objective import Objective
from softglm.model.pilot import far_rows
from softglm.tuning import Tuning

# What rounding makes of a distance from a mean, relative to both.
_ROUNDINGS = 4.0 * np.finfo(np.float64).eps


def is_dear(rows: Rows) -> bool:
    """Tell whether a pass costs more than its arithmetic: whoever makes one asks for all that it can tell."""
    return rows.pass_price > 0.0


def draw_of(
    rows: Rows, family: UnconstrainedFamily, tuning: Tuning, score: Statistic | None = None, mean_score: float = 1.0
) -> Draw:
    """Return what draws a sample of the rows, classes and scores of which have better chances.

    Parameters
    ----------
    rows : Rows
    family : UnconstrainedFamily
    tuning : Tuning
    score : callable or None, default=None
    mean_score : float, default=1.0
        About the mean of the scores.
    """
    of_entries = tuning.sampled_entries * rows.n_rows / max(rows.n_entries, 1)
    count = min(tuning.sampled_rows, of_entries)
    has_classes = family.largest_mean < np.inf
    return Draw(
        min(count / max(rows.n_rows, 1), 1.0) / mean_score, max(family.n_parameters, 2) if has_classes else 1, score
    )


def scores_of(objective: Objective, information: FloatArray, sample: Rows) -> tuple[Statistic, float] | None:
    """Return the scores of rows that are far out, and about their mean; None where a sample misses nothing.

    Parameters
    ----------
    objective : Objective
    information : array of shape (q, q), or (q,)
        Of one row at the null model.
    sample : Rows
    """
    moments, total = sample.sum(second_moments(objective, is_full=is_decomposed(objective)))
    coordinates, _ = quick_coordinates(objective, information, moments / total, is_sampled=True)
    return far_rows(objective, coordinates, sample)


def farthest_from(center: FloatArray, extremes: Arrays, *, fit_intercept: bool) -> FloatArray:
    """Return how far from the center, shape (p,), the columns reach; with the 1 of the intercept, if there is one."""
    highest, lowest = extremes[0], -extremes[1]
    farthest = np.maximum(np.maximum(highest - center, center - lowest), 0.0)
    farthest += _ROUNDINGS * (farthest + np.abs(center))
    return np.append(farthest, np.ones(int(fit_intercept)))
