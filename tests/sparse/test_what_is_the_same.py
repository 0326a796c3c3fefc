"""Problems that are the same have the same optimum."""

from dataclasses import replace

import numpy as np
import pytest
from penalised import PENALTIES, boxed, grouped, lasso, likelihood_and_gradient, path_of, prepared_of
from problems import Data, many_classes, overlapping, poisson_rows, separable, two_classes, weighted_with_offset, wide

from softglm.data import RowsInMemory
from softglm.families import Categorical
from softglm.fit import Start, prepare, solve
from softglm.model.penalties import Box, SparseGroup
from softglm.sparse import strongest
from softglm.status import Status
from softglm.sweep import sweep
from softglm.tuning import DEFAULT

SAME = {"rtol": 1e-6, "atol": 1e-7}
EXACT = 1e-15


def fitted(data, penalty, **options):
    return solve(prepared_of(data), penalty, tol=EXACT, **options)


@pytest.mark.parametrize("make", [lasso, grouped], ids=["lasso", "grouped"])
def test_factor_2_is_half_a_column(make):
    data, units = many_classes(), np.array([0.5, 1.0, 1.0, 1.0])
    whole = fitted(data, make(1.0 / units, fit_intercept=True).times(0.02))
    half = fitted(replace(data, X=data.X * units), make(np.ones(4), fit_intercept=True).times(0.02))
    np.testing.assert_allclose(half.coef * units[:, np.newaxis], whole.coef, **SAME)


def test_weight_2_is_a_row_twice_and_weight_0_none():
    data = weighted_with_offset()
    counts = np.arange(len(data.y)) % 3
    there = np.repeat(np.arange(len(data.y)), counts)
    penalty = lasso(np.ones(4), fit_intercept=True).times(0.02)
    given = fitted(replace(data, weights=counts.astype(float)), penalty)
    repeated = fitted(Data(data.X[there], data.y[there], offset=data.offset[there]), penalty)
    np.testing.assert_allclose(given.coef, repeated.coef, **SAME)
    assert given.loss == pytest.approx(repeated.loss)


def test_columns_that_are_the_same_share_under_a_ridge():
    data = overlapping()
    fit = fitted(
        replace(data, X=np.column_stack([data.X, data.X[:, 0]])),
        lasso(np.ones(5), fit_intercept=True, l1_ratio=0.5).times(0.02),
    )
    np.testing.assert_allclose(fit.coef[0], fit.coef[-1], **SAME)
    assert fit.coef[0].any()


def test_columns_that_are_the_same_are_worth_one_without():
    data = overlapping()
    one = fitted(data, lasso(np.ones(4), fit_intercept=True).times(0.02))
    two = fitted(
        replace(data, X=np.column_stack([data.X, data.X[:, 0]])), lasso(np.ones(5), fit_intercept=True).times(0.02)
    )
    assert two.loss == pytest.approx(one.loss, rel=1e-10)
    np.testing.assert_allclose(two.coef[0] + two.coef[-1], one.coef[0], **SAME)


def test_a_box_without_ends_is_none():
    data, ends = overlapping(), np.full(4, np.inf)
    inside = Box.on_coefficients(0.02, 0.7, np.ones(4), -ends, ends, fit_intercept=True)
    outside = lasso(np.ones(4), fit_intercept=True, l1_ratio=0.7).times(0.02)
    np.testing.assert_allclose(fitted(data, inside).coef, fitted(data, outside).coef, **SAME)


def test_groups_without_a_norm_are_a_lasso():
    data, each = overlapping(), np.arange(4, dtype=np.int32)
    alone = SparseGroup.on_coefficients(0.02, 1.0, 1.0, np.ones(4), each, fit_intercept=True)
    fit = fitted(data, alone)
    assert fit.loss == pytest.approx(fitted(data, lasso(np.ones(4), fit_intercept=True).times(0.02)).loss, rel=1e-10)


@pytest.mark.parametrize("kind", PENALTIES)
def test_a_sweep_arrives_where_a_fit_does(kind):
    data = many_classes()
    penalties, fits = path_of(data, PENALTIES[kind], (0.5, 0.1, 0.02), tol=EXACT)
    for penalty, fit in zip(penalties, fits, strict=True):
        np.testing.assert_allclose(fitted(data, penalty).coef, fit.coef, **SAME)


def test_a_start_changes_nothing_but_the_way():
    data, penalty = two_classes(), boxed(np.ones(4), fit_intercept=True).times(0.02)
    fit = fitted(data, penalty)
    elsewhere = fitted(data, penalty, start=Start(np.full((4, 1), 3.0), np.ones(1)))
    again = fitted(data, penalty, start=Start(fit.coef, fit.intercept))
    np.testing.assert_allclose(elsewhere.coef, fit.coef, **SAME)
    np.testing.assert_allclose(again.coef, fit.coef, **SAME)


@pytest.mark.parametrize("make", [lasso, grouped], ids=["lasso", "grouped"])
@pytest.mark.parametrize("problem", [many_classes, two_classes, weighted_with_offset, wide])
def test_nothing_enters_at_the_strongest_and_something_just_below(problem, make):
    data = problem()
    factors = np.ones(data.X.shape[1])
    factors[0] = 0.0 if problem is not wide else 1.0
    penalty, prepared = make(factors, fit_intercept=True), prepared_of(data)
    most = strongest(prepared, penalty)
    at, below = sweep(prepared, [penalty.times(most), penalty.times(0.9999 * most)], tol=EXACT)
    assert not at.coef[1:].any()
    assert below.coef[1:].any()


def test_the_same_rows_give_the_same_bits():
    data, penalty = many_classes(), lasso(np.ones(4), fit_intercept=True).times(0.01)
    first, second = fitted(data, penalty), fitted(data, penalty)
    assert (first.coef == second.coef).all()
    assert first.gap == second.gap


def test_columns_that_are_held_only_when_wanted_give_the_same_fits(monkeypatch):
    monkeypatch.setattr("softglm.sparse.columns._FEW_FEATURES", 0)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 300))
    data = Data(X, (X[:, :3] + rng.gumbel(size=(60, 3))).argmax(axis=1).astype(np.int32))
    shares = (1.0, 0.9, 0.8, 0.5, 0.1)
    _, all_held = path_of(data, lasso, shares, tol=EXACT)
    monkeypatch.setattr("softglm.sparse.columns._FEW_NUMBERS", 0)
    for make in (lasso, PENALTIES["elastic net"]):
        _, some = path_of(data, make, shares, tol=1e-8)
        assert all(fit.status is Status.CONVERGED for fit in some)
    _, some = path_of(data, lasso, shares, tol=EXACT)
    for one, other in zip(some, all_held, strict=True):
        np.testing.assert_allclose(one.coef, other.coef, **SAME)


def test_separated_classes_have_an_optimum_at_any_strength():
    data = separable()
    _, fits = path_of(data, lasso, np.geomspace(1.0, 1e-6, 13), tol=1e-8)
    assert all(fit.status is Status.CONVERGED for fit in fits)


def test_float32_columns_cost_what_is_told():
    data = overlapping()
    single = replace(data, X=data.X.astype(np.float32))
    penalty = lasso(np.ones(4), fit_intercept=True).times(0.02)
    fit = solve(prepared_of(single), penalty, tol=1e-8, precision=np.float32)
    best = fitted(single, penalty)
    assert fit.coef.dtype == np.float32
    assert ((fit.coef == 0.0) == (best.coef == 0.0)).all()
    likelihood, _, _ = likelihood_and_gradient(single, fit.coef.astype(float), fit.intercept.astype(float))
    value = likelihood + penalty.value(fit.coef.astype(float))
    assert value - best.loss <= fit.gap
    assert fit.loss == pytest.approx(value)


def test_numbers_beyond_the_arithmetic_are_a_status():
    data = overlapping()
    fit = solve(prepared_of(replace(data, X=data.X * 1e200)), lasso(np.ones(4), fit_intercept=True))
    assert fit.status is Status.NON_FINITE
    assert fit.gap == np.inf


def test_of_other_families_nothing_is_proved_but_they_are_fitted():
    rows, family = poisson_rows()
    fit = solve(prepare(rows, family), lasso(np.ones(3), fit_intercept=True).times(0.05))
    best = solve(prepare(rows, family), lasso(np.ones(3), fit_intercept=True).times(0.05), tol=0.0)
    assert fit.gap == np.inf
    np.testing.assert_allclose(fit.coef, best.coef, **SAME)


def test_iterations_run_out():
    data, penalty = many_classes(), lasso(np.ones(4), fit_intercept=True).times(0.001)
    fit = solve(prepared_of(data), penalty, max_iter=2)
    assert fit.status is Status.ITERATIONS
    assert fit.n_iterations >= 2


def test_each_iteration_is_reported():
    data, told = many_classes(), []
    penalty = lasso(np.ones(4), fit_intercept=True).times(0.01)
    fit = solve(prepared_of(data), penalty, report=lambda progress, coef, _: told.append((progress, coef)))
    assert [progress.iteration for progress, _ in told] == list(range(1, fit.n_iterations + 1))
    np.testing.assert_array_equal(told[-1][1], fit.coef)


def test_rows_that_cannot_be_held_are_refused():
    data = overlapping()
    rows = RowsInMemory(data.X, data.y, tuning=DEFAULT)
    rows.can_be_held = False
    with pytest.raises(TypeError, match="are for columns in memory"):
        solve(prepare(rows, Categorical(3)), lasso(np.ones(4), fit_intercept=True))
