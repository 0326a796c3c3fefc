"""Profile intervals and likelihood-ratio tests of the coefficients, each of them by fits of its own."""

from collections.abc import Callable, Iterator

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import blas_as_found, one_blas_thread
from softglm.inference.coding import Coding
from softglm.inference.estimate import Estimate
from softglm.inference.forms import contrast_forms
from softglm.inference.profile import profile_interval, signed_root


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
    known = np.broadcast_to(estimate.estimable_terms(estimate.term_forms), limits.shape)
    for row, column in np.argwhere(known).tolist():
        yield row, column, float(limits[row, column])
