"""Every fit ends, reports its iterations, and says why it ended."""

import numpy as np
import pytest
from dense_newton import SoftmaxRegression
from fits import RESOLUTION, TOO_LARGE_FOR_THE_HESSIAN, fit_data, fit_rows
from problems import many_classes, overlapping, poisson_rows, real_data, wide

from softglm.data import RowsInMemory
from softglm.families import Poisson
from softglm.status import Status
from softglm.tuning import Tuning


def test_the_precision_of_the_arithmetic_ends_the_fit():
    result = fit_data(overlapping(), 1.0, tol=1e-300)
    assert result.status is Status.PRECISION
    assert result.n_evaluations < 1000


def test_where_the_hessian_does_not_fit_the_precision_of_the_arithmetic_ends_the_fit():
    result = fit_data(overlapping(), 1.0, tol=1e-300, tuning=Tuning(**TOO_LARGE_FOR_THE_HESSIAN))
    assert result.status is Status.PRECISION
    assert result.n_evaluations < 1000


@pytest.mark.parametrize("make", [many_classes, wide])
def test_every_iteration_is_reported_with_the_predictor_there(make):
    data, seen = make(), []
    result = fit_data(data, 1.0, report=lambda *state: seen.append(state))
    assert [progress.iteration for progress, _, _ in seen] == [*range(1, result.n_iterations + 1)]
    truth = SoftmaxRegression(data, 1.0 / data.total_weight)
    for progress, coef, intercept in seen:
        assert coef.shape == result.coef.shape
        np.testing.assert_allclose(truth.value(coef, intercept), progress.value, rtol=0.0, atol=RESOLUTION)


@pytest.mark.parametrize("alpha", [1.0, 0.0])
def test_out_of_iterations_is_said(alpha):
    result = fit_data(real_data("wine"), alpha, max_iter=1)
    assert result.n_iterations == 1
    assert result.status is (Status.ITERATIONS if alpha else Status.SEPARATED)


def test_an_offset_too_large_for_the_arithmetic_is_said():
    rows, family = poisson_rows(offset=np.full((100, 1), 800.0))
    assert fit_rows(rows, family, 0.1, fit_intercept=False).status is Status.NON_FINITE


def test_heavy_tails_and_no_intercept_do_not_stop_a_poisson_regression():
    rng = np.random.default_rng(3)
    X = rng.standard_t(2, size=(20_000, 6))
    t = rng.poisson(np.exp(np.clip(X @ rng.normal(size=6) * 0.3, -5.0, 8.0))).astype(np.float64)
    assert fit_rows(RowsInMemory(X, t), Poisson(), 1.0 / 20_000, fit_intercept=False).status is Status.CONVERGED
