"""With another family the fit is that of another regression."""

import numpy as np
import pytest
from fits import PARITY, fit_rows
from problems import gaussian_rows, poisson_rows
from sklearn.linear_model import PoissonRegressor
from sklearn.linear_model import Ridge as RidgeRegressor

from softglm.data import RowsInMemory
from softglm.families import Gaussian
from softglm.status import Status


def rows_of(rows):
    X, y = rows.concatenate(lambda block: (block.X.T, block.targets))
    return X.T, y


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_parity_with_poisson_regression(weighted, fit_intercept, alpha):
    weights = np.random.default_rng(0).exponential(size=100) if weighted else None
    rows, family = poisson_rows(weights=weights)
    X, y = rows_of(rows)
    rival = PoissonRegressor(alpha=alpha, fit_intercept=fit_intercept, solver="newton-cholesky", tol=1e-10).fit(
        X, y, weights
    )
    result = fit_rows(rows, family, alpha, fit_intercept=fit_intercept)
    assert result.status is Status.CONVERGED
    np.testing.assert_allclose(result.coef[:, 0], rival.coef_, **PARITY)
    np.testing.assert_allclose(result.intercept[0], rival.intercept_, **PARITY)


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_parity_with_ridge_regression(weighted, fit_intercept, alpha):
    weights = np.random.default_rng(0).exponential(size=100) if weighted else None
    rows, family = gaussian_rows(weights=weights)
    X, y = rows_of(rows)
    # Its squared error is neither halved nor averaged.
    total = 100.0 if weights is None else weights.sum()
    rival = RidgeRegressor(alpha=alpha * total, fit_intercept=fit_intercept, solver="cholesky")
    rival.fit(X, y, weights)
    result = fit_rows(rows, family, alpha, fit_intercept=fit_intercept)
    assert result.status is Status.CONVERGED
    np.testing.assert_allclose(result.coef[:, 0], rival.coef_, **PARITY)
    np.testing.assert_allclose(result.intercept[0], rival.intercept_, **PARITY)


def test_parity_with_wide_ridge_regression():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 50)), rng.normal(size=20)
    rival = RidgeRegressor(alpha=2.0).fit(X, y)
    result = fit_rows(RowsInMemory(X, y), Gaussian(), 0.1)
    np.testing.assert_allclose(result.coef[:, 0], rival.coef_, **PARITY)
