"""Where passes are dear, fits make few of them; what they prove is true all the same."""

import numpy as np
import pytest
from dense_newton import truth_of
from far_away import MANY_ROWS, RowsFarAway, drawn
from fits import RESOLUTION, SAME_OPTIMUM, TABLE, TOL, fit_rows
from problems import PROBLEMS, SEPARATED, SMALL_BLOCKS, rows_and_family

from softglm.data import RowsInMemory
from softglm.families import Bernoulli, Categorical
from softglm.fit import Start, plan, prepare, solve
from softglm.fit.plan import few_passes_pay, most_iterations
from softglm.model import Ridge
from softglm.solver import GapKind
from softglm.status import Status
from softglm.tuning import Tuning

# A sample of so many of the rows of the larger problems.
SAMPLED = Tuning(sampled_rows=4000)
# No Hessian fits.
BY_PRODUCTS = Tuning(sampled_rows=4000, hessian_parameters=0)
# A proof of a relative gap of 1e-8, of a loss of order 1.
SAME_LOSS = {"rtol": 1e-8, "atol": 1e-12}
# Passes: the first, evaluations, and where nothing is penalised the second moments. Heavy tails take one more.
MOST, MOST_FOR_FEW_DIGITS, MOST_UNPENALISED, MOST_BY_PRODUCTS = 6, 4, 9, 20


def ridge(rows, alpha_times_rows=1.0):
    return Ridge.on_coefficients(alpha_times_rows / rows.n_rows, rows.n_features, fit_intercept=True)


@pytest.fixture
def any_sample(monkeypatch):
    """However few rows a sample has, it is used."""
    monkeypatch.setattr(plan, "_ROWS_PER_FEATURE", 1e-9)
    monkeypatch.setattr(plan, "_WORTH", np.inf)


@pytest.mark.usefixtures("any_sample")
@pytest.mark.parametrize("part", [2, 5])
@pytest.mark.parametrize(("name", "alpha"), [(name, alpha) for name, alpha in TABLE if name != "wide"])
def test_the_gap_is_proved_and_true_however_small_the_sample(name, alpha, part):
    data = PROBLEMS[name]()
    rows, family = rows_and_family(data, SMALL_BLOCKS)
    truth, optimum, null_value = truth_of(name, alpha)
    far_away = RowsFarAway(rows)
    result = fit_rows(far_away, family, alpha / data.total_weight, tuning=Tuning(sampled_rows=rows.n_rows // part))
    assert result.status is Status.CONVERGED
    assert result.gap_kind is not GapKind.ESTIMATE
    assert result.relative_gap < TOL
    assert truth.value(result.coef, result.intercept) - optimum.value <= result.gap + RESOLUTION
    np.testing.assert_allclose(result.null_loss, null_value, rtol=0.0, atol=RESOLUTION)
    assert far_away.n_passes == result.n_passes


@pytest.mark.usefixtures("any_sample")
@pytest.mark.parametrize("name", [name for name in PROBLEMS if name not in {"badly_scaled", "wide"}])
def test_so_it_is_where_no_hessian_fits(name):
    data = PROBLEMS[name]()
    rows, family = rows_and_family(data, SMALL_BLOCKS)
    truth, optimum, _ = truth_of(name, 1.0)
    tuning = Tuning(sampled_rows=rows.n_rows // 2, hessian_parameters=0)
    result = fit_rows(RowsFarAway(rows), family, 1.0 / data.total_weight, tuning=tuning)
    assert result.status is Status.CONVERGED
    assert result.gap_kind is GapKind.STRONG_CONVEXITY
    assert truth.value(result.coef, result.intercept) - optimum.value <= result.gap + RESOLUTION


@pytest.mark.parametrize("name", MANY_ROWS)
@pytest.mark.parametrize(
    ("alpha", "tol", "most"),
    [(1.0, 1e-8, MOST), (1.0, 1e-3, MOST_FOR_FEW_DIGITS), (0.0, 1e-8, MOST_UNPENALISED)],
)
def test_few_passes_prove_what_many_do(name, alpha, tol, most):
    rows, family = MANY_ROWS[name]()
    far_away = RowsFarAway(rows)
    result = solve(prepare(far_away, family, tuning=SAMPLED), ridge(rows, alpha), tol=tol)
    best = solve(prepare(rows, family), ridge(rows, alpha))
    assert result.status is Status.CONVERGED
    assert result.gap_kind is not GapKind.ESTIMATE
    assert result.relative_gap <= tol
    assert result.loss - best.loss <= result.gap + RESOLUTION
    assert result.n_passes == far_away.n_passes <= most + (name == "heavy_tails")


@pytest.mark.parametrize("name", MANY_ROWS)
def test_below_the_usual_tolerance_the_coefficients_are_those_of_many_passes(name):
    rows, family = MANY_ROWS[name]()
    result = solve(prepare(RowsFarAway(rows), family, tuning=SAMPLED), ridge(rows), tol=1e-10)
    best = solve(prepare(rows, family), ridge(rows), tol=1e-10)
    scale = rows.parts[0].std(axis=0)[:, np.newaxis]
    np.testing.assert_allclose(result.coef * scale, best.coef * scale, **SAME_OPTIMUM)


@pytest.mark.parametrize("name", ["ordinary", "rare"])
def test_few_passes_are_enough_where_no_hessian_fits(name):
    rows, family = MANY_ROWS[name]()
    result = solve(prepare(RowsFarAway(rows), family, tuning=BY_PRODUCTS), ridge(rows))
    best = solve(prepare(rows, family), ridge(rows))
    assert result.gap_kind is GapKind.STRONG_CONVEXITY
    assert result.relative_gap <= TOL
    np.testing.assert_allclose(result.loss, best.loss, **SAME_LOSS)
    assert result.n_passes <= MOST_BY_PRODUCTS


def test_classes_that_are_nearly_separated_take_no_more_passes_without_a_penalty():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80_000, 8))
    rows, family = RowsInMemory(X, drawn(rng, 20.0 * X @ rng.normal(size=(8, 3)))), Categorical(3)
    check_passes(rows, family, 0.0, MOST_UNPENALISED)


def test_levels_of_a_few_rows_take_few_more_passes_than_others():
    rng = np.random.default_rng(0)
    levels = [np.minimum(rng.zipf(1.5, size=60_000), count) for count in (10, 40, 60)]
    X = np.hstack([of[:, np.newaxis] == np.arange(2, of.max() + 1) for of in levels]).astype(np.float64)
    rows, family = RowsInMemory(X, drawn(rng, 2.0 * X @ rng.normal(size=(X.shape[1], 3)))), Categorical(3)
    check_passes(rows, family, 1.0, MOST + 2)


def check_passes(rows, family, alpha_times_rows, most):
    far_away = RowsFarAway(rows)
    result = solve(prepare(far_away, family, tuning=Tuning(sampled_rows=8000)), ridge(rows, alpha_times_rows))
    best = solve(prepare(rows, family), ridge(rows, alpha_times_rows))
    assert result.status is Status.CONVERGED
    assert result.loss - best.loss <= result.gap + RESOLUTION
    assert far_away.n_passes <= most


def test_of_rows_that_are_fewer_than_a_sample_has_all_are_drawn():
    rows, family = MANY_ROWS["ordinary"](n=3000)
    far_away = RowsFarAway(rows)
    result = solve(prepare(far_away, family), ridge(rows))
    best = solve(prepare(rows, family), ridge(rows))
    np.testing.assert_allclose(result.loss, best.loss, **SAME_LOSS)
    assert far_away.n_passes <= MOST


@pytest.mark.usefixtures("any_sample")
@pytest.mark.parametrize("name", sorted(SEPARATED - {"wide"}))
def test_what_separates_the_classes_is_found_far_away_too(name):
    rows, family = rows_and_family(PROBLEMS[name](), SMALL_BLOCKS)
    result = fit_rows(RowsFarAway(rows), family, 0.0, tuning=Tuning(sampled_rows=rows.n_rows // 2))
    assert result.status is Status.SEPARATED


def test_a_class_of_a_few_rows_is_not_lost_with_a_sample_that_has_none_of_them():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(20_000, 4))
    y = (X[:, 0] + rng.normal(size=len(X)) > 0.0).astype(np.int32)
    y[[7, 12_345]] = 2
    rows, family = RowsInMemory(X, y), Categorical(3)
    result = solve(prepare(RowsFarAway(rows), family, tuning=Tuning(sampled_rows=1000)), ridge(rows))
    best = solve(prepare(rows, family), ridge(rows))
    assert result.status is Status.CONVERGED
    assert result.loss - best.loss <= result.gap + RESOLUTION


def test_a_fit_that_was_interrupted_goes_on_where_it_was():
    rows, family = MANY_ROWS["ordinary"]()
    best = solve(prepare(rows, family), ridge(rows))
    far_away = RowsFarAway(rows)
    result = solve(prepare(far_away, family, tuning=SAMPLED), ridge(rows), Start(best.coef, best.intercept))
    np.testing.assert_allclose(result.coef, best.coef, **SAME_OPTIMUM)
    assert far_away.n_passes <= 4


def test_where_passes_cost_their_arithmetic_alone_few_are_made_only_where_that_is_cheaper():
    rows, family = MANY_ROWS["ordinary"]()
    assert not few_passes_pay(prepare(rows, family), ridge(rows), None)
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(20_000, 40)), rng.integers(120, size=20_000, dtype=np.int32)
    probes = RowsInMemory(X, y)
    # In memory the means of the classes tell more than a sample of the rows.
    assert not few_passes_pay(prepare(probes, Categorical(120)), ridge(probes), None)
    assert few_passes_pay(prepare(RowsFarAway(probes), Categorical(120)), ridge(probes), None)
    assert not few_passes_pay(prepare(probes, Categorical(120)), ridge(probes, 0.0), None)


def test_in_memory_they_are_made_of_rows_that_are_many_for_their_parameters_and_prove_as_much():
    rows, family = MANY_ROWS["ordinary"](n=200_000)
    prepared = prepare(rows, family)
    assert few_passes_pay(prepared, ridge(rows), None)
    assert not few_passes_pay(prepared, ridge(rows, 0.0), None)
    result = solve(prepared, ridge(rows))
    # Without a sample.
    best = solve(prepare(rows, family, tuning=Tuning(sampled_rows=0)), ridge(rows))
    assert result.status is Status.CONVERGED
    assert result.gap_kind is GapKind.SELF_CONCORDANCE
    assert result.loss - best.loss <= result.gap + RESOLUTION
    assert result.n_passes <= MOST < best.n_passes


@pytest.mark.usefixtures("any_sample")
def test_where_a_sample_tells_too_little_few_passes_are_given_up_before_they_are_many():
    rng = np.random.default_rng(0)
    X = rng.standard_t(1.0, size=(60_000, 8))
    eta = np.clip(X, -5.0, 5.0) @ rng.normal(size=(8, 3)) / 2.0
    rows, family = RowsInMemory(X, drawn(rng, eta)), Categorical(3)
    ordinary = solve(prepare(rows, family, tuning=Tuning(sampled_rows=0)), ridge(rows))
    prepared = prepare(rows, family)
    assert few_passes_pay(prepared, ridge(rows), None)
    result = solve(prepared, ridge(rows))
    assert result.status is Status.CONVERGED
    assert result.loss - ordinary.loss <= result.gap + RESOLUTION
    assert result.n_passes <= 2 * ordinary.n_passes
    # Those that were given up are counted, and told.
    most, told = most_iterations(prepared.likelihood) + 2, []
    few = solve(
        prepare(rows, family), ridge(rows), max_iter=most, report=lambda progress, *_: told.append(progress.iteration)
    )
    assert few.status is Status.ITERATIONS
    assert told == list(range(1, most + 1))
    assert few.n_iterations == most < few.n_evaluations


def test_a_column_that_is_far_from_0_does_not_count_as_one_that_separates():
    rng = np.random.default_rng(0)
    X = 1e6 + rng.normal(size=(2000, 1))
    y = (X[:, 0] - 1e6 + rng.logistic(size=len(X)) > 0.0).astype(np.int32)
    rows = RowsInMemory(X, y)
    # As they are given, not from an origin.
    result = solve(prepare(RowsFarAway(rows), Bernoulli()), ridge(rows, 0.0))
    assert result.status is not Status.SEPARATED
