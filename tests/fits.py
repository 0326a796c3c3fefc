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
