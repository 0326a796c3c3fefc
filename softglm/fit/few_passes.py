"""Fits of few passes: what can be told by a sample is told by it, and what only all rows can tell is asked once.

A pass over rows that are far away costs more than its arithmetic. The first one adds up the moments and draws a sample.
Where the fit of the sample ends this one begins: off by what a sample is, most often less than a thousandth of what the
features explain. From there each evaluation over all rows brings it several hundred times closer, in the metric of the
sample's Hessian. As no row adds to f what is below its tangent, and one of the sample stands for k of them at most, the
sample bounds f from below. So the proof takes no pass of its own. Whether that pays: see `plan`.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from operator import attrgetter

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import survey
from softglm.fit.beginning import Beginning
from softglm.fit.plan import hessian_fits
from softglm.fit.result import Fit, Start
from softglm.model import GLM, Penalty, Prepared, Ridge
from softglm.model.sample import completed, draw_of, is_dear, scores_of
from softglm.solver import Curvature, Iterate, Schedule, Work, accelerated
from softglm.sums import Evaluation, Sizes

# How closely a sample is fitted, which is off by more than that; and by much more where parameters are many.
_TOLERANCE, _TOLERANCE_OF_MANY_PARAMETERS = 1e-3, 1e-2
# How many steps in memory lead to where a sample has its minimum, at the most; and how near, relative to the way.
_STEPS, _NEAR = 30, 1e-3
# By how much that is weakened which gives a sample an optimum, where it moves it too far; and how often at the most.
_WEAKER, _MOST_WEAKER = 0.1, 6

FitSample = Callable[[Prepared, Penalty, float, Start | None], Fit]


def begin_beside_sample(prepared: Prepared, problem: GLM, fit_sample: FitSample, start: Start | None) -> Beginning:
    """Return the beginning where a sample has its optimum, with another sample if some rows are unusual."""
    objective, tuning, sample = problem.objective, prepared.tuning, problem.held
    assert sample is not None  # noqa: S101 - of a problem beside a sample
    to_fit = completed(sample, prepared.drawn, objective, tuning)
    alone = replace(tuning, sampled_rows=0)  # no sample of the sample
    of_sample = Prepared(to_fit, prepared.family, fit_intercept=prepared.fit_intercept, tuning=alone)
    firm = _firm(objective.penalty, of_sample)
    result = _fit_held(of_sample, objective.penalty, firm, fit_sample, start)
    point = problem.coordinates.nearest(objective.centred(result.coef, result.intercept))
    scores = scores_of(objective.with_penalty(firm), prepared.null.information, sample)
    if scores is None:
        first = Iterate(point, *problem.evaluate(point))
    else:  # in the pass that has to be made anyway
        draw = draw_of(objective.rows, prepared.family, tuning, *scores)
        seen = survey(objective.rows, draw, sums=Evaluation(prepared.family, *objective.rounded(point)))
        first = Iterate(point, *objective.assembled(seen.sums, point))
        problem = problem.beside(seen.sample(tuning))
    n_evaluations = 1
    if start is not None:  # as where a fit goes on that was interrupted
        given = problem.coordinates.nearest(objective.centred(start.coef, start.intercept))
        first = min(first, Iterate(given, *problem.evaluate(given)), key=attrgetter("value"))
        n_evaluations += 1
    leads = is_dear(objective.rows) and hessian_fits(objective)  # or else it would cost as much as what it saves
    method = partial(accelerated, way=partial(_way_of_sample, problem)) if leads else accelerated
    return Beginning(problem, first, problem.hessians[-1].make(first.point), n_evaluations, method)


def _way_of_sample(problem: GLM, here: Iterate) -> FloatArray:
    """Return the way to where a sample has its minimum that is tilted until its gradient is that of all rows here.

    A step in the metric of the sample, for as long as that way is: from where another sample has led it is long.
    """
    tilted = problem.tilted(here.point, here.gradient)
    start = there = Iterate(here.point, *tilted.evaluate(here.point))
    known = Curvature(tilted.hessians[-1].make(here.point))
    for step in islice(accelerated(Work(tilted, Schedule()), start, known, rounding=tilted.rounding), _STEPS):
        there = step.here
        if step.estimate <= _NEAR * (start.value - there.value):
            break
    return there.point - here.point


def _fit_held(sample: Prepared, penalty: Penalty, firm: Penalty, fit_sample: FitSample, start: Start | None) -> Fit:
    """Fit a sample: what holds it, beside the penalty, is weakened until it counts less than chance does.

    Chance takes half of the number of parameters from the loss of all rows, as from any likelihood. And what holds the
    sample counts for less and less, even where nothing else does: coefficients grow with the logarithm only.
    """
    objective, holding = sample.likelihood.with_penalty(firm), firm.curvature - penalty.curvature
    tol = _TOLERANCE if hessian_fits(objective) else _TOLERANCE_OF_MANY_PARAMETERS
    by_chance = objective.shape[0] * sample.family.n_identifiable / (2.0 * sample.rows.n_rows)
    result = fit_sample(sample, firm, tol, start)
    for _ in range(_MOST_WEAKER if holding.any() else 0):
        if Ridge(holding).value(objective.centred(result.coef, result.intercept)) <= by_chance:
            break
        holding = _WEAKER * holding
        firm, start = Ridge(penalty.curvature + holding), Start(result.coef, result.intercept)
        result = fit_sample(sample, firm, tol, start)
    return result


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
