"""Columns as sparse rows store them are those in full: products, Hessians, and what these cost."""

from functools import partial

import numpy as np
import pytest
from scipy import sparse

from softglm.data import RowsInMemory
from softglm.families import Bernoulli, Categorical
from softglm.fit import prepare
from softglm.sparse import columns
from softglm.sparse import gram as gram_module
from softglm.sparse.columns import WorkingColumns
from softglm.sparse.gram import PairGram
from softglm.sparse.matrix import FullColumns, StoredColumns
from softglm.sparse.stored import hessian, hessian_price

# Sums over rows whose weights sum to 1, of products of a few numbers near 1, in another order.
ROUNDING = {"rtol": 0.0, "atol": 1e-14}
# Of as many numbers, not weighted, up to 10.
PRODUCTS = {"rtol": 0.0, "atol": 1e-12}
N_ROWS, N_FEATURES = 90, 60


@pytest.fixture
def held_of(monkeypatch):
    monkeypatch.setattr(columns, "_FEW_FEATURES", 0)
    monkeypatch.setattr(columns, "_FEW_NUMBERS", 0)

    def make(family, *, fit_intercept=True, density=0.08):
        rng = np.random.default_rng(0)
        X = sparse.random(N_ROWS, N_FEATURES, density=density, format="csr", random_state=rng)
        codes = rng.integers(max(2, family.n_parameters), size=N_ROWS).astype(np.int32)
        rows = RowsInMemory(X, codes, weights=rng.uniform(0.5, 2.0, N_ROWS))
        held = WorkingColumns(prepare(rows, family, fit_intercept=fit_intercept))
        held.hold(rng.choice(N_FEATURES, 20, replace=False))
        held.hold(rng.choice(N_FEATURES, 30, replace=False))
        return held

    return make


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("family", [Bernoulli(), Categorical(5)], ids=["two classes", "five"])
def test_the_hessian_is_that_of_the_columns_in_full(held_of, family, fit_intercept):
    held, rng = held_of(family, fit_intercept=fit_intercept), np.random.default_rng(1)
    (k, _), q = held.matrix.shape, family.n_parameters
    _, mean = family.normalizer_and_mean(rng.normal(size=(q, N_ROWS)))
    gram = PairGram(family, held.weights)
    for share in (0.3, 0.6):
        gram.include(rng.random((k, q)) < share, FullColumns(held.matrix.full()), mean, np.zeros(k))
    for first in (0, 7, len(gram) - 1):
        found = hessian(family, held.matrix, (gram.columns, gram.classes), mean, held.weights, first=first)
        np.testing.assert_allclose(found, gram.systems.matrix[first:], **ROUNDING)


@pytest.mark.parametrize("dearer", [0.0, np.inf], ids=["from products of rows", "from entries"])
def test_whichever_way_is_cheaper_leads_to_the_same_pairs(held_of, monkeypatch, dearer):
    monkeypatch.setattr(gram_module, "_COPY", dearer)
    held, rng = held_of(Categorical(5)), np.random.default_rng(1)
    (k, _), mean = held.matrix.shape, np.random.default_rng(2).dirichlet(np.ones(5), N_ROWS).T
    grams = PairGram(Categorical(5), held.weights), PairGram(Categorical(5), held.weights)
    for share in (0.05, 0.1, 0.6):
        wanted = rng.random((k, 5)) < share
        for gram, those in zip(grams, (held.matrix, FullColumns(held.matrix.full())), strict=True):
            gram.include(wanted, those, mean, np.zeros(k))
    np.testing.assert_allclose(grams[0].systems.matrix, grams[1].systems.matrix, **ROUNDING)


def test_products_are_those_of_the_columns_in_full(held_of):
    stored, rng = held_of(Categorical(3)).matrix, np.random.default_rng(3)
    full = FullColumns(stored.full())
    coef, values = rng.normal(size=(stored.shape[0], 3)), rng.dirichlet(np.ones(N_ROWS), size=4)
    assert isinstance(stored, StoredColumns)
    np.testing.assert_array_equal(full.array[0], np.ones(N_ROWS))
    np.testing.assert_allclose(stored.times(coef), full.times(coef), **PRODUCTS)
    np.testing.assert_allclose(stored.sums(values), full.sums(values), **PRODUCTS)
    np.testing.assert_allclose(stored.sizes(), full.sizes(), **PRODUCTS)
    some = np.array([4, 0, 2])
    np.testing.assert_array_equal(stored.of(some).full(), full.of(some).full())


def test_columns_have_mean_0_and_length_1_however_they_came(held_of):
    held = held_of(Categorical(3))
    full = held.matrix.full()[1:]
    np.testing.assert_allclose(full @ held.weights, 0.0, **PRODUCTS)
    np.testing.assert_allclose(np.square(full) @ held.weights, 1.0, **PRODUCTS)
    mean = np.random.default_rng(4).dirichlet(np.ones(3), N_ROWS).T
    np.testing.assert_allclose(held.slopes(mean)[held.features], held.matrix.sums(mean * held.weights)[1:], **PRODUCTS)


def test_a_hessian_costs_what_is_stored(held_of):
    stored = held_of(Categorical(3)).matrix
    every = np.arange(1, len(stored.center))
    price = partial(hessian_price, stored)
    assert price(every, len(every) - 1) < price(every, 0) < price(np.tile(every, 2), 0)
    assert price(np.zeros(3, dtype=np.intp), 0) < price(every[:3], 0)  # of constants nothing is


def test_the_next_hessian_is_priced_as_it_is_made():
    rng, n, k = np.random.default_rng(5), 20_000, 400
    entries = sparse.random(k, n, density=1e-3, format="csr", random_state=rng)
    stored = StoredColumns(sparse.csr_array(entries), np.zeros(k))
    gram, wanted = PairGram(Categorical(3), np.full(n, 1.0 / n)), np.ones((k, 3), dtype=bool)
    assert gram.price(wanted, stored) < 0.1 * gram.price(wanted, FullColumns(np.broadcast_to(0.0, (k, n))))


def test_dense_rows_are_held_in_full_and_so_are_sparse_ones_that_are_nearly(held_of):
    assert isinstance(held_of(Categorical(3), density=0.5).matrix, FullColumns)
    rng = np.random.default_rng(2)
    rows = RowsInMemory(rng.normal(size=(N_ROWS, 3)), rng.integers(3, size=N_ROWS).astype(np.int32))
    assert WorkingColumns(prepare(rows, Categorical(3))).stored is None
