from dataclasses import replace

import numpy as np
import pytest
from problems import objective_of, rows_and_family, wide
from scipy import sparse

from softglm.data import RowsInMemory
from softglm.families import Gaussian
from softglm.fit import fit
from softglm.model import Ridge, row_space
from softglm.tuning import Tuning

# Products with an orthonormal basis.
ROUNDING = {"rtol": 1e-12, "atol": 1e-12}


def reduced_wide(*, centred=True, penalised=True, matrix=None, scale=None):
    data = wide()
    rows, family = rows_and_family(data)
    if matrix is not None:
        rows = RowsInMemory(matrix(data.X), data.y)
    return rows, family, *row_space(rows, centred=centred, penalised=penalised, scale=scale)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("penalised", [True, False])
def test_going_up_and_down_again_changes_nothing(centred, penalised):
    _, _, reduced, space = reduced_wide(centred=centred, penalised=penalised)
    assert reduced.n_rows == 25
    assert reduced.n_features == 25 - int(centred)  # centred rows sum to zero
    rng = np.random.default_rng(0)
    coef, intercept = rng.normal(size=(reduced.n_features, 3)), rng.normal(size=3)
    for one, other in zip(space.down(*space.up(coef, intercept)), (coef, intercept), strict=True):
        np.testing.assert_allclose(one, other, **ROUNDING)


@pytest.mark.parametrize("centred", [True, False])
def test_going_down_and_up_again_changes_nothing_in_the_row_space(centred):
    rows, _, _, space = reduced_wide(centred=centred)
    X = wide().X - space.center
    rng = np.random.default_rng(0)
    coef, intercept = X.T @ rng.normal(size=(25, 3)), rng.normal(size=3)
    for one, other in zip(space.up(*space.down(coef, intercept)), (coef, intercept), strict=True):
        np.testing.assert_allclose(one, other, **ROUNDING)
    assert rows.n_features == 60


@pytest.mark.parametrize("matrix", [None, sparse.csr_array, np.asfortranarray])
@pytest.mark.parametrize("penalised", [True, False])
@pytest.mark.parametrize("centred", [True, False])
def test_eta_is_the_same_above_and_below(centred, penalised, matrix):
    rows, _, reduced, space = reduced_wide(centred=centred, penalised=penalised, matrix=matrix)
    rng = np.random.default_rng(0)
    coef, intercept = rng.normal(size=(reduced.n_features, 3)), rng.normal(size=3)
    below, above = (
        some.concatenate(lambda block, predictor=predictor: (block.predictor(*predictor),))[0]
        for some, predictor in (
            (reduced, (coef, intercept)),
            (rows, space.up(coef, intercept)),
        )
    )
    np.testing.assert_allclose(above, below, **ROUNDING)


@pytest.mark.parametrize("spreads", [np.ones(60), np.logspace(-6, 1, 60), np.logspace(-6, 1, 60)[::-1]])
def test_products_of_rows_and_orthogonal_transformations_tell_the_same(spreads):
    data = wide()
    fitted = []
    for clear in (1e-6, np.inf):
        rows, family = rows_and_family(replace(data, X=data.X * spreads))
        fitted.append(
            fit(
                rows,
                family,
                Ridge.on_coefficients(0.01, 60, fit_intercept=True),
                tol=1e-10,
                tuning=Tuning(widest=np.inf, clear=clear),
            )
        )
    by_products, by_triangle = fitted
    np.testing.assert_allclose(by_products.loss, by_triangle.loss, rtol=1e-12)
    # A coefficient of a column of small numbers is small, too: the ridge holds it back.
    size = np.abs(by_triangle.coef).max(axis=1, keepdims=True)
    np.testing.assert_allclose(by_products.coef / size, by_triangle.coef / size, rtol=0.0, atol=1e-8)


def test_a_ridge_is_the_same_above_and_below():
    rows, family, reduced, space = reduced_wide()
    above, below = (objective_of(some, family, 0.3) for some in (rows, reduced))
    rng = np.random.default_rng(0)
    predictor = rng.normal(size=(reduced.n_features, 3)), rng.normal(size=3)
    np.testing.assert_allclose(
        above.evaluate(above.centred(*space.up(*predictor)))[0],
        below.evaluate(below.centred(*predictor))[0],
        **ROUNDING,
    )


def test_weights_offset_and_targets_are_kept():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 9)), rng.normal(size=6)
    weights, offset = rng.exponential(size=6), rng.normal(size=(6, 1))
    reduced, _ = row_space(RowsInMemory(X, y, weights, offset), centred=True, penalised=True)
    targets, kept_weights, kept_offset = reduced.concatenate(
        lambda block: (block.targets.T, block.weights, block.offset.T)
    )
    np.testing.assert_array_equal(targets, y)
    np.testing.assert_array_equal(kept_weights, weights)
    np.testing.assert_array_equal(kept_offset.T, offset)
    above, below = (objective_of(some, Gaussian(), 0.0) for some in (RowsInMemory(X, y, weights, offset), reduced))
    for name in ("total_weight", "mean_target", "offset_term"):
        np.testing.assert_allclose(getattr(above.moments, name), getattr(below.moments, name), **ROUNDING)


def test_the_rows_are_not_modified():
    data = wide()
    before = data.X.copy()
    row_space(rows_and_family(data)[0], centred=True, penalised=False)
    np.testing.assert_array_equal(data.X, before)


@pytest.mark.parametrize("centred", [True, False])
def test_columns_that_are_divided_first_have_a_penalty_of_several_strengths(centred):
    scale = np.linspace(0.2, 1.0, 60)
    rows, family, reduced, space = reduced_wide(centred=centred, scale=scale)
    above, below = (
        Ridge(np.append(0.3 * scale**2, 0.0)),
        Ridge.on_coefficients(0.3, reduced.n_features, fit_intercept=True),
    )
    coef, intercept = np.random.default_rng(0).normal(size=(reduced.n_features, 3)), np.ones(3)
    whole, constant = space.up(coef, intercept)
    np.testing.assert_allclose(
        above.value(np.vstack([whole, constant])), below.value(np.vstack([coef, intercept])), rtol=1e-12
    )
    for one, other in zip(space.down(whole, constant), (coef, intercept), strict=True):
        np.testing.assert_allclose(one, other, **ROUNDING)
    predictors = [
        some.concatenate(lambda block, predictor=predictor: (block.predictor(*predictor),))[0]
        for some, predictor in ((reduced, (coef, intercept)), (rows, (whole, constant)))
    ]
    np.testing.assert_allclose(*predictors, **ROUNDING)
    assert family.n_parameters == 3
