"""The Hessian from the entries of sparse rows is that of the columns that are held."""

import numpy as np
import pytest
from scipy import sparse

from softglm.data import RowsInMemory
from softglm.families import Bernoulli, Categorical
from softglm.fit import prepare
from softglm.sparse import columns
from softglm.sparse.columns import WorkingColumns
from softglm.sparse.gram import PairGram
from softglm.sparse.matrix import FullColumns
from softglm.sparse.stored import hessian

# Sums over rows whose weights sum to 1, of products of a few numbers near 1, in another order.
ROUNDING = {"rtol": 0.0, "atol": 1e-14}
N_ROWS, N_FEATURES = 90, 60


@pytest.fixture
def held_of(monkeypatch):
    monkeypatch.setattr(columns, "_FEW_FEATURES", 0)
    monkeypatch.setattr(columns, "_FEW_NUMBERS", 0)

    def make(family, *, fit_intercept=True):
        rng = np.random.default_rng(0)
        X = sparse.random(N_ROWS, N_FEATURES, density=0.1, format="csr", random_state=rng)
        codes = rng.integers(max(2, family.n_parameters), size=N_ROWS).astype(np.int32)
        rows = RowsInMemory(X, codes, weights=rng.uniform(0.5, 2.0, N_ROWS))
        held = WorkingColumns(prepare(rows, family, fit_intercept=fit_intercept))
        held.hold(rng.choice(N_FEATURES, 20, replace=False))
        held.hold(rng.choice(N_FEATURES, 30, replace=False))
        return held

    return make


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("family", [Bernoulli(), Categorical(5)], ids=["two classes", "five"])
def test_it_is_that_of_the_columns_that_are_held(held_of, family, fit_intercept):
    held, rng = held_of(family, fit_intercept=fit_intercept), np.random.default_rng(1)
    k, q = len(held.array), family.n_parameters
    _, mean = family.normalizer_and_mean(rng.normal(size=(q, N_ROWS)))
    gram = PairGram(family, held.weights)
    for share in (0.3, 0.6):
        gram.include(rng.random((k, q)) < share, FullColumns(held.array), mean, np.zeros(k))
    for first in (0, 7, len(gram) - 1):
        found = hessian(family, held.matrix, (gram.columns, gram.classes), mean, held.weights, first=first)
        np.testing.assert_allclose(found, gram.systems.matrix[first:], **ROUNDING)


def test_it_costs_what_is_stored(held_of):
    stored = held_of(Categorical(3)).matrix
    every = np.arange(1, len(stored.center))
    assert stored.price(every, len(every) - 1) < stored.price(every, 0) < stored.price(np.tile(every, 2), 0)
    assert stored.price(np.zeros(3, dtype=np.intp), 0) == 0.0  # of constants nothing is


def test_of_dense_rows_nothing_is_stored():
    rng = np.random.default_rng(2)
    rows = RowsInMemory(rng.normal(size=(N_ROWS, 3)), rng.integers(3, size=N_ROWS).astype(np.int32))
    assert WorkingColumns(prepare(rows, Categorical(3))).stored() is None
