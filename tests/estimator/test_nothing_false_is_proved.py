"""Inputs on which a fit could be wrong and yet look proved: each is right, or says that it is not."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.special import logsumexp, softmax
from sklearn.exceptions import ConvergenceWarning

from softglm import SoftmaxGLM, detect_separation

# Two ways to the same optimum, each exact to rounding; the scales of the columns cost some digits.
SAME = {"rtol": 1e-6, "atol": 1e-9}
# The rounding of two values of f of order 1.
RESOLUTION = 1e-14


def wide():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, 200))
    return rng, X, (X[:, 1] + X[:, 2] > 0.0).astype(int)


def test_a_wide_matrix_with_one_huge_column_has_the_optimum_of_its_sparse_twin():
    rng, X, y = wide()
    X = np.c_[X, 1.7e18 + rng.uniform(0.0, 1e16, 60)]  # a time in nanoseconds
    dense, twin = SoftmaxGLM().fit(X, y), SoftmaxGLM().fit(sparse.csr_array(X), y)
    assert dense.converged_
    np.testing.assert_allclose(dense.loss_, twin.loss_, **SAME)
    np.testing.assert_allclose(dense.coef_, twin.coef_, **SAME)


@pytest.mark.parametrize("size", [1e8, 1e16])
@pytest.mark.parametrize("n_features", [5, 200])
def test_a_row_of_weight_zero_counts_for_nothing_however_large(size, n_features):
    _, X, y = wide()
    X = X[:, :n_features]
    far, weights = X.copy(), np.ones(60)
    far[0], weights[0] = size, 0.0
    with_it, without = SoftmaxGLM().fit(far, y, weights), SoftmaxGLM().fit(X[1:], y[1:])
    assert with_it.converged_
    np.testing.assert_allclose(with_it.coef_, without.coef_, **SAME)


def test_digits_that_are_lost_between_collinear_columns_are_not_called_converged():
    rng = np.random.default_rng(6)
    a, z = rng.normal(size=(2, 500))
    y = z + rng.logistic(size=500) > 0.0
    with pytest.warns(UserWarning, match="precision of the arithmetic"):
        model = SoftmaxGLM(alpha=0).fit(np.c_[a, a + 1e-13 * z], y)
    assert not model.converged_
    assert model.gap_kind_ == "estimate"


def test_exactly_collinear_columns_are_called_converged():
    rng = np.random.default_rng(6)
    z = 1e5 + rng.normal(size=500)
    y = z - 1e5 + rng.logistic(size=500) > 0.0
    assert SoftmaxGLM(alpha=0).fit(np.c_[z, 2.0 * z, z], y).converged_


@pytest.mark.parametrize("size", [3e3, 3e7])
def test_offsets_of_any_size_have_the_right_null_model(size):
    rng = np.random.default_rng(7)
    z, offset = rng.normal(size=(400, 2)), np.where(np.arange(400) < 200, size, 0.0)
    y = np.where(offset > 0.0, 1, z[:, 0] + rng.logistic(size=400) > 0.0)
    model = SoftmaxGLM().fit(z, y, offset=offset)
    assert model.converged_
    # Where the offset decides, nothing is left to say: the null model is that of the other rows.
    share = y[200:].mean()
    entropy = -share * np.log(share) - (1.0 - share) * np.log(1.0 - share)
    np.testing.assert_allclose(model.null_deviance_, 400.0 * entropy, rtol=1e-6)


def test_a_warm_start_from_other_units_is_not_worse_than_none():
    _, X, y = wide()
    model = SoftmaxGLM(warm_start=True).fit(X, y)
    expected = model.coef_.copy()
    model.coef_ = 1e6 * model.coef_
    np.testing.assert_allclose(model.fit(X, y).coef_, expected, **SAME)


def test_columns_too_small_for_their_squares_count_like_any_others():
    rng = np.random.default_rng(8)
    x = rng.normal(size=300)
    y = x + rng.logistic(size=300) > 0.0
    small = rng.normal(size=300)
    model = SoftmaxGLM(alpha=0).fit(np.c_[x, 1e-156 * small], y)
    expected = SoftmaxGLM(alpha=0).fit(np.c_[x, small], y).coef_
    np.testing.assert_allclose(model.coef_ * [1.0, 1e-156], expected, **SAME)


def test_more_classes_than_separation_can_be_decided_for_are_not_called_converged():
    rng = np.random.default_rng(9)
    X, y = rng.normal(size=(600, 2)), np.arange(600) % 300
    assert SoftmaxGLM().fit(X, y).converged_
    with pytest.warns(UserWarning, match="too large to decide"):
        assert not SoftmaxGLM(alpha=0).fit(X, y).converged_


@pytest.mark.parametrize("shares", [(1.0, 1e-12, 1e-20), (1.0, 1.0, 1e-17), (1.0, 0.5, 1e-24), (1.0, 1e-15, 1e-19)])
@pytest.mark.parametrize("size", [0.0, 3.0])
@pytest.mark.parametrize("seed", [0, 7, 8])
def test_classes_of_next_to_no_weight_are_not_proved_away(seed, size, shares):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(30, 2)), np.arange(30) % 3
    weights, offset = np.array(shares)[y], size * rng.normal(size=(30, 3))
    model = SoftmaxGLM(alpha=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y, sample_weight=weights, offset=offset)
    if not model.converged_:
        return
    # The best intercepts for these coefficients, by iterative proportional fitting.
    eta, intercept, rows = X @ model.coef_.T + offset, np.zeros(3), np.arange(30)
    for _ in range(400):
        mean = weights @ softmax(eta + intercept, axis=1)
        intercept += np.log(np.bincount(y, weights) / mean)
    losses = [
        weights @ (logsumexp(predictor, axis=1) - predictor[rows, y]) / weights.sum()
        for predictor in (eta + model.intercept_, eta + intercept)
    ]
    assert 0.0 <= model.gap_ >= losses[0] - losses[1] - RESOLUTION


@pytest.mark.parametrize("seed", range(40))
def test_a_level_that_one_class_alone_has_is_separated_however_small_its_gradient_has_become(seed):
    # At 30 nats the gradient along a rare level is rounding, and so is its information: neither proves an optimum.
    rng = np.random.default_rng(seed)
    n, n_classes, n_levels = rng.integers(30, 2000), rng.integers(2, 5), rng.integers(3, 8)
    levels = rng.choice(n_levels, size=n, p=rng.dirichlet(np.full(n_levels, 0.5)))
    y = rng.integers(n_classes, size=n)
    X = np.identity(n_levels)[levels][:, 1:]
    counts = np.zeros((n_levels, n_classes))
    np.add.at(counts, (levels, y), 1.0)
    has_rows = counts.any(axis=1)
    occurs = counts.any(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = SoftmaxGLM(alpha=0).fit(X, y)
    # A table of levels by classes has finite log odds where no cell of a level that occurs is empty.
    assert model.converged_ == bool((counts[np.ix_(has_rows, occurs)] > 0.0).all())
    assert detect_separation(X, y).kind == ("none" if model.converged_ else "quasi-complete")
