"""The numeric core: rows, a family and a penalty in; the fitted linear predictor out."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, Protocol, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import Rows, blas_as_found, one_blas_thread
from softglm.families import ExponentialFamily, Multinomial, UnconstrainedFamily
from softglm.model import (
    GLM,
    Basis,
    Combinations,
    Null,
    Objective,
    Penalty,
    Prepared,
    Ridge,
    SparsePenalty,
    null_model,
    rebased,
)
from softglm.model.proof import gradient_rounding, partial_gap, representation_loss, value_rounding
from softglm.model.rebasing import FAR_UNPENALISED
from softglm.solver import DISTRUST, GapKind, Iterate, Outcome, Progress, minimise
from softglm.sparse import SparsePath
from softglm.status import STATUS_OF, Status
from softglm.tuning import DEFAULT, Tuning

_RESOLUTION = 4.0 * np.finfo(np.float64).eps
# The relative gap that coefficients rounded to float32 are promised to keep.
ROUNDING_TOLERANCE = 1e-6

# The estimate of a distance is often too low, by a factor of up to this.
_TOO_LOW = 0.1
# Maximum-likelihood estimates are compared digit by digit, and a Hessian at hand makes the digits cheap; but who asks
# for a tolerance above this wants few.
_MORE_DIGITS, _FEW_DIGITS = 1e-3, 1e-6
# Whether a gradient hides in what the coordinates leave out is seen once the rest of it has vanished.
_HIDDEN_PRECISION = 1e-12

Report: TypeAlias = Callable[[Progress, FloatArray, FloatArray], None]
"""Called as ``report(progress, coef, intercept)`` after each iteration."""


@final
@dataclass(frozen=True)
class Start:
    """Where a fit begins: `coef` of shape (p, q) and `intercept` of shape (q,)."""

    coef: FloatArray
    intercept: FloatArray


@final
@dataclass(frozen=True)
class Fit:
    """A fitted linear predictor eta = coef' x + intercept + offset, and what is known about it.

    Attributes
    ----------
    coef : array of shape (p, q)
    intercept : array of shape (q,)
        Both rounded to the precision of X where that is coarser than float64.
    loss, null_loss : float
        The objective here and at the null model, in nats per unit of weight.
    penalty : float
        The part of the loss that is the penalty; the null model has none.
    gap : float
        What the loss is above its minimum, as `gap_kind` has it: the most it can be, or an estimate.
    gap_kind : GapKind
    status : Status
    is_unique : bool
        False where collinear columns are not told apart by a penalty: of the many optima this one is of minimum norm in
        standardised coordinates.
    n_iterations, n_evaluations, n_refreshes : int
        Iterations, evaluations of the loss and its gradient, Hessians (or approximations of it).
    n_passes : int, default=0
        Over all rows, wherever they are then held, whatever they were made for: moments, evaluations, Hessians, proofs.
        Two sums that are made at once are one pass; samples are not counted, drawing them is where all rows are scored
        for it. So a place for rows is read at most so often.
    """

    coef: FloatArray
    intercept: FloatArray
    loss: float
    null_loss: float
    penalty: float
    gap: float
    gap_kind: GapKind
    status: Status
    is_unique: bool
    n_iterations: int
    n_evaluations: int
    n_refreshes: int
    n_passes: int = 0

    @property
    def relative_gap(self) -> float:
        """(f - f*) / (f_null - f*): the share of what the features can explain that is still missing."""
        explained = max(self.null_loss - self.loss + self.gap, _RESOLUTION * (1.0 + abs(self.null_loss)))
        return self.gap / explained


def prepare(rows: Rows, family: ExponentialFamily, *, fit_intercept: bool = True, tuning: Tuning = DEFAULT) -> Prepared:
    """Return rows and a family ready to be fitted under any number of penalties.

    What no penalty changes is made once, when it is first asked for: moments, the null model, the chances of rows to be
    drawn (as the first penalty has them), rows that are held or rounded.

    Parameters
    ----------
    rows : Rows
    family : ExponentialFamily
        One whose natural parameters are unconstrained, such as Bernoulli, Categorical, Multinomial, Poisson, Gaussian.
    fit_intercept : bool, default=True
    tuning : Tuning, optional
        How a fit is made.

    Raises
    ------
    TypeError
        If the natural parameters of the family are constrained, so that theta' x could leave their space.
    ValueError
        If every row has a number of trials of its own: that is a weight.
    """
    if not isinstance(family, UnconstrainedFamily):
        raise TypeError(
            f"{type(family).__name__} cannot be regressed on x by eta = theta' x: its natural parameters are "
            "constrained, and a linear predictor would leave their space. Use a family in which every eta is a "
            "distribution: Bernoulli, Categorical, Multinomial, Poisson or Gaussian."
        )
    if isinstance(family, Multinomial) and np.ndim(family.n_trials):
        raise ValueError(
            f"Multinomial has n_trials of shape {np.shape(family.n_trials)}, expected one number for all rows. Where "
            "rows differ, pass the shares of the classes as targets, the numbers of trials as weights, and Categorical."
        )
    return Prepared(rows, family, fit_intercept=fit_intercept, tuning=tuning)


def fit(
    rows: Rows,
    family: ExponentialFamily,
    penalty: Penalty | SparsePenalty,
    start: Start | None = None,
    *,
    fit_intercept: bool = True,
    tol: float = 1e-8,
    max_iter: int = 1000,
    precision: npt.DTypeLike = np.float64,
    report: Report | None = None,
    tuning: Tuning = DEFAULT,
) -> Fit:
    """Fit eta = theta' x by penalised maximum likelihood: `prepare`, then `solve`, whose parameters these are.

    Examples
    --------
    >>> import numpy as np
    >>> from softglm.data import RowsInMemory
    >>> from softglm.families import Poisson
    >>> from softglm.model import Ridge
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = np.random.default_rng(1).poisson(np.exp(X @ [0.5, -0.3] + 1.0)).astype(float)
    >>> ridge = Ridge.on_coefficients(0.01, 2, fit_intercept=True)
    >>> result = fit(RowsInMemory(X, y), Poisson(), ridge)
    >>> result.status.value, result.coef.ravel().round(1).tolist(), result.intercept.round(1).tolist()
    ('converged', [0.5, -0.3], [1.0])
    """
    prepared = prepare(rows, family, fit_intercept=fit_intercept, tuning=tuning)
    return solve(prepared, penalty, start, tol=tol, max_iter=max_iter, precision=precision, report=report)


@one_blas_thread
def solve(
    prepared: Prepared,
    penalty: Penalty | SparsePenalty,
    start: Start | None = None,
    *,
    tol: float = 1e-8,
    max_iter: int = 1000,
    precision: npt.DTypeLike = np.float64,
    report: Report | None = None,
) -> Fit:
    """Fit what `prepare` has prepared, under one penalty.

    Parameters
    ----------
    prepared : Prepared
    penalty : Penalty or SparsePenalty
        On p rows of coefficients, and one of intercepts if there are any, which has to be free.
    start : Start or None, default=None
        None starts at the null model.
    tol : float, default=1e-8
        The relative gap to prove, and the relative distance to the optimum to reach; see `_precision`. Under a sparse
        penalty the gap relative to F of the null model.
    max_iter : int, default=1000
        The most iterations.
    precision : dtype, default=float64
        To which the result is rounded; the gap then includes what the rounding lost.
    report : callable or None, default=None

    Raises
    ------
    ValueError
        If the penalty has strengths below 0, or on the intercepts, or not one for each row of the parameters.
    """
    if isinstance(penalty, SparsePenalty):
        path = sparse_path(prepared, start)
        return solve_sparse(path, prepared, penalty, tol=tol, max_iter=max_iter, precision=precision, report=report)
    _check_penalty(penalty, prepared)
    options = _Options(tol, max_iter, prepared.count.n_passes)
    report = None if report is None else blas_as_found(report)
    # Values too large for the arithmetic are a status, not a warning.
    with np.errstate(over="ignore", invalid="ignore"):
        result = _solve_wide(prepared, penalty, options, start, report) if prepared.is_wide else None
        if result is None:
            result = _solve_as_read(prepared, penalty, options, start, report)
        result = _represented(result, prepared, penalty, options)
        if np.dtype(precision).itemsize < np.dtype(np.float64).itemsize:
            result = _rounded(result, prepared, penalty, precision, tol)
            result = replace(result, n_passes=prepared.count.n_passes - options.n_passes_before)
    return result


def sparse_path(prepared: Prepared, start: Start | None = None) -> SparsePath:
    """Return where fits under one sparse penalty after another begin; see `solve_sparse`."""
    with np.errstate(over="ignore", invalid="ignore"):
        return SparsePath(prepared) if start is None else SparsePath(prepared, start.coef, start.intercept)


@one_blas_thread
def solve_sparse(
    path: SparsePath,
    prepared: Prepared,
    penalty: SparsePenalty,
    *,
    tol: float,
    max_iter: int,
    precision: npt.DTypeLike = np.float64,
    report: Report | None = None,
) -> Fit:
    """Fit under a sparse penalty, from where the path is; see `solve`."""
    _check_penalty(penalty.smooth, prepared)
    n_passes_before, null = prepared.count.n_passes, prepared.null
    with np.errstate(over="ignore", invalid="ignore"):
        found = path.fit(penalty, tol, max_iter, None if report is None else blas_as_found(report))
        result = Fit(
            coef=found.coef,
            intercept=found.intercept,
            loss=found.loss,
            null_loss=null.value,
            penalty=found.penalty,
            gap=found.gap,
            gap_kind=GapKind.DUALITY,
            status=STATUS_OF[found.outcome],
            is_unique=True,
            n_iterations=found.n_iterations,
            n_evaluations=found.n_evaluations,
            n_refreshes=found.n_hessians,
        )
        if np.dtype(precision).itemsize < np.dtype(np.float64).itemsize:
            result = _rounded_sparsely(result, prepared, penalty, precision, tol)
    return replace(result, n_passes=prepared.count.n_passes - n_passes_before)


def _check_penalty(penalty: Penalty, prepared: Prepared) -> None:
    curvature, p, n_constants = penalty.curvature, prepared.rows.n_features, int(prepared.fit_intercept)
    if curvature.shape != (p + n_constants,):
        raise ValueError(
            f"The penalty has strengths of shape {curvature.shape}, expected ({p + n_constants},): one for each of {p} "
            f"columns{', and 0 for the intercepts, which come last' * n_constants}."
        )
    if not (curvature.min(initial=0.0) >= 0.0 and curvature.sum() < np.inf):
        raise ValueError(
            f"The strengths of the penalty must be finite and at least 0, got {curvature.min()!r} to "
            f"{curvature.max()!r}: under others the loss has no minimum that could be proved."
        )
    if curvature[p:].any():
        raise ValueError(
            "The penalty has strength on the row of the intercepts, which are never penalised: the null model has "
            "nothing else. Set it to 0, as Ridge.on_coefficients does."
        )


class _Options(NamedTuple):
    tol: float
    max_iter: int
    n_passes_before: int


class _Frame(Protocol):
    """Another form of the features, in which they are fitted."""

    def down(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what coefficients and intercepts are there."""

    def up(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what those there are here."""


def _solve_in(
    frame: _Frame,
    solve_there: Callable[[Start | None, Report | None], Fit],
    start: Start | None,
    report: Report | None,
) -> Fit:
    """Fit in another frame: what it begins with is taken there, what it reports and finds is brought back."""
    result = solve_there(
        None if start is None else Start(*frame.down(start.coef, start.intercept)),
        None if report is None else lambda progress, *predictor: report(progress, *frame.up(*predictor)),
    )
    coef, intercept = frame.up(result.coef, result.intercept)
    return replace(result, coef=coef, intercept=intercept)


def _solve_as_read(
    prepared: Prepared, penalty: Penalty, options: _Options, start: Start | None, report: Report | None
) -> Fit:
    """Fit rows as they are read: from an origin, where columns are far from 0."""
    solve_there = partial(_solve, prepared, penalty, options)
    basis = prepared.basis
    return solve_there(start, report) if basis is None else _solve_in(basis, solve_there, start, report)


def _solve_wide(
    prepared: Prepared, penalty: Penalty, options: _Options, start: Start | None, report: Report | None
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
    result = _solve_in(space, partial(_solve, reduced, narrow, options), start, report)
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
    return replace(result, gap=(math.sqrt(result.gap) + math.sqrt(off)) ** 2)


def _solve(prepared: Prepared, penalty: Penalty, options: _Options, start: Start | None, report: Report | None) -> Fit:
    passes, null = prepared.passes(penalty), prepared.null
    objective = passes.objective

    def n_passes() -> int:
        return prepared.count.n_passes - options.n_passes_before

    if not np.isfinite(null.value):
        return _null_fit(objective, null, Status.NON_FINITE, n_passes())
    try:
        problem = GLM.starting_at_null(prepared, passes)
    except FloatingPointError:
        return _null_fit(objective, null, Status.NON_FINITE, n_passes())
    elsewhere = rebased(objective, problem.coordinates, far=FAR_UNPENALISED)
    if elsewhere is not None:
        result = _solve_rebased(prepared, elsewhere, options, start, report)
        is_finite = np.isfinite(result.coef).all() and np.isfinite(result.intercept).all()
        return result if is_finite else _null_fit(objective, null, Status.NON_FINITE, n_passes())
    collinearity = None if penalty.curvature.any() else prepared.collinearity
    if collinearity is not None and collinearity.combinations is not None:
        result = _solve_apart(prepared, collinearity.combinations, options, start, report)
        return result if collinearity.is_told else _doubted(result)
    if not problem.coordinates.scales.size:
        return _null_fit(objective, null, Status.CONVERGED, n_passes())
    first, n_evaluations = _first_iterate(objective, problem, null, start)
    problem, metric = problem.beginning_at(null, *first)
    solution = minimise(
        problem,
        first,
        metric,
        reference=null.value,
        tol=options.tol,
        precision=_precision(problem, options.tol),
        max_iter=options.max_iter,
        report=None if report is None else lambda progress, point: report(progress, *objective.uncentred(point)),
    )
    hides = solution.outcome is Outcome.CONVERGED and problem.coordinates.leaves_out(
        solution.gradient, objective.moments.center
    )
    # In Newton's steps rounding adds what the family cannot identify: a constant over the classes.
    coef, intercept = objective.uncentred(prepared.family.identified(solution.point))
    result = Fit(
        coef=coef,
        intercept=intercept,
        loss=solution.value,
        null_loss=null.value,
        penalty=penalty.value(solution.point),
        gap=solution.gap,
        gap_kind=GapKind.ESTIMATE if hides else solution.gap_kind,
        status=Status.PRECISION if hides else STATUS_OF[solution.outcome],
        is_unique=problem.is_unique,
        n_iterations=solution.n_iterations,
        n_evaluations=n_evaluations + solution.n_evaluations,
        n_refreshes=solution.n_refreshes,
        n_passes=n_passes(),
    )
    return result if collinearity is None or collinearity.is_told else _doubted(result)


def _doubted(result: Fit) -> Fit:
    """Return a fit that takes for granted what only last digits could tell, that nothing hides there: no proof."""
    return replace(result, gap_kind=GapKind.ESTIMATE)


def _solve_rebased(
    prepared: Prepared,
    elsewhere: tuple[Objective, Basis],
    options: _Options,
    start: Start | None,
    report: Report | None,
) -> Fit:
    """Fit on rows that double precision serves better."""
    there, basis = elsewhere
    moved = prepared.of(there, basis)
    return _solve_in(basis, partial(_solve, moved, there.penalty, options), start, report)


def _solve_apart(
    prepared: Prepared, combinations: Combinations, options: _Options, start: Start | None, report: Report | None
) -> Fit:
    """Fit combinations of columns that are nearly collinear, where nothing is penalised."""
    there = combinations.read(prepared.likelihood)
    moved = prepared.of(there)
    result = _solve_in(combinations, partial(_solve, moved, there.penalty, options), start, report)
    return replace(result, is_unique=result.is_unique and there.rows.n_features == prepared.rows.n_features)


def _precision(problem: GLM, tol: float) -> float:
    """Return how close to the optimum to go, relative to the distance of the null model."""
    if not problem.hessians:
        return math.sqrt(DISTRUST * tol)  # digits would be dear: the loss alone
    wants_digits = not problem.objective.penalty.curvature.any() and tol <= _FEW_DIGITS
    precision = tol * (_MORE_DIGITS if wants_digits else _TOO_LOW)
    return precision if problem.is_unique else min(precision, _HIDDEN_PRECISION)


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


def _null_fit(objective: Objective, null: Null, status: Status, n_passes: int) -> Fit:
    """Return the null model, where the arithmetic allows no more, or no column of X varies."""
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
        n_passes=n_passes,
    )


def _represented(result: Fit, prepared: Prepared, penalty: Penalty, options: _Options) -> Fit:
    """Return the fit with what its coefficients and intercepts, as numbers, lose of the optimum in the gap."""
    n_passes = prepared.count.n_passes - options.n_passes_before
    if not result.gap < np.inf:
        return replace(result, n_passes=n_passes)
    of_constants = prepared.lost_of_constants(penalty)
    if not of_constants < np.inf:
        return _doubted(replace(result, n_passes=n_passes))
    lost = representation_loss(prepared.likelihood, penalty, result.coef, result.intercept) + of_constants
    n_passes = prepared.count.n_passes - options.n_passes_before
    # The gap is at most quadratic in the distance, with the largest curvature there is.
    represented = replace(result, gap=(math.sqrt(result.gap) + math.sqrt(lost)) ** 2, n_passes=n_passes)
    if result.status is Status.CONVERGED and represented.relative_gap > max(options.tol, result.relative_gap):
        return replace(represented, status=Status.PRECISION)
    return represented


def _rounded(result: Fit, prepared: Prepared, penalty: Penalty, precision: npt.DTypeLike, tol: float) -> Fit:
    """Return the fit in the given precision, and count what that lost as part of the gap."""
    objective = prepared.likelihood.with_penalty(penalty)
    center = objective.center
    # The coefficient of a column of tiny spread may be beyond the range: the gap will tell what that costs.
    most = float(np.finfo(np.dtype(precision)).max)
    coef = np.clip(result.coef, -most, most).astype(precision)
    # The intercepts take up what the rounding of the coefficients shifts eta by at the mean of X.
    intercept = (result.intercept + center @ (result.coef - coef)).astype(precision)
    there = prepared.as_read(coef.astype(np.float64), intercept.astype(np.float64))
    loss, _ = objective.evaluate(there)
    # Two losses tell nothing finer than their own rounding.
    gap = result.gap + max(loss - result.loss, 0.0) + 2.0 * value_rounding(objective, there)
    value = penalty.value(there)
    rounded = replace(result, coef=coef, intercept=intercept, loss=loss, penalty=value, gap=gap)
    lost = loss - result.loss > _RESOLUTION * (1.0 + abs(loss))
    if rounded.status is Status.CONVERGED and lost and rounded.relative_gap > max(tol, ROUNDING_TOLERANCE):
        return replace(rounded, status=Status.ROUNDED)
    return rounded


def _rounded_sparsely(
    result: Fit, prepared: Prepared, penalty: SparsePenalty, precision: npt.DTypeLike, tol: float
) -> Fit:
    """Return the fit in the given precision, and count what that lost, of the kinked part too, as part of the gap."""
    kinked = penalty.kinked(result.coef)
    smoothly = replace(result, loss=result.loss - kinked, null_loss=result.null_loss - kinked)
    rounded = _rounded(smoothly, prepared, penalty.smooth, precision, tol)
    there = penalty.kinked(rounded.coef.astype(np.float64))
    return replace(
        rounded,
        loss=rounded.loss + there,
        null_loss=result.null_loss,
        penalty=rounded.penalty + there,
        gap=rounded.gap + max(there - kinked, 0.0),
    )


def mean_losses(rows: Rows, family: UnconstrainedFamily, result: Fit, *, fit_intercept: bool) -> tuple[float, float]:
    """Return the mean negative log-likelihood on other rows, without penalty: of a fit, and of the null model there."""
    nothing = Ridge.on_coefficients(0.0, rows.n_features, fit_intercept=fit_intercept)
    objective = Objective(rows, family, nothing, fit_intercept=fit_intercept)
    there = objective.centred(result.coef.astype(np.float64), result.intercept.astype(np.float64))
    return objective.evaluate(there)[0], null_model(objective).value
