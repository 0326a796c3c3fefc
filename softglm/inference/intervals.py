"""Profile intervals of the coefficients, each of them by fits of its own."""

from collections.abc import Callable

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import blas_as_found, one_blas_thread
from softglm.inference.coding import Coding
from softglm.inference.estimate import Estimate
from softglm.inference.forms import contrast_forms
from softglm.inference.profile import profile_interval


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
    known = estimate.estimable_terms(estimate.term_forms)
    limits = np.where(np.isinf(coding.estimates), coding.estimates, 0.0)
    limits[coding.may_go_either_way] = np.nan
    ends = np.full((2, *coding.estimates.shape), np.nan)
    report = blas_as_found(report)
    for row, column in np.argwhere(np.broadcast_to(known, coding.estimates.shape)).tolist():
        lower, upper = profile_interval(estimate, classes[row], estimate.term_forms[column], level, limits[row, column])
        ends[:, row, column] = lower, upper
        report(row, column, lower, upper)
    return ends
