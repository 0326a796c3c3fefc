"""A sample of the rows that is held in memory, where passes over all of them are dear."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray
from softglm.data import Draw, Drawn, Rows, Seen, make_block
from softglm.data.block import is_sparse
from softglm.data.rows import Statistic
from softglm.families import UnconstrainedFamily
from softglm.model.coordinates import is_decomposed, quick_coordinates, second_moments
from softglm.model.objective import Objective
from softglm.model.pilot import far_rows
from softglm.sums import CrossMoments
from softglm.tuning import Tuning

# Of rows in memory, of which a copy gains arithmetic only, parts between these are drawn: so many rows for a parameter.
_LEAST_PART, _MOST_PART, _ROWS_PER_PARAMETER = 1 / 32, 1 / 8, 32.0
# A class lacks rows of which so much of its weight is missing.
_MOSTLY = 0.5


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
    return Draw(sampled_share(rows, family, tuning) / mean_score, max(family.n_parameters, 2), score)


def sampled_share(rows: Rows, family: UnconstrainedFamily, tuning: Tuning) -> float:
    """Return the share of the rows that a sample is to have."""
    n_rows, n_entries = max(rows.n_rows, 1), max(rows.n_entries, 1)
    enough = _ROWS_PER_PARAMETER * family.n_parameters * (rows.n_features + 1) / n_rows
    most = 1.0 if is_dear(rows) else min(max(enough, _LEAST_PART), _MOST_PART)
    return min(tuning.sampled_rows / n_rows, tuning.sampled_entries / n_entries, most)


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


def completed(sample: Rows, seen: Seen, objective: Objective, tuning: Tuning) -> Rows:
    """Return a sample to be fitted: with a row at the means for each class that it lacks, or nearly.

    Without any row of a class there is no null model; and where most of its weight is missing the fit of all rows would
    have a long way to go.

    Parameters
    ----------
    sample : Rows
    seen : Seen
        What it was made of.
    objective : Objective
        Of all rows, of a family of classes.
    tuning : Tuning
    """
    moments = objective.moments
    drawn, *_ = sample.sum(CrossMoments(objective.family.n_parameters))
    totals, own = _of_classes(moments.mean_target, 1.0) * moments.total_weight, _of_classes(drawn[:-1], drawn[-1])
    lacking = np.flatnonzero(own < _MOSTLY * totals)
    if not len(lacking):
        return sample
    template, n_offsets = seen.drawn[0].rows, objective.shape[1]
    X = np.tile(moments.center, (len(lacking), 1)).astype(template.X.dtype)
    rows = make_block(
        sparse.csr_array(X) if is_sparse(template.X) else X,
        _targets_like(template.targets, lacking, len(totals)),
        totals[lacking] - own[lacking],
        None if template.offset is None else np.tile(moments.mean_offset, (len(lacking), 1)).reshape(-1, n_offsets),
    )
    return seen._replace(drawn=(*seen.drawn, Drawn(rows, 1.0))).sample(tuning)


def _of_classes(parameters: FloatArray, total: float) -> FloatArray:
    """Return the weights of the classes: of the one parameter of two, both."""
    return np.array([total - parameters[0], parameters[0]]) if len(parameters) == 1 else parameters


def _targets_like(targets: npt.NDArray[Any], classes: npt.NDArray[np.intp], n_classes: int) -> npt.NDArray[Any]:
    """Return targets of one class each, in the form of others."""
    if targets.ndim == 1 or targets.shape[1] == 1:  # codes, or the share of the second of two
        return classes.astype(targets.dtype).reshape(-1, *targets.shape[1:])
    return np.asarray(np.identity(n_classes, dtype=targets.dtype)[classes])
