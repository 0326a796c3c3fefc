"""Fits of few passes: what can be told by a sample is told by it, and what only all rows can tell is asked once.

A pass over rows that are far away costs more than its arithmetic. The first one adds up the moments and draws a sample.
Where the fit of the sample ends this one begins: off by what a sample is, most often less than a thousandth of what the
features explain. From there each evaluation over all rows brings it several hundred times closer, in the metric of the
sample's Hessian. As no row adds to f what is below its tangent, and one of the sample stands for k of them at most, the
sample bounds f from below. So the proof takes no pass of its own.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from operator import attrgetter

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import survey
from softglm.fit.beginning import Beginning
from softglm.fit.result import Fit, Start
from softglm.model import GLM, Objective, Penalty, Prepared, Ridge, beyond_hessians
from softglm.model.class_means import tells_class_means
from softglm.model.passes.prices import evaluation_price, hessian_price
from softglm.model.sample import completed, draw_of, is_dear, sampled_share, scores_of
from softglm.solver import Curvature, Iterate, Schedule, Work, accelerated
from softglm.sums import Evaluation, Sizes

# How many passes fits took that were measured, in many and in few, and these where Hessians are too large; and where
# the means of the classes make a metric.
_PASSES, _PASSES_OF_MANY_PARAMETERS, _PASSES_WITH_CLASS_MEANS = (13.0, 6.0), (100.0, 10.0), (35.0, 10.0)
# So many of many are in double precision, in the end, even where most are not.
_IN_DOUBLE = 4.0
# What conjugate gradients cost, in evaluations of a sample; where classes are so many that their information is not
# decomposed, to precondition; and evaluations in single precision, in others.
_PRODUCTS, _PRODUCTS_OF_MANY_CLASSES, _SINGLE = 20.0, 80.0, 0.55
# A sample of fewer rows for each feature is too far off.
_ROWS_PER_FEATURE = 8.0

# In memory, where passes cost their arithmetic alone: what many passes cost with what is made between them, in
# evaluations; and few, for the moments, the sample and its optimum. So many Hessians of the sample are made: on the way
# to its optimum, there, and for the proof. What a fit of a sample costs at the least; and a sample, of each row.
_MANY, _BEGUN, _METRICS, _SMALL_FIT, _DRAWN = 12.0, 2.0, 4.0, 5e6, 15.0
# A step brings it closer by so many digits: those of the number of rows for each parameter. Where few passes would take
# no less than this of the price of many, they are not worth it that some samples tell too little.
_DIGITS, _WORTH = 9.0, 0.95

# How closely a sample is fitted, which is off by more than that; and by much more where parameters are many.
_TOLERANCE, _TOLERANCE_OF_MANY_PARAMETERS = 1e-3, 1e-2
# How many steps in memory lead to where a sample has its minimum, at the most; and how near, relative to the way.
_STEPS, _NEAR = 30, 1e-3
# By how much that is weakened which gives a sample an optimum, where it moves it too far; and how often at the most.
_WEAKER, _MOST_WEAKER = 0.1, 6
# So many iterations beside a sample take about as many passes as a fit without one: where they are not enough it tells
# too little. In memory; where passes are dear; and where Hessians are too large and many passes would be very many.
_ITERATIONS, _DEAR_ITERATIONS, _ITERATIONS_OF_MANY_PARAMETERS = 6, 20, 100

FitSample = Callable[[Prepared, Penalty, float, Start | None], Fit]


def pays(prepared: Prepared, penalty: Penalty, start: Start | None) -> bool:
    """Tell whether few passes, and what is made of a sample between them, cost less than many.

    And whether it can be done: of classes, that the sample tells enough of; and where a Hessian would be too large to
    prove anything, with a penalty that does. Of rows in memory, whose passes are cheap, that takes a penalty, as
    maximum-likelihood estimates are compared in digits that few passes leave out.
    """
    rows = prepared.rows
    if prepared.held or rows.outpaces_memory or (start is not None and not is_dear(rows)):
        return False
    objective = prepared.likelihood.with_penalty(penalty)
    rows, family, fits = objective.rows, objective.family, _fits(objective)
    share = sampled_share(rows, family, objective.tuning)
    is_told = share * rows.n_rows >= _ROWS_PER_FEATURE * objective.shape[0] or share == 1.0
    is_proved = objective.is_penalised or (fits and is_dear(rows))
    if not (family.largest_mean == 1.0 and is_told and is_proved):
        return False
    work = evaluation_price(objective) - rows.pass_price
    if fits and not is_dear(rows):
        return _pays_in_memory(objective, share, work)
    of_many = _PASSES_WITH_CLASS_MEANS if tells_class_means(objective) else _PASSES_OF_MANY_PARAMETERS
    n_many, n_few = _PASSES if fits else of_many
    n_single = n_many - _IN_DOUBLE if rows.can_be_rounded else 0.0
    many = n_many * (work + rows.pass_price) - n_single * (1.0 - _SINGLE) * work
    products = _PRODUCTS_OF_MANY_CLASSES if family.has_many_classes else _PRODUCTS
    of_metric = hessian_price(objective, rows.n_rows) - rows.pass_price if fits else products * work
    few = n_few * (work + rows.pass_price) + share * (n_few * of_metric + n_many * _SINGLE * work)
    return bool(few < many)


def _pays_in_memory(objective: Objective, share: float, work: float) -> bool:
    """Tell whether few passes pay where Hessians fit, given the share of the rows to sample and what a pass costs."""
    rows, m = objective.rows, objective.shape[0]
    rows_per_parameter = share * rows.n_rows / (m * objective.family.n_identifiable)
    if rows_per_parameter <= 1.0:
        return False
    n_passes = _BEGUN + _DIGITS / math.log10(rows_per_parameter)
    of_sample = _METRICS * hessian_price(objective, rows.n_rows) + _MANY * work
    few = n_passes * work + share * of_sample + _SMALL_FIT + _DRAWN * rows.n_rows
    return few < _WORTH * _MANY * work


def most_iterations(objective: Objective) -> int:
    """Return after how many iterations few passes are given up: they are no longer few."""
    if not _fits(objective):
        return _ITERATIONS_OF_MANY_PARAMETERS
    return _DEAR_ITERATIONS if is_dear(objective.rows) else _ITERATIONS


def begin_beside_sample(
    prepared: Prepared, problem: GLM, penalty: Penalty, fit_sample: FitSample, start: Start | None
) -> Beginning:
    """Return the beginning where a sample has its optimum, with another sample if some rows are unusual."""
    objective, tuning, sample = problem.objective, prepared.tuning, problem.held
    assert sample is not None  # noqa: S101 - of a problem beside a sample
    to_fit = completed(sample, prepared.drawn, objective, tuning)
    alone = replace(tuning, sampled_rows=0)  # no sample of the sample
    of_sample = Prepared(to_fit, prepared.family, fit_intercept=prepared.fit_intercept, tuning=alone)
    firm = _firm(penalty, of_sample)
    result = _fit_held(of_sample, penalty, firm, fit_sample, start)
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
    leads = is_dear(objective.rows) and _fits(objective)  # or else it would cost as much as what it saves
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
    tol = _TOLERANCE if _fits(objective) else _TOLERANCE_OF_MANY_PARAMETERS
    by_chance = objective.shape[0] * sample.family.n_identifiable / (2.0 * sample.rows.n_rows)
    result = fit_sample(sample, firm, tol, start)
    for _ in range(_MOST_WEAKER if holding.any() else 0):
        if Ridge(holding).value(objective.centred(result.coef, result.intercept)) <= by_chance:
            break
        holding = _WEAKER * holding
        firm, start = Ridge(penalty.curvature + holding), Start(result.coef, result.intercept)
        result = fit_sample(sample, firm, tol, start)
    return result


def _fits(objective: Objective) -> bool:
    """Tell whether a Hessian is small enough."""
    return beyond_hessians(objective.family, objective.shape[0], objective.tuning) is None


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
