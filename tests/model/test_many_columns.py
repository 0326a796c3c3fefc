"""Many columns without a penalty: their rank and second moments, without eigendecompositions or dense products."""

import numpy as np
import pytest
from problems import Data, objective_of, rows_and_family
from scipy import sparse

from softglm.data import SparseBlock
from softglm.model import null_coordinates, null_model, whitening
from softglm.model.coordinates import second_moments
from softglm.model.whitening import _factor_of_clear_rank
from softglm.sums import SecondMoments

# Of moments that are whitened to rounding times their condition, at most 1e11 here; of the space they span.
WHITENED, SPANNED = 1e-4, 1e-6
# Two sums of the same products, of which as much as 63 parts in 64 is taken out again.
ROUNDING = {"rtol": 1e-11, "atol": 1e-11}


def null_coordinates_of(X, *, fit_intercept):
    y = np.random.default_rng(31).integers(2, size=X.shape[0]).astype(np.int32)
    objective = objective_of(*rows_and_family(Data(X, y)), 0.0, fit_intercept=fit_intercept)
    return objective, null_coordinates(objective, null_model(objective).information)


def dummies(n_levels, n, rng):
    levels = np.append(np.arange(n_levels), rng.integers(n_levels, size=n - n_levels))
    return np.identity(n_levels)[levels]


def large(name):
    """Columns beyond the number up to which eigendecompositions are made, most of them dummies of many levels."""
    rng = np.random.default_rng(30)
    levels = dummies(560, 2500, rng)
    return {
        "all levels": levels,
        "but one": levels[:, 1:],
        "two factors": np.hstack([levels, dummies(30, 2500, rng)]),
        "and numbers of all scales": np.hstack([levels, rng.normal(size=(2500, 5)) * np.logspace(-6, 6, 5) + 3.0]),
        "and a constant": np.hstack([levels[:, 1:], np.full((2500, 2), 3.7)]),
        "and combinations": np.hstack([levels[:, 3:], levels[:, 3:] @ rng.normal(size=(557, 4))]),
        "nearly collinear": np.hstack([levels[:, 1:], levels[:, 1:2] + 1e-6 * rng.normal(size=(2500, 1))]),
    }[name]


LARGE = ["all levels", "but one", "two factors", "and numbers of all scales", "and a constant", "and combinations"]


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", [*LARGE, "nearly collinear"])
def test_of_many_columns_a_factor_finds_the_space_of_the_eigenvectors(name, fit_intercept, container, monkeypatch):
    X = large(name)
    objective, found = null_coordinates_of(container(X), fit_intercept=fit_intercept)
    monkeypatch.setattr(whitening, "_LARGE", np.inf)
    _, truth = null_coordinates_of(X, fit_intercept=fit_intercept)
    assert found.features.shape == truth.features.shape
    moments, _ = objective.rows.sum(second_moments(objective))
    whitened = found.features.T @ moments @ found.features / 2500
    np.testing.assert_allclose(whitened, np.identity(len(whitened)), rtol=0.0, atol=WHITENED)
    units = np.sqrt(moments.diagonal())[:, np.newaxis]  # the space of minimum norms is that of standardised columns
    basis, expected = (np.linalg.qr(units * one.features)[0] for one in (found, truth))
    np.testing.assert_allclose(expected @ (expected.T @ basis), basis, rtol=0.0, atol=SPANNED)


@pytest.mark.parametrize("name", LARGE)
def test_of_many_columns_no_eigendecomposition_is_made(name, monkeypatch):
    def refuse(_):
        raise AssertionError

    monkeypatch.setattr(np.linalg, "eigh", refuse)
    X = large(name)
    assert _factor_of_clear_rank(np.corrcoef(X[:, X.std(axis=0) > 1e-9], rowvar=False)) is not None


def sparse_columns(name, p=600, n=900):
    rng = np.random.default_rng(32)
    levels = rng.integers(p, size=n)
    X = sparse.csr_array((np.ones(n), (np.arange(n), levels)), shape=(n, p))
    if name == "numbers":
        signs = rng.choice([-1.0, 1.0], size=(n, 1))
        X = sparse.csr_array(sparse.random(n, p, density=0.005, random_state=rng).multiply(signs))
    elif name == "float32":
        X = X.astype(np.float32)
    elif name == "empty rows":
        X = sparse.csr_array(X.multiply((np.arange(n) % 3 > 0)[:, np.newaxis]))
    return X


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("n_constants", [0, 1])
@pytest.mark.parametrize("name", ["dummies", "numbers", "float32", "empty rows"])
def test_second_moments_of_sparse_columns_are_those_of_dense_ones(name, n_constants, weighted):
    X = sparse_columns(name)
    weights = np.random.default_rng(33).exponential(size=X.shape[0]) if weighted else None
    center = np.asarray(X.mean(axis=0), dtype=np.float64) * n_constants
    block = SparseBlock(X, np.zeros(X.shape[0]), weights, None)
    assert block.products(center, weights, n_constants) is not None
    moments, total = SecondMoments(center, n_constants)(block)
    assert total == block.row_weights.sum()
    centred = np.hstack([X.toarray() - center, np.ones((X.shape[0], n_constants))])
    np.testing.assert_allclose(moments, (centred.T * block.row_weights) @ centred, **ROUNDING)


@pytest.mark.parametrize("kind", ["few columns", "dense entries", "a column far from zero", "a constant column"])
def test_zeros_are_filled_in_where_that_is_cheaper_or_loses_fewer_digits(kind):
    X, rng = sparse_columns("dummies").tolil(), np.random.default_rng(34)
    if kind == "few columns":
        X = X[:, :100]
    elif kind == "dense entries":
        X = sparse.random(*X.shape, density=0.5, random_state=rng)
    elif kind == "a column far from zero":
        X[:, [7]] = 1e6 + rng.normal(size=(X.shape[0], 1))
    else:
        X[:, [7]] = 3.7
    X = sparse.csr_array(X)
    block = SparseBlock(X, np.zeros(X.shape[0]), None, None)
    assert block.products(np.asarray(X.mean(axis=0)), None, 1) is None


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_constant_among_sparse_columns_is_left_out(fit_intercept):
    X = sparse.csr_array(sparse.hstack([sparse_columns("dummies", n=3000), np.full((3000, 1), 3.7)]))
    objective, found = null_coordinates_of(X, fit_intercept=fit_intercept)
    truth = np.linalg.matrix_rank(X.toarray())
    assert len(found.scales) == truth
    assert objective.shape[0] == X.shape[1] + int(fit_intercept)
