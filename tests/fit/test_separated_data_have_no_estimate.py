"""Where classes are separated and nothing is penalised there is no estimate, and nothing is proved."""

import numpy as np
import pytest
from dense_newton import SoftmaxRegression
from fits import IN_SINGLE_PRECISION, RESOLUTION, TOO_LARGE_FOR_THE_HESSIAN, fit_data, fit_rows
from problems import Data, real_data, separable, wide

from softglm.data import RowsInMemory
from softglm.families import Poisson
from softglm.solver import GapKind
from softglm.status import Status
from softglm.tuning import Tuning


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_real_separated_data_have_no_maximum_likelihood_estimate(name):
    result = fit_data(real_data(name), 0.0)
    assert result.status is Status.SEPARATED
    assert result.gap_kind is GapKind.ESTIMATE
    assert np.isfinite(result.coef).all()


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_separated_data_have_no_maximum_likelihood_estimate(seed, n_classes):
    result = fit_data(separable(seed, n_classes), 0.0)
    assert result.status is Status.SEPARATED
    assert np.isfinite(result.coef).all()


def test_wide_data_are_separated_and_their_coefficients_stay_moderate():
    result = fit_data(wide(), 0.0)
    assert result.status is Status.SEPARATED
    # Columns of unit variance that explain the classes with margins of order 10.
    assert abs(result.coef).max() < 100.0


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_separated_data_have_not_converged_where_the_hessian_does_not_fit(name):
    result = fit_data(real_data(name), 0.0, tuning=Tuning(**TOO_LARGE_FOR_THE_HESSIAN))
    assert result.status is not Status.CONVERGED


def test_poisson_counts_of_zero_in_a_category_are_separated():
    dummy = np.repeat([[0.0], [1.0]], 10, axis=0)
    y = np.concatenate([np.zeros(10), np.full(10, 3.0)])
    assert fit_rows(RowsInMemory(dummy, y), Poisson(), 0.0).status is Status.SEPARATED


def with_a_category_of_one_outcome(seed):
    """Four categories, the third to be filled with one outcome alone: x of the certificate tends to 1 from above."""
    rng = np.random.default_rng(seed)
    category = rng.integers(0, 4, size=int(rng.integers(30, 400)))
    return rng, np.identity(4)[category][:, 1:], category == 2


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("seed", range(30))
def test_a_category_of_one_class_is_separated_and_rounding_proves_nothing_else(seed, n_classes):
    rng, X, pure = with_a_category_of_one_outcome(seed)
    y = rng.integers(0, n_classes, size=len(X)).astype(np.int32)
    y[pure] = 1
    assert fit_data(Data(X, y), 0.0).status is Status.SEPARATED


@pytest.mark.parametrize("seed", range(30))
def test_a_category_of_zero_counts_is_separated_and_rounding_proves_nothing_else(seed):
    rng, X, pure = with_a_category_of_one_outcome(seed)
    y = np.where(pure, 0.0, rng.poisson(2.0, size=len(X)))
    assert fit_rows(RowsInMemory(X, y), Poisson(), 0.0).status is Status.SEPARATED


def test_what_is_reported_of_separated_classes_is_in_double_precision():
    data = separable()
    result = fit_data(data, 0.0, tuning=Tuning(**IN_SINGLE_PRECISION))
    assert result.status is Status.SEPARATED
    value = SoftmaxRegression(data, 0.0).value(result.coef, result.intercept)
    np.testing.assert_allclose(result.loss, value, rtol=0.0, atol=RESOLUTION)
