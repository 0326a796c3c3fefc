"""From wherever it starts, a fit ends at the same optimum, and near it soon."""

import numpy as np
import pytest
from fits import RESOLUTION, SAME_OPTIMUM, fit_data, standardised
from problems import PROBLEMS, Data, two_classes
from scipy import sparse

from softglm.data import RowsInMemory
from softglm.families import Categorical
from softglm.fit import Start, fit
from softglm.model import Ridge
from softglm.status import Status


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_start_at_the_optimum_stays_there(name):
    data = PROBLEMS[name]()
    cold = fit_data(data, 1.0)
    warm = fit_data(data, 1.0, start=Start(cold.coef, cold.intercept))
    assert warm.status is Status.CONVERGED
    assert warm.n_iterations <= 2
    np.testing.assert_allclose(standardised(warm.coef, data), standardised(cold.coef, data), **SAME_OPTIMUM)
    np.testing.assert_allclose(warm.loss, cold.loss, atol=RESOLUTION)


@pytest.mark.parametrize("name", ["overlapping", "two_classes", "wide", "constant_column"])
def test_a_start_elsewhere_gives_the_same_fit(name):
    cold = fit_data(PROBLEMS[name](), 1.0)
    rng = np.random.default_rng(0)
    start = Start(rng.normal(size=cold.coef.shape), rng.normal(size=cold.intercept.shape))
    before = start.coef.copy()
    warm = fit_data(PROBLEMS[name](), 1.0, start=start)
    assert warm.status is Status.CONVERGED
    np.testing.assert_array_equal(start.coef, before)
    np.testing.assert_allclose(warm.coef, cold.coef, **SAME_OPTIMUM)
    np.testing.assert_allclose(warm.loss, cold.loss, atol=RESOLUTION)
    np.testing.assert_allclose(warm.penalty, cold.penalty, atol=RESOLUTION)


def test_a_start_on_a_column_that_no_longer_varies_forgets_its_coefficient():
    data = two_classes()
    before = fit_data(data, 1.0)
    X = data.X.copy()
    X[:, 3] = 1.0
    start = Start(before.coef, before.intercept)
    warm, cold = fit_data(Data(X, data.y), 1.0, start=start), fit_data(Data(X, data.y), 1.0)
    assert warm.status is Status.CONVERGED
    assert not warm.coef[3].any()
    np.testing.assert_allclose(warm.loss, cold.loss, atol=RESOLUTION)


def test_the_first_step_from_the_null_model_is_not_longer_than_the_information_lasts():
    # More columns than rows, of unit variance: a Newton step from the null model fits each row by some 100 nats.
    rng = np.random.default_rng(0)
    dense, y = rng.random((300, 3000)) * (rng.random((300, 3000)) < 0.01), rng.integers(0, 3, size=300)
    X = sparse.csr_array(dense / np.sqrt(np.square(dense).mean(axis=0).clip(1e-6)))
    penalty = Ridge.on_coefficients(1.0 / 300, 3000, fit_intercept=True)
    values = []
    result = fit(
        RowsInMemory(X, y.astype(np.int32)),
        Categorical(3),
        penalty,
        tol=1e-6,
        report=lambda _, coef, intercept: values.append(np.abs(X @ coef + intercept).max()),
    )
    assert result.status is Status.CONVERGED
    assert values[0] <= 10.0
    assert result.n_evaluations <= 25
