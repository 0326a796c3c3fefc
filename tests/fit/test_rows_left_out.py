"""Leaving out each row: near brute force by one step, as near as was asked for after more, and never beyond a bound."""

import numpy as np
import problems
import pytest
from scipy.integrate import quad

import softglm.leave_one_out
from softglm.data import RowsInMemory
from softglm.families import Bernoulli, Categorical
from softglm.fit import Start, prepare, solve
from softglm.leave_one_out import one_step, why_not
from softglm.model import Ridge
from softglm.model.proof.deletion import remaining_gradient
from softglm.sums import Evaluation, Moves, Predictor

# What brute force itself is off by: its fits are made to a relative distance of 1e-11.
ROUNDING = 1e-9
# What the mean loss is known to, relative to it; and what one step was found to be off by, at most, where the penalty
# is as strong as the default or stronger.
TOLERANCE, ONE_STEP = 1e-3, 1e-2
PROBLEMS = (
    "overlapping",
    "two_classes_with_offset",
    "weighted_with_offset",
    "soft_labels",
    "counts",
    "wide",
    "separable",
)
STRENGTHS = (1.0, 1e-2, 1e-4)


def losses(family, rows, eta):
    (targets,) = rows.concatenate(lambda block: (block.targets_matrix(family.n_parameters),))
    return family.log_normalizer(eta) - (targets * eta).sum(axis=0)


def brute_force(rows, family, weights, alpha, *, fit_intercept=True):
    """The loss of each row in the fit without it, the total strength kept."""
    n, total = rows.n_rows, weights.sum()
    prepared = prepare(rows, family, fit_intercept=fit_intercept)
    first = solve(prepared, Ridge.on_coefficients(alpha, rows.n_features, fit_intercept=fit_intercept))
    result = np.zeros(n)
    for row in np.flatnonzero(weights):
        others = weights.copy()
        others[row] = 0.0
        there = prepare(rows.changed(weights=others), family, fit_intercept=fit_intercept)
        strength = alpha * total / others.sum()
        ridge = Ridge.on_coefficients(strength, rows.n_features, fit_intercept=fit_intercept)
        fitted = solve(there, ridge, Start(first.coef, first.intercept), tol=1e-10)
        (eta,) = rows.concatenate(lambda block, fitted=fitted: (block.predictor(fitted.coef, fitted.intercept),))
        result[row] = losses(family, rows, eta)[row]
    return result


def left_out(rows, family, weights, alpha, *, tolerance, fit_intercept=True, tol=1e-8):
    prepared = prepare(rows, family, fit_intercept=fit_intercept)
    ridge = Ridge.on_coefficients(alpha, rows.n_features, fit_intercept=fit_intercept)
    fitted = solve(prepared, ridge, tol=tol)
    found = one_step(prepared, ridge, fitted, weights / weights.sum()).refined(tolerance)
    return found, losses(family, rows, found.eta) * (weights > 0.0)


@pytest.mark.parametrize("alpha", STRENGTHS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_fits_without_a_row_are_within_their_bounds_of_brute_force(name, alpha):
    data = problems.PROBLEMS[name]()
    rows, family = problems.rows_and_family(data)
    weights = data.row_weights.astype(np.float64)
    truth = brute_force(rows, family, weights, alpha)
    for tolerance in (np.inf, TOLERANCE):
        found, loss = left_out(rows, family, weights, alpha, tolerance=tolerance)
        assert (np.abs(loss - truth) <= found.bound + ROUNDING * (1.0 + truth)).all()
    assert weights @ found.bound <= TOLERANCE * (weights @ loss)
    assert abs(weights @ (loss - truth)) <= TOLERANCE * (weights @ truth)


@pytest.mark.parametrize("seed", range(8))
def test_no_bound_is_below_the_error_on_data_that_nobody_chose(seed):
    rng = np.random.default_rng(seed)
    n, p, K = int(rng.integers(15, 60)), int(rng.integers(1, 8)), int(rng.integers(2, 6))
    outliers = 1.0 + 9.0 * (rng.random((n, p)) < 0.03)
    X = rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-2.0, 2.0, size=p) * outliers
    weights = rng.exponential(size=n) * (rng.random(n) > 0.1)
    offset = rng.normal(size=(n, 1 if K == 2 else K)) if seed % 2 else None
    targets = rng.random(n) if K == 2 else rng.dirichlet(np.full(K, 0.5), size=n)
    rows, family = RowsInMemory(X, targets, weights, offset), Bernoulli() if K == 2 else Categorical(K)
    alpha, fit_intercept = 10.0 ** rng.uniform(-5.0, 1.0), bool(rng.random() < 0.8)
    truth = brute_force(rows, family, weights, alpha, fit_intercept=fit_intercept)
    for tolerance in (np.inf, TOLERANCE):
        found, loss = left_out(rows, family, weights, alpha, tolerance=tolerance, fit_intercept=fit_intercept)
        assert (np.abs(loss - truth) <= found.bound + ROUNDING * (1.0 + truth)).all()


@pytest.mark.parametrize("name", ["overlapping", "two_classes_with_offset", "soft_labels", "balanced", "imbalanced"])
def test_one_step_is_near_where_the_penalty_is_that_of_the_default_or_stronger(name):
    data = problems.PROBLEMS[name]()
    rows, family = problems.rows_and_family(data)
    weights = data.row_weights.astype(np.float64)
    for alpha in (1.0 / weights.sum(), 0.1):
        truth = brute_force(rows, family, weights, alpha)
        _, loss = left_out(rows, family, weights, alpha, tolerance=np.inf)
        assert abs(weights @ (loss - truth)) <= ONE_STEP * (weights @ truth)


def test_without_an_intercept_too():
    data = problems.overlapping()
    rows, family = problems.rows_and_family(data)
    truth = brute_force(rows, family, data.row_weights, 0.01, fit_intercept=False)
    found, loss = left_out(rows, family, data.row_weights, 0.01, tolerance=1e-6, fit_intercept=False)
    assert (np.abs(loss - truth) <= found.bound + ROUNDING).all()
    assert abs((loss - truth).sum()) <= 1e-6 * truth.sum()


def test_a_fit_that_is_only_near_its_optimum_counts_that_in_the_bounds():
    data = problems.overlapping()
    rows, family = problems.rows_and_family(data)
    truth = brute_force(rows, family, data.row_weights, 0.01)
    found, loss = left_out(rows, family, data.row_weights, 0.01, tolerance=np.inf, tol=1e-2)
    assert (np.abs(loss - truth) <= found.bound).all()


def test_a_row_without_which_a_column_does_not_vary_is_left_out_of_a_fit_of_its_own():
    data = problems.overlapping()
    X = np.column_stack([data.X, np.arange(150) == 7])
    rows = RowsInMemory(X, data.y)
    truth = brute_force(rows, Categorical(3), np.ones(150), 1e-6)
    found, loss = left_out(rows, Categorical(3), np.ones(150), 1e-6, tolerance=TOLERANCE)
    assert found.is_refitted[7]
    assert (np.abs(loss - truth) <= found.bound + ROUNDING).all()


def test_steps_that_are_taken_together_need_no_fits_of_their_own(monkeypatch):
    monkeypatch.setattr(softglm.leave_one_out, "_MOST_FITS", 0)
    data = problems.real_data("iris")
    rows, family = problems.rows_and_family(data)
    found, loss = left_out(rows, family, np.ones(150), 2e-4, tolerance=1e-7)
    assert found.is_refitted.sum() > 10
    assert found.bound.sum() <= 1e-7 * loss.sum()


def test_what_moves_do_to_the_rows_is_what_evaluations_there_say():
    data = problems.weighted_with_offset()
    rows, family = problems.rows_and_family(data)
    rng = np.random.default_rng(0)
    p, q = rows.n_features, family.n_parameters
    begin, slopes, constants = rng.normal(size=(p, q)), rng.normal(size=(5, p, q)), rng.normal(size=(5, q))
    cross, sums, distances = rows.sum(Moves(family, Predictor(begin, np.zeros(q)), slopes, constants))
    _, cross_before, sums_before = rows.sum(Evaluation(family, begin, np.zeros(q)))
    for k in range(5):
        _, cross_there, sums_there = rows.sum(Evaluation(family, begin + slopes[k], constants[k]))
        assert np.allclose(cross[k], cross_there - cross_before)
        assert np.allclose(sums[k], sums_there - sums_before)
    moves = data.X @ slopes[0] + constants[0]
    assert np.allclose(distances[0], np.ptp(moves, axis=1) * (data.row_weights > 0.0))


def test_what_a_second_step_leaves_is_what_the_integral_of_the_hessians_says():
    moved, before = np.array([1e-6, 0.1, 2.0]), np.array([0.0, 0.3, 1.5])
    growth = [
        quad(lambda t, r=r, r0=r0: np.expm1(r0 + t * r), 0.0, 1.0)[0] for r, r0 in zip(moved, before, strict=True)
    ]
    assert np.allclose(remaining_gradient(np.full(3, 2.0), moved, before), 2.0 * np.array(growth), rtol=1e-9)


def test_columns_far_from_0_are_read_from_an_origin_here_too():
    data = problems.two_classes()
    far = RowsInMemory(data.X + 1e6, data.shares[:, 1])
    near = RowsInMemory(data.X, data.shares[:, 1])
    of_far, of_near = (left_out(rows, Bernoulli(), np.ones(100), 0.01, tolerance=np.inf)[1] for rows in (far, near))
    assert np.allclose(of_far, of_near, rtol=1e-6)


def test_a_row_of_weight_2_is_left_out_whole():
    data = problems.overlapping()
    weights = np.ones(150)
    weights[3] = 2.0
    truth = brute_force(RowsInMemory(data.X, data.y, weights), Categorical(3), weights, 0.01)
    _, loss = left_out(RowsInMemory(data.X, data.y, weights), Categorical(3), weights, 0.01, tolerance=1e-6)
    assert abs(loss[3] - truth[3]) <= 1e-4


def test_where_too_many_rows_would_have_to_be_refitted_none_is_and_the_bounds_say_so(monkeypatch):
    monkeypatch.setattr(softglm.leave_one_out, "_MOST_ROWS", 100)
    data = problems.real_data("digits")
    rows, family = problems.rows_and_family(data)
    found, _ = left_out(rows, family, np.ones(len(data.y)), 1e-9, tolerance=1e-9)
    assert not found.is_refitted.any()
    assert np.isinf(found.bound).any()


def test_rows_of_more_parameters_than_a_hessian_has_say_why_they_cannot_be_left_out():
    rng, X = problems.normal_rows(30, 3000, 600)
    rows = RowsInMemory(X, rng.integers(20, size=3000).astype(np.int32))
    assert "parameters" in why_not(prepare(rows, Categorical(20)))
