"""The same rows give the same fit: twice, sparse or dense, whatever the intercept takes up."""

import numpy as np
import pytest
from fits import SAME_OPTIMUM, fit_data, fit_rows
from problems import PROBLEMS, Data, badly_scaled, bernoulli_rows, poisson_rows, sparse_rows, weighted_with_offset, wide
from scipy import sparse


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_same_input_gives_the_same_bits(name):
    first, second = (fit_data(PROBLEMS[name](), 1.0) for _ in range(2))
    np.testing.assert_array_equal(first.coef, second.coef)
    np.testing.assert_array_equal(first.intercept, second.intercept)
    assert first.gap == second.gap


@pytest.mark.parametrize("make", [sparse_rows, wide])
@pytest.mark.parametrize("alpha", [0.01, 1.0])
def test_sparse_rows_give_what_dense_rows_give(make, alpha):
    data = make()
    X = sparse.csr_array(data.X)
    thin, thick = (fit_data(Data(some, data.y), alpha) for some in (X, X.toarray()))
    np.testing.assert_allclose(thin.coef, thick.coef, **SAME_OPTIMUM)
    np.testing.assert_allclose(thin.intercept, thick.intercept, **SAME_OPTIMUM)


@pytest.mark.parametrize("far", [-40.0, 40.0])
@pytest.mark.parametrize("make", [poisson_rows, bernoulli_rows])
def test_a_large_offset_that_the_intercept_takes_up_changes_nothing(make, far):
    rows, family = make(offset=np.full((100, 1), far))
    shifted, plain = (fit_rows(some, family, 0.1) for some in (rows, make()[0]))
    np.testing.assert_allclose(shifted.intercept + far, plain.intercept, **SAME_OPTIMUM)
    np.testing.assert_allclose(shifted.coef, plain.coef, **SAME_OPTIMUM)
    explained = shifted.null_loss - shifted.loss
    np.testing.assert_allclose(explained, plain.null_loss - plain.loss, **SAME_OPTIMUM)


def test_what_is_passed_is_not_modified():
    for data in (weighted_with_offset(), wide(), sparse_rows(), badly_scaled()):
        passed = [data.y, data.weights, data.offset]
        passed += [data.X.data, data.X.indices] if sparse.issparse(data.X) else [data.X]
        passed = [array for array in passed if array is not None]
        before = [array.copy() for array in passed]
        for array in passed:
            array.flags.writeable = False
        fit_data(data, 1.0)
        fit_data(data, 0.0)
        for now, then in zip(passed, before, strict=True):
            np.testing.assert_array_equal(now, then)
