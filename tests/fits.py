"""Fits by the numeric core alone, and how close to the truth they have to be."""

import numpy as np
from problems import OVERLAPPING, PROBLEMS, rows_and_family

from softglm.fit import Fit, fit
from softglm.model import Ridge

# What `tol` promises by default.
TOL = 1e-8
# Parity asked for by the specification of the package.
PARITY = {"rtol": 1e-6, "atol": 1e-6}
# The distance to the optimum is 1e-8 of that from the null model; the curvature it is measured in is 1e-4 at least.
SAME_OPTIMUM = {"rtol": 1e-6, "atol": 1e-7}
# Two values of f of order 1 that differ by rounding, of terms a hundred times as large where columns are off-centre.
RESOLUTION = 5e-13
MOST_EVALUATIONS = 150
# The gap is estimated by the metric at hand, which may be less curved than the loss.
UNDERESTIMATED = 10.0

# Values of `Tuning` that lead the fits of small problems the ways of large ones; joined by |.
# Every problem counts as one whose exact Hessian does not fit.
TOO_LARGE_FOR_THE_HESSIAN = {"hessian_parameters": 0}
# No rows are few; those of dense arrays are copied in single precision.
IN_SINGLE_PRECISION = {"held_numbers": 0}
# Nor is single precision used.
IN_DOUBLE_PRECISION = IN_SINGLE_PRECISION | {"in_single_precision": False}
# Every problem counts as one of many rows, which are not copied but converted each time.
CONVERTED = IN_SINGLE_PRECISION | {"copied_entries": 0}
# And lie far from zero.
FAR = CONVERTED | {"near": -1.0}
# A part of the rows tells enough to begin with; few rows, which are held, are never sampled.
SAMPLED = IN_SINGLE_PRECISION | {"rows_per_feature": 2, "least_sample": 8, "few_entries": 0}
# The penalty proves nothing.
NO_STRONG_CONVEXITY = {"is_dual": False}
# The features are too many for an eigendecomposition, where that is not needed for the rank; and so are the rows.
TOO_MANY_FEATURES = {"decomposed_features": 0, "reduced_rows": 0}

ALPHAS_TIMES_WEIGHT = [0.01, 1.0, 100.0]
TABLE = [(name, alpha) for name in PROBLEMS for alpha in ALPHAS_TIMES_WEIGHT]
TABLE += [(name, 0.0) for name in OVERLAPPING]


def fit_rows(rows, family, alpha, *, fit_intercept=True, **options) -> Fit:
    penalty = Ridge.on_coefficients(alpha, rows.n_features, fit_intercept=fit_intercept)
    return fit(rows, family, penalty, fit_intercept=fit_intercept, **options)


def fit_data(data, alpha_times_weight, **options) -> Fit:
    return fit_rows(*rows_and_family(data), alpha_times_weight / data.total_weight, **options)


def spread_of(data):
    """The standard deviation of each column; 1 for a constant one."""
    spread = data.dense.std(axis=0)
    return np.where(spread < 1e-12, 1.0, spread)


def standardised(coef, data):
    """The coefficients of columns of unit variance."""
    return coef * spread_of(data)[:, np.newaxis]
