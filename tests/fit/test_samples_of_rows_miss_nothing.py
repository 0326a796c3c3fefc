"""Hessians of samples of the rows lead to the optimum of all of them, and prove it."""

import numpy as np
import pytest
from dense_newton import SoftmaxRegression, truth_of
from fits import (
    IN_DOUBLE_PRECISION,
    NO_STRONG_CONVEXITY,
    PARITY,
    RESOLUTION,
    SAMPLED,
    TABLE,
    TOL,
    fit_data,
    fit_rows,
)
from problems import PROBLEMS, Data, drawn_classes, overlapping, rows_and_family

from softglm.solver import GapKind
from softglm.status import Status
from softglm.tuning import Tuning

LED_BY_SAMPLES = Tuning(**SAMPLED)
LED_BY_SAMPLES_ALONE = Tuning(**SAMPLED | IN_DOUBLE_PRECISION | NO_STRONG_CONVEXITY)


@pytest.mark.parametrize("tol", [1e-3, TOL])
@pytest.mark.parametrize(("name", "alpha"), TABLE)
def test_what_sampled_hessians_prove_alone_is_true(name, alpha, tol):
    truth, optimum, _ = truth_of(name, alpha)
    result = fit_data(PROBLEMS[name](), alpha, tol=tol, tuning=LED_BY_SAMPLES_ALONE)
    assert result.status is Status.CONVERGED
    assert result.gap_kind is GapKind.SELF_CONCORDANCE
    assert result.relative_gap < tol
    assert truth.value(result.coef, result.intercept) - optimum.value <= result.gap + RESOLUTION


def rare_column(*, n=400, seed=0):
    """A column that is 1 in four rows, all of one class, and 0 elsewhere: most samples do not see it vary."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(n, 3)), np.zeros(n)])
    y = drawn_classes(rng, X @ rng.normal(size=(4, 3)))
    rare = rng.choice(n, 4, replace=False)
    X[rare, 3], y[rare] = 1.0, 2
    return Data(X, y)


@pytest.mark.parametrize("seed", range(10))
def test_a_column_that_a_sample_does_not_see_vary_is_fitted_all_the_same(seed):
    data = rare_column(seed=seed)
    alpha = 1.0 / len(data.y)
    truth = SoftmaxRegression(data, alpha, fit_intercept=False)
    result = fit_rows(*rows_and_family(data), alpha, fit_intercept=False, tuning=LED_BY_SAMPLES)
    assert result.status is Status.CONVERGED
    assert truth.value(result.coef, result.intercept) - truth.optimum().value <= result.gap + RESOLUTION
    assert result.coef[3, 2] > 0.1


@pytest.mark.parametrize("light", [0.0, 1e-9])
@pytest.mark.parametrize("seed", range(5))
def test_where_few_rows_have_weight_they_are_the_ones_that_are_sampled(seed, light):
    data = overlapping(seed=seed)
    heavy = np.repeat(data.X, 20, axis=0), np.repeat(data.y, 20)
    weights = np.full(len(heavy[1]), light)
    weights[::20] = 1.0
    result = fit_data(Data(*heavy, weights=weights), 1.0, tuning=LED_BY_SAMPLES)
    expected = fit_data(data, 1.0, tuning=LED_BY_SAMPLES)
    assert result.status is Status.CONVERGED
    np.testing.assert_allclose(result.coef, expected.coef, **PARITY)
