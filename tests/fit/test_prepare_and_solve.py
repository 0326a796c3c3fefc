"""Rows are prepared once for any number of penalties: the same optima, without what no penalty changes again."""

import numpy as np
import pytest
from fits import SAME_OPTIMUM
from problems import OVERLAPPING, PROBLEMS, REGRESSIONS, SMALL_BLOCKS, regression, rows_and_family
from sklearn.datasets import load_digits

from softglm.data import RowsInMemory
from softglm.families import Categorical
from softglm.fit import Handover, Start, fit, prepare, solve
from softglm.model import GLM, Ridge
from softglm.status import Status
from softglm.sweep import sweep
from softglm.tuning import Tuning

# Two proofs of a relative gap of 1e-8, and the rounding of losses of order 1.
SAME_LOSS = {"rtol": 1e-8, "atol": 1e-12}
# Every problem is one of many rows, of which a part tells enough to begin with.
SAMPLED = Tuning(held_numbers=0, rows_per_feature=2, least_sample=8, few_entries=0, unusual=0.0)
WAYS = {
    "in memory": Tuning(),
    "read in double precision": Tuning(held_numbers=0, in_single_precision=False),
    "read in single precision": Tuning(held_numbers=0),
    "sampled": SAMPLED,
}
FEW_OF_THEM = ["overlapping", "many_classes", "sparse_rows", "weighted_with_offset", "badly_scaled", "wide"]
NARROW = sorted(set(PROBLEMS) - {"wide"})
# Times 1 / W, from the strongest.
SWEEP = np.geomspace(1e2, 1e-2, 10)


def ridge(rows, alpha, **options):
    return Ridge.on_coefficients(alpha, rows.n_features, **{"fit_intercept": True, **options})


def problem_of(name):
    data = PROBLEMS[name]()
    return *rows_and_family(data, SMALL_BLOCKS), data.total_weight


def same_bits(one, other):
    assert one.n_passes == other.n_passes
    assert one.status is other.status
    assert one.loss == other.loss
    assert one.gap == other.gap
    np.testing.assert_array_equal(one.coef, other.coef)
    np.testing.assert_array_equal(one.intercept, other.intercept)


def same_optimum(one, other):
    assert one.status is other.status is Status.CONVERGED
    np.testing.assert_allclose(one.loss, other.loss, **SAME_LOSS)
    np.testing.assert_allclose(one.coef, other.coef, **SAME_OPTIMUM)
    np.testing.assert_allclose(one.intercept, other.intercept, **SAME_OPTIMUM)


@pytest.mark.parametrize("alpha_times_weight", [0.0, 1.0])
@pytest.mark.parametrize("tuning", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_prepare_and_solve_have_the_bits_of_fit(name, tuning, alpha_times_weight):
    rows, family, weight = problem_of(name)
    penalty = ridge(rows, alpha_times_weight / weight)
    same_bits(solve(prepare(rows, family, tuning=tuning), penalty), fit(rows, family, penalty, tuning=tuning))


@pytest.mark.parametrize("name", REGRESSIONS)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_so_they_have_with_every_option(name, fit_intercept):
    rows, family = regression(name, weighted=True)
    penalty = ridge(rows, 0.01, fit_intercept=fit_intercept)
    start = Start(np.full((rows.n_features, family.n_parameters), 0.1), np.zeros(family.n_parameters))
    options = {"tol": 1e-6, "max_iter": 5, "precision": np.float32}
    same_bits(
        solve(prepare(rows, family, fit_intercept=fit_intercept), penalty, start, **options),
        fit(rows, family, penalty, start, fit_intercept=fit_intercept, **options),
    )


def passes_of_the_preparation(rows, family, penalty, tuning):
    """How many passes are made before a solver is asked, for what no penalty changes."""
    prepared = prepare(rows, family, tuning=tuning)
    prepared.null  # noqa: B018 - the first to be made
    if not penalty.curvature.any():
        prepared.collinearity  # noqa: B018 - and this where nothing is penalised
    GLM.starting_at_null(prepared, prepared.passes(penalty))
    return prepared.count.n_passes


@pytest.mark.parametrize("tuning", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", NARROW)
def test_a_second_penalty_finds_its_optimum_without_a_second_preparation(name, tuning):
    rows, family, weight = problem_of(name)
    # The chances of rows to be drawn are as the first penalty has them: with others the way is another one.
    strengths = (0.03, 0.03) if tuning is SAMPLED else (1.0, 0.03)
    first, second = (ridge(rows, strength / weight) for strength in strengths)
    prepared = prepare(rows, family, tuning=tuning)
    solve(prepared, first)
    fresh, again = fit(rows, family, second, tuning=tuning), solve(prepared, second)
    same_optimum(again, fresh)
    saved = passes_of_the_preparation(rows, family, second, tuning)
    assert saved >= 2
    assert again.n_passes == fresh.n_passes - saved


@pytest.mark.parametrize("tuning", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", NARROW)
def test_once_the_rows_are_prepared_another_penalty_takes_no_pass_to_begin_with(name, tuning):
    rows, family, weight = problem_of(name)
    prepared = prepare(rows, family, tuning=tuning)
    solve(prepared, ridge(rows, 1.0 / weight))
    before = prepared.count.n_passes
    for strength in (0.01, 1.0, 100.0):
        GLM.starting_at_null(prepared, prepared.passes(ridge(rows, strength / weight)))
    assert prepared.count.n_passes == before


@pytest.mark.parametrize("tuning", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", OVERLAPPING)
def test_so_it_does_where_nothing_is_penalised(name, tuning):
    rows, family, _ = problem_of(name)
    prepared, penalty = prepare(rows, family, tuning=tuning), ridge(rows, 0.0)
    first, again = solve(prepared, penalty), solve(prepared, penalty)
    same_optimum(again, first)
    assert again.n_passes == first.n_passes - passes_of_the_preparation(rows, family, penalty, tuning)


@pytest.mark.parametrize("tuning", WAYS.values(), ids=WAYS)
def test_wide_rows_are_reduced_once(tuning):
    rows, family, weight = problem_of("wide")
    prepared, penalty = prepare(rows, family, tuning=tuning), ridge(rows, 1.0 / weight)
    solve(prepared, penalty)
    fresh, again = fit(rows, family, ridge(rows, 0.1), tuning=tuning), solve(prepared, ridge(rows, 0.1))
    same_optimum(again, fresh)
    reduced, _ = prepared.reduced(penalised=True)
    # The rows are read for their space and, to prove of them what was found there, for their moments.
    saved = 2 + passes_of_the_preparation(reduced.rows, family, ridge(reduced.rows, 0.1), tuning)
    assert again.n_passes == fresh.n_passes - saved


@pytest.mark.parametrize("tuning", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", FEW_OF_THEM)
def test_the_order_of_the_penalties_changes_no_optimum(name, tuning):
    rows, family, weight = problem_of(name)
    penalties = [ridge(rows, strength / weight) for strength in (0.1, 0.0, 10.0)]
    if name == "wide":
        del penalties[1]  # there is no estimate
    there, back = prepare(rows, family, tuning=tuning), prepare(rows, family, tuning=tuning)
    forwards = [solve(there, penalty) for penalty in penalties]
    backwards = [solve(back, penalty) for penalty in reversed(penalties)][::-1]
    once_more = [solve(there, penalty) for penalty in penalties]
    for one, other, third, penalty in zip(forwards, backwards, once_more, penalties, strict=True):
        fresh = fit(rows, family, penalty, tuning=tuning)
        for result in (one, other, third):
            same_optimum(result, fresh)


@pytest.mark.parametrize("tuning", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", FEW_OF_THEM)
def test_a_sweep_that_starts_where_the_last_fit_ended_takes_fewer_passes_than_its_fits_alone(name, tuning):
    rows, family, weight = problem_of(name)
    penalties = [ridge(rows, strength / weight) for strength in SWEEP]
    prepared, start, warm = prepare(rows, family, tuning=tuning), None, []
    for penalty in penalties:
        warm.append(solve(prepared, penalty, start))
        start = Start(warm[-1].coef, warm[-1].intercept)
    cold = [fit(rows, family, penalty, tuning=tuning) for penalty in penalties]
    for one, other in zip(warm, cold, strict=True):
        same_optimum(one, other)
    assert sum(one.n_passes for one in warm) < sum(one.n_passes for one in cold)
    assert prepared.count.n_passes == sum(one.n_passes for one in warm)


def test_where_hessians_are_dear_the_one_that_is_left_to_the_next_fit_saves_evaluations_and_hessians():
    X, y = load_digits(return_X_y=True)
    rows, family = RowsInMemory(X, y.astype(np.int32)), Categorical(10)
    penalties = [ridge(rows, strength / len(y)) for strength in np.geomspace(10.0, 1e-2, 6)]
    prepared, start, alone = prepare(rows, family), None, []
    for penalty in penalties:
        alone.append(solve(prepared, penalty, start))
        start = Start(alone[-1].coef, alone[-1].intercept)
    swept = list(sweep(prepare(rows, family), penalties))
    for one, other in zip(swept, alone, strict=True):
        np.testing.assert_allclose(one.loss, other.loss, **SAME_LOSS)
    assert sum(one.n_evaluations for one in swept) < 0.8 * sum(one.n_evaluations for one in alone)
    assert sum(one.n_refreshes for one in swept) < 0.8 * sum(one.n_refreshes for one in alone)


@pytest.mark.parametrize("name", FEW_OF_THEM)
def test_a_fit_that_begins_where_the_last_two_lead_takes_fewer_evaluations(name):
    rows, family, weight = problem_of(name)
    penalties = [ridge(rows, strength / weight) for strength in np.geomspace(1e2, 1e-2, 12)]
    prepared, start, warm = prepare(rows, family), None, []
    for penalty in penalties:
        warm.append(solve(prepared, penalty, start))
        start = Start(warm[-1].coef, warm[-1].intercept)
    swept = list(sweep(prepare(rows, family), penalties))
    for one, other in zip(swept, warm, strict=True):
        same_optimum(one, other)
    assert sum(one.n_evaluations for one in swept) < 0.95 * sum(one.n_evaluations for one in warm)


@pytest.mark.parametrize(
    "strengths", [(1.0, 1.0, 0.1), (1.0, 0.99, 1e-6), (1e200, 1e-200, 1.0), (0.1, 0.0, 1.0), (0.1, 1.0, 0.1, 10.0)]
)
def test_strengths_of_a_sweep_may_come_in_any_order(strengths):
    rows, family, weight = problem_of("overlapping")
    penalties = [ridge(rows, strength / weight) for strength in strengths]
    for one, penalty in zip(sweep(prepare(rows, family), penalties), penalties, strict=True):
        same_optimum(one, fit(rows, family, penalty))


def test_a_hessian_is_left_to_fits_of_the_same_rows_under_a_penalty_nearby():
    rows, family, weight = problem_of("many_classes")
    prepared, handover = prepare(rows, family, tuning=Tuning(held_numbers=0, in_single_precision=False)), Handover()
    solve(prepared, ridge(rows, 1.0 / weight), handover=handover)

    def is_known(whose, strength):
        return handover.known(whose.likelihood.with_penalty(ridge(rows, strength / weight))) is not None

    assert is_known(prepared, 0.1)
    assert not is_known(prepared, 1e-3)
    assert not is_known(prepared, 0.0)
    assert not is_known(prepare(rows, family), 1.0)


def test_a_fit_that_is_refused_leaves_what_is_prepared_as_it_was():
    rows, family, weight = problem_of("overlapping")
    prepared, penalty = prepare(rows, family), ridge(rows, 1.0 / weight)
    with pytest.raises(ValueError, match="row of the intercepts"):
        solve(prepared, Ridge(np.ones(rows.n_features + 1)))
    assert prepared.count.n_passes == 0
    same_bits(solve(prepared, penalty), fit(rows, family, penalty))
