"""Fits of few passes: what can be told by a sample is told by it, and what only all rows can tell is asked once.

A pass over rows that are far away costs more than its arithmetic. The first one adds up the moments, finds how far the
columns reach, and draws a sample. Where the fit of the sample ends this one begins: off by what a sample is, most often
less than a thousandth of what the features explain. From there each evaluation over all rows brings it several hundred
times closer, in the metric of the sample's Hessian. As a row of the sample stands for k rows at most, that is at most k
times the Hessian of all of them; and no leverage is larger than the ranges of the columns allow. So the proof takes no
pass of its own.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from softglm.data import survey
from softglm.fit.result import Fit, Start
from softglm.model import GLM, Penalty, Prepared, Ridge
from softglm.model.sample import draw_of, scores_of
from softglm.solver import Iterate
from softglm.solver.problem import Metric
from softglm.sums import Evaluation, Sizes

FitSample = Callable[[Prepared, Penalty, Start | None], Fit]


class Beginning(NamedTuple):
    """Where a fit begins: the problem, a point, a metric there, and how many evaluations that took."""

    problem: GLM
    first: Iterate
    metric: Metric
    n_evaluations: int


def pays(prepared: Prepared) -> bool:
    """Tell whether few passes cost less than many."""
    return prepared.rows.pass_price > 0.0 and prepared.held is None


def begin_beside_sample(
    prepared: Prepared, problem: GLM, penalty: Penalty, fit_sample: FitSample, start: Start | None
) -> Beginning:
    """Return the beginning where a sample has its optimum, with another sample if some rows are unusual."""
    objective, sample = problem.objective, prepared.sample
    of_sample = Prepared(sample, prepared.family, fit_intercept=prepared.fit_intercept, tuning=prepared.tuning)
    result = fit_sample(of_sample, _firm(penalty, of_sample), start)
    point = problem.coordinates.nearest(objective.centred(result.coef, result.intercept))
    scores = scores_of(objective, prepared.null.information, sample)
    if scores is None:
        value, gradient = problem.evaluate(point)
    else:  # in the pass that has to be made anyway
        draw = draw_of(objective.rows, prepared.family, prepared.tuning, *scores)
        seen = survey(objective.rows, draw, sums=Evaluation(prepared.family, *objective.rounded(point)))
        value, gradient = objective.assembled(seen.sums, point)
        problem = problem.beside(seen.sample(prepared.tuning))
    return Beginning(problem, Iterate(point, value, gradient), problem.hessians[-1].make(point), 1)


def _firm(penalty: Penalty, sample: Prepared) -> Penalty:
    """Return a penalty under which every sample has an optimum: on each column, if only of the weight of one row.

    Where columns are 0 but for a few rows it is those rows that count: their values are of the size E x^2 / E |x|.
    """
    strength, n_features = penalty.curvature.copy(), sample.rows.n_features
    free = np.flatnonzero(strength[:n_features] == 0.0)
    if not len(free):
        return penalty
    sizes, squares = sample.rows.sum(Sizes(sample.likelihood.moments.center))
    typical = np.divide(squares, sizes, out=np.ones_like(sizes), where=sizes > 0.0)
    strength[free] = np.square(typical[free]) / sample.rows.n_rows
    return Ridge(strength)
