"""Fits under a penalty that is smooth, in the form of the columns that double precision serves best."""

import math
from dataclasses import replace
from functools import partial

import numpy as np

from softglm.fit.beginning import Beginning
from softglm.fit.digits import doubted
from softglm.fit.few_passes import begin_beside_sample
from softglm.fit.frames import solve_in
from softglm.fit.plan import few_passes_pay, most_iterations
from softglm.fit.result import Fit, Handover, Options, Report, Start
from softglm.model import GLM, Basis, Combinations, Null, Objective, Penalty, Prepared, Ridge, rebased
from softglm.model.metric import FactoredMetric
from softglm.model.passes import Passes
from softglm.model.proof import gradient_rounding, partial_gap, sharp_rounding
from softglm.model.rebasing import FAR_UNPENALISED
from softglm.solver import DISTRUST, GapKind, Iterate, Outcome, Schedule, Solution, minimise
from softglm.status import STATUS_OF, Status

# The estimate of a distance is often too low, by a factor of up to this.
_TOO_LOW = 0.1
# Maximum-likelihood estimates are compared digit by digit, and a Hessian at hand makes the digits cheap; but who asks
# for a tolerance above this wants few.
_MORE_DIGITS, _FEW_DIGITS = 1e-3, 1e-6
# By how much the gap is to be smaller than a sample would prove by its Hessian alone.
_TO_SPARE = 1.25
# Where passes are dear it is the coefficients themselves that are wanted closely by who asks for less than this.
_ORDINARY = 1e-8
# The fit of a sample need not be the last word.
_SAMPLE_ITERATIONS = 200
# What of a gap may be the rounding of another form of the features, before that is bounded row by row.
_ASIDE = 0.01
# Whether a gradient hides in what the coordinates leave out is seen once the rest of it has vanished.
_HIDDEN_PRECISION = 1e-12


def solve_as_read(
    prepared: Prepared, penalty: Penalty, options: Options, start: Start | None, report: Report | None
) -> Fit:
    """Fit rows as they are read: from an origin, where columns are far from 0."""
    solve_there = partial(_solve, prepared, penalty, options)
    basis = prepared.basis
    return solve_there(start, report) if basis is None else solve_in(basis, solve_there, start, report)


def solve_wide(
    prepared: Prepared, penalty: Penalty, options: Options, start: Start | None, report: Report | None
) -> Fit | None:
    """Fit in the row space, where p > n; None if the penalty has no form there."""
    is_penalised = bool(penalty.curvature.any())
    even = penalty.isotropic(prepared.rows.n_features)
    if even is None:
        return None
    scale, strength = even
    found = prepared.reduced(penalised=is_penalised, scale=None if (scale == 1.0).all() else scale)
    if found is None:
        return None
    reduced, space = found
    narrow = Ridge.on_coefficients(strength, reduced.rows.n_features, fit_intercept=prepared.fit_intercept)
    result = solve_in(space, partial(_solve, reduced, narrow, options), start, report)
    result = replace(result, is_unique=is_penalised)
    if not is_penalised or result.gap_kind is GapKind.ESTIMATE:
        return result
    # The space is only as exact as rotations are: where its gradient vanishes that of the rows does not, quite.
    objective, below = prepared.likelihood.with_penalty(penalty), reduced.likelihood.with_penalty(narrow)
    there = prepared.as_read(result.coef, result.intercept)
    _, gradient = objective.evaluate(there)
    _, in_space = below.evaluate(below.centred(*space.down(result.coef, result.intercept)))
    slopes, constant = below.split(in_space)
    lifted, _ = space.up(slopes, constant)
    # Slopes are larger where coefficients are smaller: those of columns that are divided by a scale.
    difference = gradient - np.concatenate([lifted * np.square(scale)[:, np.newaxis], in_space[len(slopes) :]])
    off = partial_gap(objective, there, difference, gradient_rounding(objective, there, gradient))
    if off > _ASIDE * options.tol * (result.null_loss - result.loss):  # as where columns differ much in their sizes
        off = min(off, partial_gap(objective, there, difference, *sharp_rounding(objective, there, is_centred=False)))
    return replace(result, gap=(math.sqrt(result.gap) + math.sqrt(off)) ** 2)


def _solve(
    prepared: Prepared,
    penalty: Penalty,
    options: Options,
    start: Start | None,
    report: Report | None,
    *,
    in_few_passes: bool | None = None,
) -> Fit:
    """Fit rows in the columns that serve double precision: in these, or by way of this in others in their place."""
    passes = prepared.passes(penalty)
    objective = passes.objective
    if in_few_passes is None:
        in_few_passes = few_passes_pay(prepared, penalty, start)
    problem = _problem(prepared, passes, in_few_passes=in_few_passes)
    if problem is None:
        return _null_fit(prepared, objective, options, Status.NON_FINITE)
    elsewhere = rebased(objective, problem.coordinates, far=FAR_UNPENALISED)
    if elsewhere is not None:
        result = _solve_rebased(prepared, elsewhere, options, start, report)
        is_finite = np.isfinite(result.coef).all() and np.isfinite(result.intercept).all()
        return result if is_finite else _null_fit(prepared, objective, options, Status.NON_FINITE)
    collinearity = None if penalty.curvature.any() else prepared.collinearity
    if collinearity is not None and collinearity.combinations is not None:
        result = _solve_apart(prepared, collinearity.combinations, options, start, report)
    elif not problem.coordinates.scales.size:
        return _null_fit(prepared, objective, options, Status.CONVERGED)
    else:
        solve_there = _solve_in_few_passes if in_few_passes else _solve_in_many_passes
        result = solve_there(prepared, problem, options, start, report)
    return result if collinearity is None or collinearity.is_told else doubted(result)


def _solve_in_many_passes(
    prepared: Prepared, problem: GLM, options: Options, start: Start | None, report: Report | None
) -> Fit:
    """Fit by as many passes as it takes."""
    handover, objective = options.handover, problem.objective
    known = handover.known(objective)
    begun = _begin_at_null(problem, prepared.null, start, known)
    schedule = Schedule(saved=handover.saved, has_hessian=known is not None and begun.metric is known)
    solution = _minimised(prepared, begun, options, schedule, report)
    handover.leave(objective, solution.metric, schedule.saved)
    return _fit_of(prepared, begun, solution, options)


def _solve_in_few_passes(
    prepared: Prepared, problem: GLM, options: Options, start: Start | None, report: Report | None
) -> Fit:
    """Fit beside a sample; where it has told all that it can, what all rows tell goes on from there."""
    objective = problem.objective
    begun = begin_beside_sample(prepared, problem, _fit_sample, start)
    most = min(options.max_iter, most_iterations(objective))
    schedule = Schedule(saved=options.handover.saved)
    solution = _minimised(prepared, begun, options._replace(max_iter=most), schedule, report)
    is_over = solution.outcome is Outcome.ITERATIONS and most == options.max_iter
    if is_over or solution.outcome is Outcome.CONVERGED:
        return _fit_of(prepared, begun, solution, options)
    there, left = Start(*objective.uncentred(solution.point)), options.max_iter - solution.n_iterations
    further = None if report is None else _told_after(report, solution.n_iterations)
    result = _solve(prepared, objective.penalty, options._replace(max_iter=left), there, further, in_few_passes=False)
    return _after(result, solution.n_iterations, begun.n_evaluations + solution.n_evaluations)


def _minimised(
    prepared: Prepared, begun: Beginning, options: Options, schedule: Schedule, report: Report | None
) -> Solution:
    uncentred = begun.problem.objective.uncentred
    return minimise(
        begun.problem,
        begun.first,
        begun.metric,
        reference=prepared.null.value,
        tol=options.tol,
        precision=_precision(begun.problem, options.tol),
        max_iter=options.max_iter,
        report=None if report is None else lambda progress, point: report(progress, *uncentred(point)),
        method=begun.method,
        schedule=schedule,
    )


def _fit_of(prepared: Prepared, begun: Beginning, solution: Solution, options: Options) -> Fit:
    """Return the fit that a solution is."""
    problem, objective = begun.problem, begun.problem.objective
    is_converged = solution.outcome is Outcome.CONVERGED
    hides = is_converged and problem.coordinates.leaves_out(solution.gradient, objective.moments.center)
    # In Newton's steps rounding adds what the family cannot identify: a constant over the classes.
    coef, intercept = objective.uncentred(prepared.family.identified(solution.point))
    return Fit(
        coef=coef,
        intercept=intercept,
        loss=solution.value,
        null_loss=prepared.null.value,
        penalty=objective.penalty.value(solution.point),
        gap=solution.gap,
        gap_kind=GapKind.ESTIMATE if hides else solution.gap_kind,
        status=Status.PRECISION if hides else STATUS_OF[solution.outcome],
        is_unique=problem.is_unique,
        n_iterations=solution.n_iterations,
        n_evaluations=begun.n_evaluations + solution.n_evaluations,
        n_refreshes=solution.n_refreshes,
        n_passes=options.n_passes(prepared.count),
    )


def _told_after(report: Report, n_iterations: int) -> Report:
    """Return what tells of iterations after so many others."""
    return lambda progress, *point: report(replace(progress, iteration=n_iterations + progress.iteration), *point)


def _after(result: Fit, n_iterations: int, n_evaluations: int) -> Fit:
    """Return a fit that began where another, of so many iterations and evaluations, was given up."""
    return replace(
        result,
        n_iterations=n_iterations + result.n_iterations,
        n_evaluations=n_evaluations + result.n_evaluations,
    )


def _fit_sample(sample: Prepared, penalty: Penalty, tol: float, start: Start | None) -> Fit:
    return solve_as_read(sample, penalty, Options(tol, _SAMPLE_ITERATIONS, 0, Handover()), start, None)


def _solve_rebased(
    prepared: Prepared,
    elsewhere: tuple[Objective, Basis],
    options: Options,
    start: Start | None,
    report: Report | None,
) -> Fit:
    """Fit on rows that double precision serves better."""
    there, basis = elsewhere
    moved = prepared.of(there, basis)
    return solve_in(basis, partial(_solve, moved, there.penalty, options), start, report)


def _solve_apart(
    prepared: Prepared, combinations: Combinations, options: Options, start: Start | None, report: Report | None
) -> Fit:
    """Fit combinations of columns that are nearly collinear, where nothing is penalised."""
    there = combinations.read(prepared.likelihood)
    moved = prepared.of(there)
    result = solve_in(combinations, partial(_solve, moved, there.penalty, options), start, report)
    return replace(result, is_unique=result.is_unique and there.rows.n_features == prepared.rows.n_features)


def _precision(problem: GLM, tol: float) -> float:
    """Return how close to the optimum to go, relative to the distance of the null model."""
    if problem.held is not None and problem.is_proved_by_sample:
        precision = math.sqrt(tol / (_TO_SPARE * problem.held.multiplicity))  # from where the sample proves it
        precision = min(precision, tol) if tol < _ORDINARY else precision
    elif problem.held is not None or not problem.hessians:
        # Digits would be dear: the loss alone. Three times as far would do for most proofs, but at a tol of 1e-3
        # the log loss of texts that were left out was then 7 % off.
        precision = math.sqrt(DISTRUST * tol)
    else:
        is_penalised = bool(problem.objective.penalty.curvature.any())
        if tol > _FEW_DIGITS:
            precision = tol if is_penalised else tol * _TOO_LOW  # the proof decides
        else:
            precision = tol * (_TOO_LOW if is_penalised else _MORE_DIGITS)
    return precision if problem.is_unique else min(precision, _HIDDEN_PRECISION)


def _problem(prepared: Prepared, passes: Passes, *, in_few_passes: bool) -> GLM | None:
    """Return the problem in coordinates of the null model; None where the arithmetic does not allow it."""
    if not np.isfinite(prepared.null.value):
        return None
    try:
        return (GLM.beside_sample if in_few_passes else GLM.starting_at_null)(prepared, passes)
    except FloatingPointError:
        return None


def _begin_at_null(problem: GLM, null: Null, start: Start | None, known: FactoredMetric | None) -> Beginning:
    first, n_evaluations = _first_iterate(problem.objective, problem, null, start)
    problem, metric = problem.beginning_at(null, *first, known=known)
    return Beginning(problem, first, metric, n_evaluations)


def _first_iterate(objective: Objective, problem: GLM, null: Null, start: Start | None) -> tuple[Iterate, int]:
    """Return where to begin, and how many evaluations that took."""
    n_evaluations = 0
    if start is not None:
        warm = problem.coordinates.nearest(objective.centred(start.coef, start.intercept))
        first, n_evaluations = Iterate(warm, *objective.evaluate(warm)), 1
        # Of another model's coefficients, or after a change of units, the null model may be the better start.
        if first.value <= null.value:
            return first, n_evaluations
    if null.gradient is not None:
        return Iterate(null.parameters, null.value, null.gradient), n_evaluations
    return Iterate(null.parameters, *objective.evaluate(null.parameters)), n_evaluations + 1


def _null_fit(prepared: Prepared, objective: Objective, options: Options, status: Status) -> Fit:
    """Return the null model, where the arithmetic allows no more, or no column of X varies."""
    null = prepared.null
    coef, intercept = objective.uncentred(null.parameters.copy())
    return Fit(
        coef=coef,
        intercept=intercept,
        loss=null.value,
        null_loss=null.value,
        penalty=0.0,
        gap=0.0 if status is Status.CONVERGED else float("inf"),
        gap_kind=GapKind.SELF_CONCORDANCE if status is Status.CONVERGED else GapKind.ESTIMATE,
        status=status,
        is_unique=status is not Status.CONVERGED or bool(objective.penalty.curvature.any()),
        n_iterations=0,
        n_evaluations=0,
        n_refreshes=0,
        n_passes=options.n_passes(prepared.count),
    )
