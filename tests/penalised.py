"""Fits under sparse penalties, and an independent judge of them."""

from functools import partial

import numpy as np
from problems import rows_and_family
from scipy.special import log_softmax, softmax

from softglm.fit import prepare
from softglm.model.penalties import Box, ElasticNet, GroupElasticNet, SparseGroup
from softglm.sweep import sweep

TOL = 1e-9


def lasso(factors, *, fit_intercept, l1_ratio=1.0):
    return ElasticNet.on_coefficients(1.0, l1_ratio, factors, fit_intercept=fit_intercept)


def grouped(factors, *, fit_intercept, l1_ratio=1.0):
    each = np.arange(len(factors), dtype=np.int32)
    return GroupElasticNet.on_coefficients(1.0, l1_ratio, factors, each, fit_intercept=fit_intercept)


def in_pairs(factors, *, fit_intercept):
    """Groups of two features, each coefficient with a kink of its own too."""
    pairs = np.arange(len(factors), dtype=np.int32) // 2
    return SparseGroup.on_coefficients(1.0, 0.9, 0.5, factors, pairs, fit_intercept=fit_intercept)


def boxed(factors, *, fit_intercept):
    p = len(factors)
    lower, upper = np.full(p, -0.1), np.full(p, 0.2)
    return Box.on_coefficients(1.0, 1.0, factors, lower, upper, fit_intercept=fit_intercept)


def rising(factors, *, fit_intercept):
    """Coefficients that are not negative; of features of factor 0 nothing else holds them."""
    p = len(factors)
    return Box.on_coefficients(1.0, 0.9, factors, np.zeros(p), np.full(p, np.inf), fit_intercept=fit_intercept)


PENALTIES = {
    "lasso": lasso,
    "elastic net": partial(lasso, l1_ratio=0.5),
    "grouped": grouped,
    "grouped with a ridge": partial(grouped, l1_ratio=0.5),
    "sparse groups of two": in_pairs,
    "box": boxed,
    "rising": rising,
}


def spread_of(data):
    spread = data.dense.std(axis=0)
    return np.where(spread < 1e-12, 1.0, spread)


def targets_of(data):
    return data.shares if data.n_classes > 2 else data.shares[:, 1:]


def likelihood_and_gradient(data, coef, intercept):
    """Return the mean negative log-likelihood, its gradient in the coefficients, and in the intercepts."""
    targets, weights = targets_of(data), data.row_weights / data.total_weight
    eta = data.dense @ coef + intercept
    if data.offset is not None:
        eta = eta + data.offset.reshape(eta.shape)
    if eta.shape[1] == 1:
        losses, mean = (np.logaddexp(0.0, eta) - targets * eta)[:, 0], 1.0 / (1.0 + np.exp(-eta))
    else:
        losses, mean = -(targets * log_softmax(eta, axis=1)).sum(axis=1), softmax(eta, axis=1)
    residual = weights[:, np.newaxis] * (mean - targets)
    return float(weights @ losses), data.dense.T @ residual, residual.sum(axis=0)


def violation_of(data, penalty, fit, *, fit_intercept):
    """Return how far a fit is from the conditions of the optimum, for columns in units of their spread."""
    _, gradient, residual = likelihood_and_gradient(data, fit.coef, fit.intercept)
    smooth = gradient + penalty.smooth.strength[: len(gradient), np.newaxis] * fit.coef
    largest = np.abs(penalty.violation(fit.coef, smooth) / spread_of(data)[:, np.newaxis]).max()
    return max(largest, np.abs(residual).max() if fit_intercept else 0.0)


def prepared_of(data, *, fit_intercept=True):
    return prepare(*rows_and_family(data), fit_intercept=fit_intercept)


def path_of(data, make, shares, *, fit_intercept=True, factors=None, tol=TOL):
    """Return penalties on columns in units of their spread, shares of the strongest, and the fits under them."""
    factors = np.ones(data.X.shape[1]) if factors is None else factors
    prepared = prepared_of(data, fit_intercept=fit_intercept)
    one = make(factors, fit_intercept=fit_intercept).in_units(spread_of(data))
    _, gradient, _ = likelihood_and_gradient(data, 0.0 * prepared.likelihood.moments.cross, null_intercept(prepared))
    strongest = float(one.pull(gradient).max()) or 0.1
    penalties = [one.times(share * strongest) for share in shares]
    return penalties, list(sweep(prepared, penalties, tol=tol))


def null_intercept(prepared):
    coef, intercept = prepared.likelihood.uncentred(prepared.null.parameters)
    return intercept if prepared.basis is None else prepared.basis.up(coef, intercept)[1]
