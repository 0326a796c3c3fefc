"""Where many coefficients are as good, those of minimum norm in standardised coordinates are given, and it is said."""

import numpy as np
import pytest
from fits import SAME_OPTIMUM, fit_data, fit_rows, spread_of, standardised
from problems import PROBLEMS, SEPARATED, Data, collinear, constant_column, rows_and_family

from softglm.data import RowsInMemory
from softglm.families import Gaussian
from softglm.fit import Start
from softglm.status import Status


@pytest.mark.parametrize("make", [collinear, constant_column])
def test_of_many_optima_the_one_of_minimum_norm_in_standardised_coordinates_is_chosen(make):
    data = make()
    result = fit_data(data, 0.0)
    assert result.status is Status.CONVERGED
    assert not result.is_unique
    rows = (data.X - data.X.mean(axis=0)) / spread_of(data)
    coef = standardised(result.coef, data)
    np.testing.assert_allclose(np.linalg.pinv(rows, rcond=1e-10) @ rows @ coef, coef, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("make", [collinear, constant_column])
def test_the_optimum_of_minimum_norm_does_not_depend_on_the_start(make):
    data = make()
    cold = fit_data(data, 0.0)
    rng = np.random.default_rng(0)
    warm = fit_data(data, 0.0, start=Start(rng.normal(size=cold.coef.shape), cold.intercept))
    np.testing.assert_allclose(warm.coef, cold.coef, **SAME_OPTIMUM)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_wide_least_squares_is_of_minimum_norm_in_standardised_coordinates(fit_intercept):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 50)) * np.logspace(-2.0, 2.0, 50), rng.normal(size=20)
    center = X.mean(axis=0) * fit_intercept
    spread = np.sqrt(np.mean((X - center) ** 2, axis=0))
    expected = np.linalg.pinv((X - center) / spread) @ (y - y.mean() * fit_intercept) / spread
    result = fit_rows(RowsInMemory(X, y), Gaussian(), 0.0, fit_intercept=fit_intercept)
    assert result.status is Status.CONVERGED
    assert not result.is_unique
    np.testing.assert_allclose(result.coef[:, 0] * spread, expected * spread, **SAME_OPTIMUM)


@pytest.mark.parametrize("name", ["overlapping", "badly_scaled", "wide"])
def test_the_optimum_is_unique_with_a_penalty_or_full_rank(name):
    assert fit_data(PROBLEMS[name](), 1.0).is_unique
    if name not in SEPARATED:
        assert fit_data(PROBLEMS[name](), 0.0).is_unique


@pytest.mark.parametrize("n_classes", [2, 3])
def test_without_columns_that_vary_and_without_an_intercept_nothing_is_left_to_fit(n_classes):
    y = np.arange(6, dtype=np.int32) % n_classes
    rows, family = rows_and_family(Data(np.zeros((6, 8)), y))
    result = fit_rows(rows, family, 0.1, fit_intercept=False)
    assert result.status is Status.CONVERGED
    assert not result.coef.any()
