"""The plan of a fit, few passes or many: what each would cost, in the prices of `model.passes`, before one is made."""

import math

from softglm.fit.result import Start
from softglm.model import Objective, Penalty, Prepared, beyond_hessians
from softglm.model.class_means import tells_class_means
from softglm.model.passes.prices import evaluation_price, hessian_price
from softglm.model.sample import is_dear, sampled_share

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

# So many iterations beside a sample take about as many passes as a fit without one: where they are not enough it tells
# too little. In memory; where passes are dear; and where Hessians are too large and many passes would be very many.
_ITERATIONS, _DEAR_ITERATIONS, _ITERATIONS_OF_MANY_PARAMETERS = 6, 20, 100


def few_passes_pay(prepared: Prepared, penalty: Penalty, start: Start | None) -> bool:
    """Tell whether few passes, and what is made of a sample between them, cost less than many.

    And whether it can be done: of classes, that the sample tells enough of; and where a Hessian would be too large to
    prove anything, with a penalty that does. Of rows in memory, whose passes are cheap, that takes a penalty, as
    maximum-likelihood estimates are compared in digits that few passes leave out.
    """
    rows = prepared.rows
    if prepared.held or rows.outpaces_memory or (start is not None and not is_dear(rows)):
        return False
    objective = prepared.likelihood.with_penalty(penalty)
    rows, family, fits = objective.rows, objective.family, hessian_fits(objective)
    share = sampled_share(rows, family, objective.tuning)
    is_told = share * rows.n_rows >= _ROWS_PER_FEATURE * objective.shape[0] or share == 1.0
    is_proved = objective.is_penalised or (fits and is_dear(rows))
    if not (family.largest_mean == 1.0 and is_told and is_proved):
        return False
    work = evaluation_price(objective) - rows.pass_price
    return (_few_pay_in_memory if fits and not is_dear(rows) else _few_pay)(objective, share, work)


def _few_pay(objective: Objective, share: float, work: float) -> bool:
    """Tell whether few passes pay, given the share of the rows to sample and what the arithmetic of a pass costs."""
    rows, fits = objective.rows, hessian_fits(objective)
    of_many = _PASSES_WITH_CLASS_MEANS if tells_class_means(objective) else _PASSES_OF_MANY_PARAMETERS
    n_many, n_few = _PASSES if fits else of_many
    n_single = n_many - _IN_DOUBLE if rows.can_be_rounded else 0.0
    many = n_many * (work + rows.pass_price) - n_single * (1.0 - _SINGLE) * work
    products = _PRODUCTS_OF_MANY_CLASSES if objective.family.has_many_classes else _PRODUCTS
    of_metric = hessian_price(objective, rows.n_rows) - rows.pass_price if fits else products * work
    few = n_few * (work + rows.pass_price) + share * (n_few * of_metric + n_many * _SINGLE * work)
    return bool(few < many)


def _few_pay_in_memory(objective: Objective, share: float, work: float) -> bool:
    """Tell the same of rows in memory, where Hessians fit."""
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
    if not hessian_fits(objective):
        return _ITERATIONS_OF_MANY_PARAMETERS
    return _DEAR_ITERATIONS if is_dear(objective.rows) else _ITERATIONS


def hessian_fits(objective: Objective) -> bool:
    """Tell whether a Hessian is small enough."""
    return beyond_hessians(objective.family, objective.shape[0], objective.tuning) is None
