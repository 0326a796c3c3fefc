"""The coefficients, not only the loss, are those of the optimum."""

import numpy as np
import pytest
from dense_newton import in_columns, truth_of
from fits import SAME_OPTIMUM, TABLE, UNDERESTIMATED, fit_data, standardised
from problems import PROBLEMS, Data

from softglm.status import Status


@pytest.mark.parametrize(("name", "alpha"), TABLE)
def test_the_coefficients_are_exact_too(name, alpha):
    _, optimum, _ = truth_of(name, alpha)
    data = PROBLEMS[name]()
    result = fit_data(data, alpha)
    np.testing.assert_allclose(
        standardised(in_columns(result.coef), data), standardised(optimum.coef, data), **SAME_OPTIMUM
    )


@pytest.mark.parametrize("tol", [1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_distance_to_the_optimum_is_about_the_tolerance_too(name, tol):
    truth, optimum, null_value = truth_of(name, 1.0)
    result = fit_data(PROBLEMS[name](), 1.0, tol=tol)
    relative = (truth.value(result.coef, result.intercept) - optimum.value) / (null_value - optimum.value)
    assert relative <= UNDERESTIMATED * tol**2


@pytest.mark.parametrize(("name", "alpha"), TABLE)
def test_coefficients_and_intercepts_sum_to_zero_over_the_classes(name, alpha):
    data = PROBLEMS[name]()
    if data.n_classes == 2:
        pytest.skip("two classes have one natural parameter")
    result = fit_data(data, alpha)
    np.testing.assert_allclose(standardised(result.coef, data).sum(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(result.intercept.sum() / abs(result.intercept).max(), 0.0, atol=1e-12)


def test_wide_mixed_labels_have_a_moderate_estimate():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 50))
    result = fit_data(Data(X, rng.dirichlet([2.0, 2.0, 2.0], size=20)), 0.0)
    assert result.status is Status.CONVERGED
    assert abs(result.coef).max() < 10.0
