"""Standard deviations of features, as NumPy has them of repeated rows."""

import pickle

import numpy as np
import pytest
from scipy import sparse

from softglm.data import RowsInMemory
from softglm.inference.deviations import standard_deviations
from softglm.sums.spread import Spread

# Of sums of some hundred numbers of order 1 to 1e3, in another order.
ROUNDING = {"rtol": 1e-12}
N = 60


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return rng.normal(3.0, [1.0, 50.0, 0.1], size=(N, 3)) * (rng.uniform(size=(N, 3)) < 0.7)


def rows_of(X, weights=None):
    return RowsInMemory(X, np.zeros(N, dtype=np.int32), weights)


@pytest.mark.parametrize("made", [np.asarray, sparse.csr_matrix, np.asfortranarray])
def test_a_weight_counts_as_so_many_rows(X, made):
    weights = np.random.default_rng(1).integers(0, 4, N)
    np.testing.assert_allclose(standard_deviations(rows_of(made(X))), X.std(axis=0), **ROUNDING)
    found = standard_deviations(rows_of(made(X), weights.astype(float)))
    np.testing.assert_allclose(found, np.repeat(X, weights, axis=0).std(axis=0), **ROUNDING)


def test_what_is_summed_pickles_to_its_arrays(X):
    spread = Spread(X.mean(axis=0))
    copy = pickle.loads(pickle.dumps(spread))  # noqa: S301 - our own
    for one, other in zip(rows_of(X).sum(spread), rows_of(X).sum(copy), strict=True):
        np.testing.assert_array_equal(one, other)
