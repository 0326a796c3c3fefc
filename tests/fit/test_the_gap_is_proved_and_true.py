"""What a fit promises first: the gap that it states is proved, and is not below the true one."""

import numpy as np
import pytest
from dense_newton import SoftmaxRegression, truth_of
from fits import (
    ALPHAS_TIMES_WEIGHT,
    CONVERTED,
    FAR,
    IN_DOUBLE_PRECISION,
    IN_SINGLE_PRECISION,
    MOST_EVALUATIONS,
    RESOLUTION,
    SAMPLED,
    TABLE,
    TOL,
    TOO_LARGE_FOR_THE_HESSIAN,
    TOO_MANY_FEATURES,
    fit_data,
)
from problems import OVERLAPPING, PROBLEMS, Data, drawn_classes, real_data

from softglm.data import RowsInMemory
from softglm.families import Bernoulli
from softglm.fit import fit
from softglm.model import Ridge
from softglm.solver import GapKind
from softglm.status import Status
from softglm.tuning import Tuning

# The way of few rows, and others.
PASSES = {
    "as they come": {},
    "in single precision": IN_SINGLE_PRECISION,
    "in double precision": IN_DOUBLE_PRECISION,
    "converted for each pass": CONVERTED,
    "converted for each pass, about the center": FAR,
    "Hessians sampled, in single precision": SAMPLED,
    "Hessians sampled, in double precision": SAMPLED | IN_DOUBLE_PRECISION,
    "Hessians sampled, of converted rows": SAMPLED | CONVERTED,
    "Hessians sampled, of rows converted about the center": SAMPLED | FAR,
}


@pytest.mark.parametrize("way", PASSES.values(), ids=PASSES)
@pytest.mark.parametrize(("name", "alpha"), TABLE)
def test_the_gap_is_proved_and_true_however_the_passes_are_made(name, alpha, way):
    truth, optimum, null_value = truth_of(name, alpha)
    result = fit_data(PROBLEMS[name](), alpha, tuning=Tuning(**way))
    assert result.status is Status.CONVERGED
    proofs = {GapKind.STRONG_CONVEXITY, GapKind.SELF_CONCORDANCE} if alpha else {GapKind.SELF_CONCORDANCE}
    assert result.gap_kind in proofs
    assert result.relative_gap < TOL
    true_gap = truth.value(result.coef, result.intercept) - optimum.value
    assert true_gap <= result.gap + RESOLUTION
    np.testing.assert_allclose(result.loss, optimum.value, rtol=0.0, atol=RESOLUTION)
    np.testing.assert_allclose(result.null_loss, null_value, rtol=0.0, atol=RESOLUTION)
    assert result.n_evaluations <= MOST_EVALUATIONS


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


@pytest.mark.parametrize(("name", "alpha"), [(name, alpha) for name, alpha in TABLE if alpha <= 1.0])
def test_with_too_many_features_to_decompose_the_gap_is_proved_and_true(name, alpha):
    truth, optimum, _ = truth_of(name, alpha)
    result = fit_data(PROBLEMS[name](), alpha, tuning=Tuning(**TOO_MANY_FEATURES))
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


@pytest.mark.parametrize("name", PROBLEMS)
def test_where_the_hessian_does_not_fit_strong_convexity_bounds_the_gap(name):
    truth, optimum, _ = truth_of(name, 1.0)
    result = fit_data(PROBLEMS[name](), 1.0, tuning=Tuning(**TOO_LARGE_FOR_THE_HESSIAN))
    assert result.status is Status.CONVERGED
    assert result.gap_kind is GapKind.STRONG_CONVEXITY
    assert result.relative_gap < TOL
    true_gap = truth.value(result.coef, result.intercept) - optimum.value
    assert true_gap <= result.gap + RESOLUTION
    assert result.n_evaluations <= MOST_EVALUATIONS


@pytest.mark.parametrize("name", OVERLAPPING)
def test_where_nothing_can_be_proved_the_estimate_is_said_to_be_one(name):
    truth, optimum, null_value = truth_of(name, 0.0)
    result = fit_data(PROBLEMS[name](), 0.0, tuning=Tuning(**TOO_LARGE_FOR_THE_HESSIAN))
    assert result.gap_kind is GapKind.ESTIMATE
    true_gap = truth.value(result.coef, result.intercept) - optimum.value
    assert true_gap <= TOL * (null_value - optimum.value)


def test_without_a_hessian_nothing_is_promised_where_some_coefficients_are_free_and_may_separate():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    rows = RowsInMemory(X, (X[:, 0] > 0.0).astype(np.float64))
    penalty = Ridge(np.array([0.0, 0.1, 0.1, 0.0]))
    assert fit(rows, Bernoulli(), penalty, tuning=Tuning(**TOO_LARGE_FOR_THE_HESSIAN)).status is not Status.CONVERGED


@pytest.mark.parametrize("alpha", [1.0, 1e-2])
def test_of_wide_tables_of_dummies_beside_large_amounts_too(alpha):
    rng = np.random.default_rng(0)
    levels = [np.identity(count)[rng.integers(count, size=60)] for count in (50, 30)]
    amounts = rng.normal([5000.0, 3000.0, 200.0], [600.0, 600.0, 15.0], size=(60, 3))
    y = drawn_classes(rng, (amounts - amounts.mean(axis=0)) @ rng.normal(size=(3, 3)) / 300.0)
    data = Data(np.hstack([*levels, amounts]), y)
    result, truth = fit_data(data, alpha), SoftmaxRegression(data, alpha / data.total_weight)
    assert result.status is Status.CONVERGED
    assert truth.value(result.coef, result.intercept) - truth.optimum().value <= result.gap + RESOLUTION
