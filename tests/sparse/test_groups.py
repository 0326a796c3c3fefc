"""Fits whose coefficients leave 0 in groups: of one column over the classes, or of several columns."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, load_wine

from softglm.data import RowsInMemory
from softglm.families import Bernoulli, Categorical
from softglm.fit import prepare, solve
from softglm.model.penalties import ElasticNet, GroupElasticNet, SparseGroup
from softglm.status import Status
from softglm.sweep import sweep

# Proved, of F over that of the null model: rounding leaves about 3e-10 of the digits unproved.
TOL = 1e-9
# An error in the coefficients is of the order of the root of a gap, so that is one in the slopes.
STATIONARY = 3e-5
# Of two fits that are the same in other words, each with a gap of its own.
SAME = 1e-4
# glmnet 4.1.6 at thresh = 1e-14, type.multinomial = "grouped", lambda = 0.05, columns divided by their standard
# deviations over n; the lambda from which on nothing enters.
IRIS_EXPLAINED = {1.0: 0.786003042737, 0.5: 0.743194977844}
IRIS_LARGEST = 0.560170128639
# The digits that are printed.
PRINTED = 1e-9


def standardised(load):
    X, y = load(return_X_y=True)
    varies = X.std(axis=0) > 0.0
    return (X[:, varies] - X[:, varies].mean(axis=0)) / X[:, varies].std(axis=0), y.astype(np.int32)


def with_factors(n=240, seed=0):
    """Two factors of four levels each, as dummies without the first, of which one does not matter, and two numbers."""
    rng = np.random.default_rng(seed)
    levels, numbers = rng.integers(0, 4, size=(n, 2)), rng.normal(size=(n, 2))
    dummies = np.concatenate([levels[:, [f]] == np.arange(1, 4) for f in range(2)], axis=1)
    eta = np.eye(4)[levels[:, 0]] @ rng.normal(size=(4, 3)) + numbers[:, :1] * [1.0, 0.0, -1.0]
    y = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1)
    X = np.concatenate([dummies, numbers], axis=1)
    return X / X.std(axis=0), y.astype(np.int32), np.array([0, 0, 0, 1, 1, 1, 2, 3], dtype=np.int32)


def prepared(X, y):
    K = int(y.max()) + 1
    return prepare(RowsInMemory(X, y), Bernoulli() if K == 2 else Categorical(K))


def grouped(alpha, codes, l1_ratio=1.0):
    return GroupElasticNet.on_coefficients(alpha, l1_ratio, np.ones(len(codes)), codes, fit_intercept=True)


def each(p):
    return np.arange(p, dtype=np.int32)


def slopes(X, y, coef, intercept):
    """The mean negative log-likelihood and its gradient in coefficients and intercepts, in plain NumPy."""
    eta = X @ coef + intercept
    K = int(y.max()) + 1
    if K == 2:
        eta = np.concatenate([np.zeros_like(eta), eta], axis=1)
    largest = eta.max(axis=1, keepdims=True)
    mean = np.exp(eta - largest)
    log_sum = np.log(mean.sum(axis=1)) + largest[:, 0]
    residual = (mean / mean.sum(axis=1, keepdims=True) - np.eye(K)[y])[:, int(K == 2) :]
    loss = (log_sum - eta[np.arange(len(y)), y]).mean()
    return loss, X.T @ residual / len(y), residual.mean(axis=0)


def violation(X, y, fit, codes, group_l1, l1, ridge):
    """The largest distance from 0 of the subdifferential of F in any group, or in the intercepts."""
    _, gradient, constant = slopes(X, y, fit.coef, fit.intercept)
    gradient = gradient + ridge[:, np.newaxis] * fit.coef
    worst = np.abs(constant).max()
    for code, strength in enumerate(group_l1):
        mine = codes == code
        b, held = fit.coef[mine], l1[mine, np.newaxis]
        soft = np.sign(gradient[mine]) * np.maximum(np.abs(gradient[mine]) - held, 0.0)
        rest = np.where(b == 0.0, soft, gradient[mine] + held * np.sign(b))
        norm = np.linalg.norm(b)
        off = np.linalg.norm(rest) - strength if norm == 0.0 else np.abs(rest + strength * b / norm).max()
        worst = max(worst, off)
    return worst


@pytest.mark.parametrize("load", [load_iris, load_wine, load_digits])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_a_sweep_satisfies_the_conditions_of_optimality(load, l1_ratio):
    X, y = standardised(load)
    codes = each(X.shape[1])
    alphas = [0.2, 0.05, 0.01]
    for alpha, fit in zip(
        alphas, sweep(prepared(X, y), [grouped(a, codes, l1_ratio) for a in alphas], tol=TOL), strict=True
    ):
        assert fit.status is Status.CONVERGED
        rest = np.full(len(codes), (1.0 - l1_ratio) * alpha)
        off = violation(X, y, fit, codes, np.full(len(codes), l1_ratio * alpha), np.zeros(len(codes)), rest)
        assert off <= STATIONARY


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_iris_is_explained_as_glmnet_says(l1_ratio):
    X, y = standardised(load_iris)
    fit = solve(prepared(X, y), grouped(0.05, each(4), l1_ratio), tol=1e-13)
    loss, _, _ = slopes(X, y, fit.coef, fit.intercept)
    assert 1.0 - loss / np.log(3.0) == pytest.approx(IRIS_EXPLAINED[l1_ratio], abs=1e-7)


def test_the_strength_from_which_on_nothing_enters_is_that_of_glmnet():
    X, y = standardised(load_iris)
    _, gradient, _ = slopes(X, y, np.zeros((4, 3)), np.zeros(3))
    largest = float(grouped(1.0, each(4)).pull(gradient).max())
    assert largest == pytest.approx(IRIS_LARGEST, rel=PRINTED)
    above, below = sweep(prepared(X, y), [grouped(largest * f, each(4)) for f in (1.0 + 1e-9, 0.99)], tol=TOL)
    assert not above.coef.any()
    assert np.count_nonzero(below.coef.any(axis=1)) == 1


@pytest.mark.parametrize("theta", [0.0, 0.3])
def test_the_dummies_of_a_factor_enter_and_leave_together(theta):
    X, y, codes = with_factors()
    alphas = np.geomspace(0.5, 1e-3, 12)
    if theta:
        penalties = [
            SparseGroup.on_coefficients(a, 1.0, theta, np.ones(len(codes)), codes, fit_intercept=True) for a in alphas
        ]
    else:
        penalties = [grouped(a, codes) for a in alphas]
    patterns = []
    for penalty, fit in zip(penalties, sweep(prepared(X, y), penalties, tol=TOL), strict=True):
        assert violation(X, y, fit, codes, penalty.group_l1, penalty.l1, np.zeros(len(codes))) <= STATIONARY
        patterns.append([fit.coef[codes == code].any() for code in range(4)])
        if not theta:
            assert all(np.all(fit.coef[codes == code] != 0.0) == patterns[-1][code] for code in range(4))
    assert not any(patterns[0])
    assert all(patterns[-1])
    # What matters is there before what does not.
    first = np.argmax(patterns, axis=0)
    assert max(first[0], first[2]) < min(first[1], first[3])


def test_of_two_classes_groups_of_one_column_are_a_lasso():
    X, y = standardised(load_wine)
    rows = prepared(X, (y == 1).astype(np.int32))
    lasso = ElasticNet.on_coefficients(0.03, 1.0, np.ones(X.shape[1]), fit_intercept=True)
    ours, theirs = solve(rows, grouped(0.03, each(X.shape[1])), tol=TOL), solve(rows, lasso, tol=TOL)
    np.testing.assert_allclose(ours.coef, theirs.coef, atol=SAME)
    assert ours.loss == pytest.approx(theirs.loss, rel=TOL)
    assert 0 < np.count_nonzero(ours.coef) < X.shape[1]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_ends_of_the_sparse_group_are_the_group_and_the_lasso(share):
    X, y, codes = with_factors()
    rows, ones = prepared(X, y), np.ones(len(codes))
    mixed = solve(rows, SparseGroup.on_coefficients(0.02, 1.0, share, ones, codes, fit_intercept=True), tol=TOL)
    lasso = ElasticNet.on_coefficients(0.02, 1.0, ones, fit_intercept=True)
    end = solve(rows, lasso if share else grouped(0.02, codes), tol=TOL)
    assert mixed.loss == pytest.approx(end.loss, rel=TOL)
    # The lasso's coefficients of a column may be shifted; not what they say of differences.
    np.testing.assert_allclose(np.diff(mixed.coef), np.diff(end.coef), atol=SAME)


def test_a_group_without_a_penalty_is_free():
    X, y, codes = with_factors()
    factors = np.where(codes == 2, 0.0, 1.0)
    penalty = GroupElasticNet.on_coefficients(10.0, 1.0, factors, codes, fit_intercept=True)
    fit = solve(prepared(X, y), penalty, tol=TOL)
    assert fit.status is Status.CONVERGED
    np.testing.assert_array_equal(fit.coef.any(axis=1), codes == 2)
    assert violation(X, y, fit, codes, penalty.group_l1, penalty.l1, np.zeros(len(codes))) <= STATIONARY


@pytest.mark.parametrize("theta", [0.0, 0.3])
def test_groups_of_standardised_columns_are_fitted_on_columns_as_they_are(theta):
    X, y, codes = with_factors()
    units = np.array([3.0, 0.5, 2.0, 1.0, 10.0, 0.1, 7.0, 0.3])
    penalty = SparseGroup.on_coefficients(0.02, 0.9, theta, np.ones(len(codes)), codes, fit_intercept=True)
    standardised_fit = solve(prepared(X, y), penalty, tol=TOL)
    fit = solve(prepared(X * units, y), penalty.in_units(units), tol=TOL)
    assert fit.loss == pytest.approx(standardised_fit.loss, rel=TOL)
    np.testing.assert_allclose(fit.coef * units[:, np.newaxis], standardised_fit.coef, atol=SAME)
