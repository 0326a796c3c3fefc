"""Rows, a family and a penalty in; the fitted linear predictor out."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from softglm.data import Rows, blas_as_found, one_blas_thread
from softglm.families import ExponentialFamily, Multinomial, UnconstrainedFamily
from softglm.fit.digits import represented, rounded_to
from softglm.fit.result import Fit, Handover, Options, Report, Start
from softglm.fit.smooth import solve_as_read, solve_wide
from softglm.fit.sparse import solve_sparse, sparse_path
from softglm.fit.strengths import check_penalty
from softglm.model import Objective, Penalty, Prepared, Ridge, SparsePenalty, null_model
from softglm.tuning import DEFAULT, Tuning


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
    handover: Handover | None = None,
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
    handover : Handover or None, default=None
        What fits of these rows, under a penalty that is smooth, leave to one another.

    Raises
    ------
    ValueError
        If the penalty has strengths below 0, or on the intercepts, or not one for each row of the parameters.
    """
    if isinstance(penalty, SparsePenalty):
        path = sparse_path(prepared, start)
        return solve_sparse(path, prepared, penalty, tol=tol, max_iter=max_iter, precision=precision, report=report)
    check_penalty(penalty, prepared)
    options = Options(tol, max_iter, prepared.count.n_passes, handover or Handover())
    report = None if report is None else blas_as_found(report)
    # Values too large for the arithmetic are a status, not a warning.
    with np.errstate(over="ignore", invalid="ignore"):
        result = solve_wide(prepared, penalty, options, start, report) if prepared.is_wide else None
        if result is None:
            result = solve_as_read(prepared, penalty, options, start, report)
        result = represented(result, prepared, penalty, options)
        if np.dtype(precision).itemsize < np.dtype(np.float64).itemsize:
            result = rounded_to(result, prepared, penalty, precision, tol)
            result = replace(result, n_passes=options.n_passes(prepared.count))
    return result


def mean_losses(rows: Rows, family: UnconstrainedFamily, result: Fit, *, fit_intercept: bool) -> tuple[float, float]:
    """Return the mean negative log-likelihood on other rows, without penalty: of a fit, and of the null model there."""
    nothing = Ridge.on_coefficients(0.0, rows.n_features, fit_intercept=fit_intercept)
    objective = Objective(rows, family, nothing, fit_intercept=fit_intercept)
    there = objective.centred(result.coef.astype(np.float64), result.intercept.astype(np.float64))
    return objective.evaluate(there)[0], null_model(objective).value
