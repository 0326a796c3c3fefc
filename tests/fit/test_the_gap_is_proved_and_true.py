"""What a fit promises first: the gap that it states is proved, and is not below the true one."""

import numpy as np
import pytest
from dense_newton import SoftmaxRegression, truth_of
from fits import ALPHAS_TIMES_WEIGHT, MOST_EVALUATIONS, RESOLUTION, TABLE, TOL, fit_data
from problems import OVERLAPPING, PROBLEMS, real_data

from softglm.data import RowsInMemory
from softglm.families import Bernoulli
from softglm.fit import fit
from softglm.model import Ridge
from softglm.solver import GapKind, Status


@pytest.mark.parametrize(("name", "alpha"), TABLE)
def test_the_gap_is_proved_and_true(name, alpha):
    truth, optimum, null_value = truth_of(name, alpha)
    result = fit_data(PROBLEMS[name](), alpha)
    assert result.status is Status.CONVERGED
    assert result.gap_kind in (
        {GapKind.STRONG_CONVEXITY, GapKind.SELF_CONCORDANCE} if alpha else {GapKind.SELF_CONCORDANCE}
    )
    assert result.relative_gap < TOL
    true_gap = truth.value(result.coef, result.intercept) - optimum.value
    assert true_gap <= result.gap + RESOLUTION
    np.testing.assert_allclose(result.loss, optimum.value, rtol=0.0, atol=RESOLUTION)
    np.testing.assert_allclose(result.null_loss, null_value, rtol=0.0, atol=RESOLUTION)
    assert result.n_evaluations <= MOST_EVALUATIONS


# The fixtures that lead a fit another way than that of few rows.
PASSES = {
    "in single precision": ["in_single_precision"],
    "in double precision": ["in_double_precision"],
    "converted for each pass": ["converted"],
    "converted for each pass, about the center": ["far"],
    "Hessians sampled, in single precision": ["sampled"],
    "Hessians sampled, in double precision": ["sampled", "in_double_precision"],
    "Hessians sampled, of converted rows": ["sampled", "converted"],
    "Hessians sampled, of rows converted about the center": ["sampled", "far"],
}


@pytest.mark.parametrize("fixtures", PASSES.values(), ids=PASSES)
@pytest.mark.parametrize(("name", "alpha"), TABLE)
def test_the_gap_is_proved_and_true_however_the_passes_are_made(name, alpha, fixtures, request):
    for fixture in fixtures:
        request.getfixturevalue(fixture)
    test_the_gap_is_proved_and_true(name, alpha)


@pytest.mark.parametrize("name", [name for name in PROBLEMS if name != "badly_scaled"])
def test_without_an_intercept_the_gap_is_proved_and_true(name):
    data = PROBLEMS[name]()
    truth = SoftmaxRegression(data, 1.0 / data.total_weight, fit_intercept=False)
    result = fit_data(data, 1.0, fit_intercept=False)
    assert result.status is Status.CONVERGED
    assert not result.intercept.any()
    true_gap = truth.value(result.coef, result.intercept) - truth.optimum().value
    assert true_gap <= result.gap + RESOLUTION
    np.testing.assert_allclose(result.null_loss, truth.null_value(), atol=RESOLUTION)


@pytest.mark.usefixtures("too_many_features")
@pytest.mark.parametrize(("name", "alpha"), [(name, alpha) for name, alpha in TABLE if alpha <= 1.0])
def test_with_too_many_features_to_decompose_the_gap_is_proved_and_true(name, alpha):
    truth, optimum, _ = truth_of(name, alpha)
    result = fit_data(PROBLEMS[name](), alpha)
    assert result.status is Status.CONVERGED
    assert result.is_unique == (name not in {"collinear", "constant_column"} or alpha > 0.0)
    true_gap = truth.value(result.coef, result.intercept) - optimum.value
    assert true_gap <= result.gap + RESOLUTION
    assert result.n_evaluations <= MOST_EVALUATIONS


@pytest.mark.parametrize("name", ["iris", "wine"])
@pytest.mark.parametrize("alpha", ALPHAS_TIMES_WEIGHT)
def test_the_gap_of_real_raw_data_is_true(name, alpha):
    data = real_data(name)
    truth = SoftmaxRegression(data, alpha / data.total_weight)
    result = fit_data(data, alpha)
    assert result.relative_gap < TOL
    true_gap = truth.value(result.coef, result.intercept) - truth.optimum().value
    assert true_gap <= result.gap + RESOLUTION


@pytest.mark.parametrize("name", ["iris", "wine", "digits"])
def test_real_raw_data_take_few_evaluations(name):
    result = fit_data(real_data(name), 1.0)
    assert result.status is Status.CONVERGED
    assert result.gap_kind is not GapKind.ESTIMATE
    assert result.relative_gap < TOL
    assert result.n_evaluations <= MOST_EVALUATIONS


@pytest.mark.usefixtures("too_large_for_the_hessian")
@pytest.mark.parametrize("name", PROBLEMS)
def test_where_the_hessian_does_not_fit_strong_convexity_bounds_the_gap(name):
    truth, optimum, _ = truth_of(name, 1.0)
    result = fit_data(PROBLEMS[name](), 1.0)
    assert result.status is Status.CONVERGED
    assert result.gap_kind is GapKind.STRONG_CONVEXITY
    assert result.relative_gap < TOL
    true_gap = truth.value(result.coef, result.intercept) - optimum.value
    assert true_gap <= result.gap + RESOLUTION
    assert result.n_evaluations <= MOST_EVALUATIONS


@pytest.mark.usefixtures("too_large_for_the_hessian")
@pytest.mark.parametrize("name", OVERLAPPING)
def test_where_nothing_can_be_proved_the_estimate_is_said_to_be_one(name):
    truth, optimum, null_value = truth_of(name, 0.0)
    result = fit_data(PROBLEMS[name](), 0.0)
    assert result.gap_kind is GapKind.ESTIMATE
    true_gap = truth.value(result.coef, result.intercept) - optimum.value
    assert true_gap <= TOL * (null_value - optimum.value)


@pytest.mark.usefixtures("too_large_for_the_hessian")
def test_without_a_hessian_nothing_is_promised_where_some_coefficients_are_free_and_may_separate():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    rows = RowsInMemory(X, (X[:, 0] > 0.0).astype(np.float64))
    assert fit(rows, Bernoulli(), Ridge(np.array([0.0, 0.1, 0.1, 0.0]))).status is not Status.CONVERGED
