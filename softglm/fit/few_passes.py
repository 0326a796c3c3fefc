"""Fits of few passes: what can be told by a sample is told by it, and what only all rows can tell is asked once.

A pass over rows that are far away costs more than its arithmetic. The first one adds up the moments and draws a sample.
Where the fit of the sample ends this one begins: off by what a sample is, most often less than a thousandth of what the
features explain. From there each evaluation over all rows brings it several hundred times closer, in the metric of the
sample's Hessian. As no row adds to f what is below its tangent, and one of the sample stands for k of them at most, the
sample bounds f from below. So the proof takes no pass of its own.
"""

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter

import numpy as np

from softglm.data import survey
from softglm.fit.beginning import Beginning
from softglm.fit.result import Fit, Start
from softglm.model import GLM, Objective, Penalty, Prepared, Ridge, beyond_hessians
from softglm.model.class_means import tells_class_means
from softglm.model.passes.prices import evaluation_price, hessian_price
from softglm.model.sample import completed, draw_of, is_dear, sampled_share, scores_of
from softglm.solver import Iterate
from softglm.sums import Evaluation, Sizes

# How many passes fits took that were measured, in many and in few, and these where Hessians are too large; and where
# the means of the classes make a metric.
_PASSES, _PASSES_OF_MANY_PARAMETERS, _PASSES_WITH_CLASS_MEANS = (13.0, 6.0), (100.0, 10.0), (35.0, 10.0)
# So many of many are in double precision, in the end, even where most are not.
_IN_DOUBLE = 4.0
# What conjugate gradients cost, in evaluations of a sample; where classes are so many that their information is not
# decomposed, to precondition; and evaluations in single precision, in others.
_PRODUCTS, _PRODUCTS_OF_MANY_CLASSES, _SINGLE = 20.0, 80.0, 0.55
# So many Hessians are made where they are not renewed at each point: on the way to the sample's optimum, there, and for
# the proof.
_METRICS = 4.0
# A sample of fewer rows for each feature is too far off; and where many passes are cheap, of far fewer.
_ROWS_PER_FEATURE, _MANY_ROWS_PER_FEATURE = 8.0, 512.0

# How closely a sample is fitted, which is off by more than that; and by much more where parameters are many.
_TOLERANCE, _TOLERANCE_OF_MANY_PARAMETERS = 1e-3, 1e-2
# So many iterations beside a sample take about as many passes as a fit without one: where they are not enough it tells
# too little. In memory, where passes are dear, and where Hessians are too large and many passes would be very many.
_ITERATIONS, _DEAR_ITERATIONS, _ITERATIONS_OF_MANY_PARAMETERS = 6, 20, 100

FitSample = Callable[[Prepared, Penalty, float, Start | None], Fit]


def pays(prepared: Prepared, penalty: Penalty, start: Start | None) -> bool:
    """Tell whether few passes, and what is made of a sample between them, cost less than many.

    And whether it can be done: of classes, that the sample tells enough of; and where a Hessian would be too large to
    prove anything, with a penalty that does. Of rows in memory, whose passes are cheap, that takes very many for their
    features; and a penalty, as maximum-likelihood estimates are compared in digits that few passes leave out.
    """
    rows = prepared.rows
    if prepared.held or rows.outpaces_memory or (start is not None and not is_dear(rows)):
        return False
    objective = prepared.likelihood.with_penalty(penalty)
    rows, family, fits = objective.rows, objective.family, _fits(objective)
    share = sampled_share(rows, family, objective.tuning)
    enough = _ROWS_PER_FEATURE if is_dear(rows) or not fits else _MANY_ROWS_PER_FEATURE
    is_told = share * rows.n_rows >= enough * objective.shape[0] or share == 1.0
    is_proved = objective.is_penalised or (fits and is_dear(rows))
    if not (family.largest_mean == 1.0 and is_told and is_proved):
        return False
    if fits:
        n_many, n_few = _PASSES
    else:
        n_many, n_few = _PASSES_WITH_CLASS_MEANS if tells_class_means(objective) else _PASSES_OF_MANY_PARAMETERS
    work = evaluation_price(objective) - rows.pass_price
    n_single = n_many - _IN_DOUBLE if rows.can_be_rounded else 0.0
    many = n_many * (work + rows.pass_price) - n_single * (1.0 - _SINGLE) * work
    products = _PRODUCTS_OF_MANY_CLASSES if family.has_many_classes else _PRODUCTS
    of_metric = hessian_price(objective, rows.n_rows) - rows.pass_price if fits else products * work
    n_metrics = n_few if is_dear(rows) or not fits else _METRICS
    few = n_few * (work + rows.pass_price) + share * (n_metrics * of_metric + n_many * _SINGLE * work)
    return bool(few < many)


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
    tol = _TOLERANCE if _fits(objective) else _TOLERANCE_OF_MANY_PARAMETERS
    result = fit_sample(of_sample, firm, tol, start)
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
    return Beginning(problem, first, problem.hessians[-1].make(first.point), n_evaluations)


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
