"""Profile intervals and likelihood-ratio tests of the coefficients, each of them by fits of its own."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from scipy import stats

from softglm.arrays import FloatArray
from softglm.data import blas_as_found, one_blas_thread
from softglm.inference.cells import number
from softglm.inference.coding import Coding
from softglm.inference.coefficients import Coefficients
from softglm.inference.estimate import Estimate
from softglm.inference.facts import Facts
from softglm.inference.forms import contrast_forms
from softglm.inference.profile import profile_interval, signed_root
from softglm.inference.progress import ProgressPrinter

# Of the ends of an interval, while others are awaited.
_DECIMALS = 4


def confidence_intervals(
    self: Facts, method: Literal["wald", "profile"] = "wald", *, verbose: int = False
) -> FloatArray:
    """Return the lower and the upper ends of intervals for the coefficients.

    Parameters
    ----------
    method : {"wald", "profile"}
        Estimate and standard errors; or where the log-likelihood, maximised over the other coefficients, falls by
        half a chi-squared quantile. Profile intervals keep their coverage where Wald intervals are too symmetric,
        and are infinite where the estimate is; of bias-reduced estimates they are of the penalised likelihood.
        Each takes several fits: many classes and terms take their time.
    verbose : bool or int, default=False
        Print a line for each profile interval, once it is there.

    Returns
    -------
    array of shape (2, K - 1, n_terms)
        In nats, at the confidence `level`.

    Raises
    ------
    ValueError
        For profile intervals of a penalised, reweighted or robust fit.
    ArithmeticError
        If a penalised likelihood has a maximum higher than that of the estimates: use method="wald".
    """
    if method == "wald":
        return np.stack([self.coefficients.lower, self.coefficients.upper])
    if method != "profile":
        raise ValueError(f'method must be "wald" or "profile", got {method!r}.')
    self._validity.require_tests("Profile intervals")
    self._validity.require_trusted_likelihood("Profile intervals", 'Use confidence_intervals("wald")')
    table, estimate = self.coefficients, self.estimate
    n_intervals = len(table.classes) * int(estimate.row_space.estimable(estimate.term_forms).sum())
    progress = ProgressPrinter("Profile interval", n_intervals, verbose=verbose)

    def report(row: int, column: int, lower: float, upper: float) -> None:
        which = f"{table.terms[column]} of {table.classes[row]}"
        progress.report(which, f"{number(lower, _DECIMALS)} to {number(upper, _DECIMALS)}")

    return profile_intervals(estimate, self._coding, self.base, self.level, report)


def profiled(self: Facts, *, verbose: int = False) -> Coefficients:
    """Return the coefficients with profile intervals and likelihood-ratio tests, in place of Wald's.

    z is the signed root of the likelihood ratio of this coefficient against 0, which is finite where the estimate
    is not, and its p-value is below 1 - level just where 0 is outside the interval.

    Parameters
    ----------
    verbose : bool or int, default=False
        Print a line for each interval, once it is there: each takes several fits.

    Returns
    -------
    Coefficients
        Their `lower` and `upper` are those of ``confidence_intervals("profile")``; standard errors stay.

    Raises
    ------
    ValueError
        As `confidence_intervals` does.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> print(infer(SoftmaxGLM(alpha=0).fit(X, y), X, y).profiled())
                 estimate  std. error       z  p-value    2.5%   97.5%
    ------------------------------------------------------------------
    1 vs 0
      Intercept    66.32        9.48    12.01  <0.0001  49.48   86.80
      x0           -5.088       0.726  -12.00  <0.0001  -6.653  -3.798
      x1            0.055       0.335    0.17   0.8687  -0.609   0.721
    2 vs 0
      Intercept    25.94        7.18     4.02  <0.0001  12.72   41.18
      x0           -2.174       0.540   -4.62  <0.0001  -3.327  -1.187
      x1            1.210       0.263    5.39  <0.0001   0.729   1.765
    """
    lower, upper = confidence_intervals(self, "profile", verbose=verbose)
    z = signed_roots(self.estimate, self._coding, self.base)
    p_value = 2.0 * stats.norm.sf(np.abs(z))
    # Signed roots are referred to the normal distribution, whatever that of Wald's tests is.
    return replace(self.coefficients, z=z, p_value=p_value, lower=lower, upper=upper, degrees_of_freedom=None)


# The products are small and many: more threads would mostly wait for each other.
@one_blas_thread
def profile_intervals(
    estimate: Estimate, coding: Coding, base: int, level: float, report: Callable[[int, int, float, float], None]
) -> FloatArray:
    """Return the lower and the upper ends, shape (2, K - 1, n_terms): NaN where columns are collinear.

    Parameters
    ----------
    estimate : Estimate
        Without a penalty.
    coding : Coding
        Of the same, against the base class.
    base : int
    level : float
    report : callable
        Called as ``report(row, column, lower, upper)`` with each interval, once it is there.
    """
    classes = contrast_forms(estimate.n_classes, base) @ estimate.class_forms
    ends = np.full((2, *coding.estimates.shape), np.nan)
    report = blas_as_found(report)
    for row, column, limit in _determined(estimate, coding):
        lower, upper = profile_interval(estimate, classes[row], estimate.term_forms[column], level, limit)
        ends[:, row, column] = lower, upper
        report(row, column, lower, upper)
    return ends


@one_blas_thread
def signed_roots(estimate: Estimate, coding: Coding, base: int) -> FloatArray:
    """Return the signed roots of the likelihood ratios of each coefficient against 0, shape (K - 1, n_terms).

    Parameters
    ----------
    estimate, coding, base
        As `profile_intervals` takes them.
    """
    classes = contrast_forms(estimate.n_classes, base) @ estimate.class_forms
    roots = np.full(coding.estimates.shape, np.nan)
    for row, column, limit in _determined(estimate, coding):
        roots[row, column] = signed_root(estimate, classes[row], estimate.term_forms[column], limit)
    return roots


def _determined(estimate: Estimate, coding: Coding) -> Iterator[tuple[int, int, float]]:
    """Yield the coefficients that the rows determine, and where each tends to: 0 for a finite limit, NaN for either."""
    limits = np.where(np.isinf(coding.estimates), coding.estimates, 0.0)
    limits[coding.may_go_either_way] = np.nan
    known = np.broadcast_to(estimate.row_space.estimable(estimate.term_forms), limits.shape)
    for row, column in np.argwhere(known).tolist():
        yield row, column, float(limits[row, column])
