"""Profile intervals of the coefficients, each of them by fits of its own."""

import numpy as np

from softglm.arrays import FloatArray
from softglm.inference.coding import Coding
from softglm.inference.estimate import Estimate
from softglm.inference.forms import contrast_forms
from softglm.inference.profile import profile_interval


def profile_intervals(estimate: Estimate, coding: Coding, base: int, level: float) -> FloatArray:
    """Return the lower and the upper ends, shape (2, K - 1, n_terms): NaN where columns are collinear.

    Parameters
    ----------
    estimate : Estimate
        Without a penalty.
    coding : Coding
        Of the same, against the base class.
    base : int
    level : float
    """
    classes = contrast_forms(estimate.n_classes, base) @ estimate.class_forms
    known = estimate.estimable_terms(estimate.term_forms)
    limits = np.where(np.isinf(coding.estimates), coding.estimates, 0.0)
    limits[coding.may_go_either_way] = np.nan
    ends = np.full((2, *coding.estimates.shape), np.nan)
    for row, class_form in enumerate(classes):
        for column in np.flatnonzero(known):
            term_form, limit = estimate.term_forms[column], limits[row, column]
            ends[:, row, column] = profile_interval(estimate, class_form, term_form, level, limit)
    return ends
