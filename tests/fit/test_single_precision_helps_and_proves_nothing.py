"""Single precision does most of the work, and what it loses is counted."""

import numpy as np
import pytest
from dense_newton import SoftmaxRegression
from fits import (
    CONVERTED,
    FAR,
    IN_DOUBLE_PRECISION,
    IN_SINGLE_PRECISION,
    MOST_EVALUATIONS,
    PARITY,
    RESOLUTION,
    SAMPLED,
    TOL,
    TOO_LARGE_FOR_THE_HESSIAN,
    fit_data,
    fit_rows,
)
from problems import PROBLEMS, Data, drawn_classes, many_classes, overlapping, two_classes

from softglm.data import RowsInMemory
from softglm.families import Bernoulli, Categorical
from softglm.status import Status
from softglm.tuning import Tuning

# Rows in single precision are converted for each pass, or copied.
CONVERTED_OR_COPIED = pytest.mark.parametrize("way", [CONVERTED, IN_SINGLE_PRECISION], ids=["converted", "copied"])


@pytest.mark.parametrize("name", ["overlapping", "badly_scaled", "two_classes", "wide"])
def test_rounding_to_single_precision_is_counted_in_the_gap(name):
    data = PROBLEMS[name]()
    single = Data(data.X.astype(np.float32), data.y)
    truth = SoftmaxRegression(single, 1.0 / data.total_weight)
    optimum = truth.optimum()
    result = fit_data(single, 1.0, precision=np.float32)
    assert result.coef.dtype == result.intercept.dtype == np.float32
    assert result.status is Status.CONVERGED
    value = truth.value(result.coef, result.intercept)
    assert 0.0 < value - optimum.value <= result.gap + RESOLUTION
    np.testing.assert_allclose(result.loss, value, rtol=0.0, atol=RESOLUTION)
    assert result.relative_gap < 1e-6


def test_single_precision_that_cannot_hold_the_optimum_says_so():
    data = overlapping()
    far = Data(data.X.astype(np.float32) + np.float32(1e6), data.y)
    result = fit_data(far, 1.0, precision=np.float32)
    assert result.status is Status.ROUNDED
    assert result.relative_gap > TOL


@pytest.mark.parametrize("scale", [1e-90, 1e-50, 1e50])
def test_weights_beyond_the_range_of_single_precision_change_nothing(scale):
    data = two_classes()
    rows = RowsInMemory(data.X.astype(np.float32), data.shares[:, 1], np.full(len(data.y), scale))
    one = RowsInMemory(data.X.astype(np.float32), data.shares[:, 1])
    result, expected = (fit_rows(rows, Bernoulli(), 0.01, precision=np.float32) for rows in (rows, one))
    assert result.status is Status.CONVERGED
    assert result.n_evaluations <= 2 * expected.n_evaluations
    np.testing.assert_allclose(result.coef, expected.coef, **PARITY)


@CONVERTED_OR_COPIED
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_precision_does_most_of_the_work_and_proves_nothing(precisions, dtype, way):
    data = many_classes()
    rows = RowsInMemory(data.X.astype(dtype), data.y)
    result = fit_rows(rows, Categorical(7), 1e-3, tol=1e-4, tuning=Tuning(**way | TOO_LARGE_FOR_THE_HESSIAN))
    assert result.status is Status.CONVERGED
    single = precisions.index(np.float64)
    assert set(precisions[:single]) == {np.float32}
    assert set(precisions[single:]) == {np.float64}


@pytest.mark.parametrize("way", [IN_SINGLE_PRECISION, CONVERTED, FAR, SAMPLED, CONVERTED | SAMPLED, FAR | SAMPLED])
def test_where_single_precision_is_allowed_it_begins(precisions, way):
    fit_data(many_classes(), 1.0, tuning=Tuning(**way))
    assert precisions[0] == np.float32
    assert precisions[-1] == np.float64


@pytest.mark.parametrize("way", [IN_DOUBLE_PRECISION, SAMPLED | IN_DOUBLE_PRECISION])
def test_where_it_is_not_allowed_it_is_not_used(precisions, way):
    fit_data(many_classes(), 1.0, tuning=Tuning(**way))
    assert set(precisions) == {np.float64}


def test_where_rounding_hides_the_optimum_double_precision_takes_over_soon():
    rng = np.random.default_rng(1)
    collinear = rng.normal(size=(4000, 8)) @ (np.ones((8, 8)) + 3e-4 * rng.normal(size=(8, 8)))
    collinear /= collinear.std(axis=0)
    eta = collinear @ rng.normal(size=(8, 4)) / 3.0
    y = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1).astype(np.int32)
    rows = RowsInMemory(collinear + 2.0, y)
    result = fit_rows(rows, Categorical(4), 1e-9, tuning=Tuning(**IN_SINGLE_PRECISION))
    assert result.status is Status.CONVERGED
    assert result.n_evaluations <= 60


@CONVERTED_OR_COPIED
@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1e18, 1e30])
def test_columns_out_of_the_range_of_single_precision_do_not_matter(scale, way):
    data = many_classes()
    X = (data.X * [scale, 1.0, 1.0, 1.0]).astype(np.float32)
    rows = RowsInMemory(X, data.y)
    result = fit_rows(rows, Categorical(7), 1e-3, precision=np.float32, tuning=Tuning(**way))
    assert result.status is Status.CONVERGED
    assert result.n_evaluations > 0


def test_rounding_noise_is_not_followed_for_long():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(600, 10))
    y = drawn_classes(rng, X @ rng.normal(size=(10, 3)))
    rows, tuning = RowsInMemory(X + 2e5, y), Tuning(**IN_SINGLE_PRECISION)
    result = fit_rows(rows, Categorical(3), 1.0 / 600.0, fit_intercept=False, tuning=tuning)
    assert result.n_evaluations <= 2 * MOST_EVALUATIONS
