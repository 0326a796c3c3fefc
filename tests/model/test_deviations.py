"""The standard deviations of the columns: weighted, about the mean, with all digits however far the columns are."""

import numpy as np
import pytest
from problems import PROBLEMS, rows_and_family
from scipy import sparse

from softglm.data import RowsInMemory
from softglm.families import Bernoulli
from softglm.fit import prepare

# Sums of some hundred squares.
ROUNDING = 1e-12


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", PROBLEMS)
def test_they_are_those_of_the_weighted_rows(name, fit_intercept):
    data = PROBLEMS[name]()
    rows, family = rows_and_family(data)
    found = prepare(rows, family, fit_intercept=fit_intercept).standard_deviations
    weights = data.row_weights / data.total_weight
    about = data.dense - weights @ data.dense
    expected = np.sqrt(weights @ about**2)
    is_constant = expected <= 1e-13 * np.abs(data.dense).max(axis=0)
    np.testing.assert_allclose(found, np.where(is_constant, 1.0, expected), rtol=ROUNDING)


@pytest.mark.parametrize("far", [0.0, 1e5, 1e9])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_far_columns_lose_no_more_than_their_own_digits(far, fit_intercept):
    X = np.random.default_rng(0).integers(-8, 9, size=(400, 3)).astype(float)
    y = np.arange(400) % 2
    found = prepare(RowsInMemory(X + far, y.astype(float)), Bernoulli(), fit_intercept=fit_intercept)
    np.testing.assert_allclose(found.standard_deviations, X.std(axis=0), rtol=1e-8 if far > 1e6 else ROUNDING)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_a_constant_column_counts_as_one_of_deviation_1(form):
    X = np.column_stack([np.full(50, 3.3), np.zeros(50), np.arange(50.0)])
    prepared = prepare(RowsInMemory(form(X), np.arange(50) % 2.0), Bernoulli())
    np.testing.assert_allclose(prepared.standard_deviations, [1.0, 1.0, X[:, 2].std()], rtol=ROUNDING)
