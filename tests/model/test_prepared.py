"""What is prepared is made when it is first asked for, once, whatever the penalties are."""

import numpy as np
import pytest
from problems import PROBLEMS, REGRESSIONS, SMALL_BLOCKS, objective_of, regression, rows_and_family, wide

from softglm.data import CountedRows, PassCount, RowsInMemory
from softglm.families import Categorical
from softglm.model import Prepared, Ridge, null_coordinates, null_model
from softglm.model.coordinates import second_moments
from softglm.model.passes import CachedPasses, StreamedPasses
from softglm.tuning import Tuning

# Sums of some hundred terms in another order.
ROUNDING = {"rtol": 1e-10, "atol": 1e-12}
READ = Tuning(held_numbers=0, in_single_precision=False)
SAMPLED = Tuning(held_numbers=0, rows_per_feature=2, least_sample=8, few_entries=0, unusual=0.0)


def prepared_of(name, tuning=READ, **options):
    rows, family = rows_and_family(PROBLEMS[name](), SMALL_BLOCKS)
    return Prepared(rows, family, fit_intercept=True, tuning=tuning, **options)


def ridge(prepared, alpha):
    return Ridge.on_coefficients(alpha, prepared.rows.n_features, fit_intercept=prepared.fit_intercept)


def passes_of(prepared, act):
    before = prepared.count.n_passes
    act()
    return prepared.count.n_passes - before


PARTS = {
    "likelihood": lambda prepared: prepared.likelihood,
    "null": lambda prepared: prepared.null,
    "held": lambda prepared: prepared.held,
    "rounded": lambda prepared: prepared.rounded,
    "pilot moments": lambda prepared: prepared.pilot_moments(is_full=True),
    "their diagonal": lambda prepared: prepared.pilot_moments(is_full=False),
    "null moments": lambda prepared: prepared.null_moments(is_full=True),
    "their diagonal at the null model": lambda prepared: prepared.null_moments(is_full=False),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("tuning", [Tuning(), READ, Tuning(held_numbers=0), SAMPLED])
@pytest.mark.parametrize("name", ["overlapping", "weighted_with_offset", "sparse_rows", "two_classes_with_offset"])
def test_every_part_is_made_once(name, tuning, part):
    prepared = prepared_of(name, tuning)
    part(prepared)
    assert passes_of(prepared, lambda: part(prepared)) == 0


def test_nothing_is_made_before_it_is_asked_for():
    prepared = prepared_of("overlapping")
    assert prepared.count.n_passes == 0
    prepared.passes(ridge(prepared, 1.0))
    # The first moments.
    assert prepared.count.n_passes == 1


@pytest.mark.parametrize("name", sorted(set(PROBLEMS) - {"weighted_with_offset", "two_classes_with_offset"}))
def test_a_null_model_without_an_offset_takes_no_pass_beside_the_moments(name):
    prepared = prepared_of(name)
    # Two others tell whether a column that seems constant is far from 0, or is so exactly; one sums about the means.
    expected = {"constant_column": 3, "badly_scaled": 2}.get(name, 1)
    assert passes_of(prepared, lambda: prepared.null) == expected


@pytest.mark.parametrize("name", ["weighted_with_offset", "two_classes_with_offset"])
def test_with_an_offset_it_takes_several(name):
    prepared = prepared_of(name)
    assert passes_of(prepared, lambda: prepared.likelihood) == 1
    assert passes_of(prepared, lambda: prepared.null) > 1


@pytest.mark.parametrize("name", REGRESSIONS)
@pytest.mark.parametrize("given", [{}, {"weighted": True}, {"weighted": True, "offset": True}])
def test_the_null_model_and_the_moments_are_those_of_the_objective(name, given):
    rows, family = regression(name, **given)
    objective = objective_of(rows, family, 0.0)
    expected, (sums, _) = null_model(objective), rows.sum(second_moments(objective))
    for tuning in (READ, Tuning()):
        prepared = Prepared(rows, family, fit_intercept=True, tuning=tuning)
        assert prepared.null.value == expected.value
        np.testing.assert_array_equal(prepared.null.parameters, expected.parameters)
        np.testing.assert_allclose(prepared.null_moments(is_full=True), sums, **ROUNDING)
    np.testing.assert_allclose(
        Prepared(rows, family, fit_intercept=True, tuning=READ).null_moments(is_full=False), sums.diagonal(), **ROUNDING
    )


@pytest.mark.parametrize("alpha", [0.0, 0.3, 7.0])
@pytest.mark.parametrize(("tuning", "kind"), [(Tuning(), CachedPasses), (READ, StreamedPasses)])
def test_passes_are_those_of_the_objective_with_the_penalty(alpha, tuning, kind):
    prepared = prepared_of("overlapping", tuning)
    passes = prepared.passes(ridge(prepared, alpha))
    assert type(passes) is kind
    assert prepared.rounded_passes(ridge(prepared, alpha)) is None
    point = np.random.default_rng(0).normal(size=passes.objective.shape)
    objective = objective_of(*rows_and_family(PROBLEMS["overlapping"]()), alpha)
    value, gradient = passes.evaluate(point)
    expected, slopes = objective.evaluate(point)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, slopes, **ROUNDING)


def test_a_likelihood_at_hand_is_taken_without_its_penalty_and_without_a_pass():
    rows, family = rows_and_family(PROBLEMS["overlapping"]())
    count = PassCount()
    objective = objective_of(CountedRows(rows, count), family, 3.0)
    prepared = Prepared(objective.rows, family, fit_intercept=True, count=count, likelihood=objective)
    assert passes_of(prepared, lambda: prepared.likelihood) == 0
    assert not prepared.likelihood.penalty.curvature.any()
    assert prepared.rows is objective.rows
    assert prepared.count is count


def test_rows_that_are_counted_already_are_not_counted_twice():
    rows, family = rows_and_family(PROBLEMS["overlapping"]())
    count = PassCount()
    prepared = Prepared(CountedRows(rows, count), family, fit_intercept=True, count=count)
    prepared.likelihood  # noqa: B018 - made here
    assert count.n_passes == 1


def choose(prepared):
    exact = null_coordinates(prepared.likelihood, prepared.null.information, prepared.null_moments(is_full=True))
    return prepared.choose_chances(exact)


def with_a_row_far_out():
    X = np.random.default_rng(0).normal(size=(400, 3))
    X[7] = 100.0
    return Prepared(
        RowsInMemory(X, np.arange(400, dtype=np.int32) % 3), Categorical(3), fit_intercept=True, tuning=SAMPLED
    )


def test_chances_are_chosen_once_and_told_by_one_pass():
    prepared = with_a_row_far_out()
    equal, before = prepared.sampling, prepared.pilot_moments(is_full=True)
    prepared.null_moments(is_full=True)
    assert passes_of(prepared, lambda: choose(prepared)) == 1
    chosen = prepared.sampling
    assert chosen is not equal
    # The pilot is another one, and what it tells.
    assert not np.array_equal(prepared.pilot_moments(is_full=True), before)
    assert passes_of(prepared, lambda: choose(prepared)) == 0
    assert choose(prepared) is False
    assert prepared.sampling is chosen


def test_where_all_rows_are_used_or_none_is_unusual_chances_stay_equal():
    for prepared in (prepared_of("balanced", Tuning()), prepared_of("balanced", READ)):
        equal = prepared.sampling
        assert choose(prepared) is False
        assert prepared.sampling is equal
        assert prepared.pilot is prepared.working.rows


@pytest.mark.parametrize("penalised", [True, False])
def test_wide_rows_are_reduced_once_into_the_same_account(penalised):
    rows, family = rows_and_family(wide())
    prepared = Prepared(rows, family, fit_intercept=True)
    assert passes_of(prepared, lambda: prepared.reduced(penalised=penalised)) == 1
    assert passes_of(prepared, lambda: prepared.reduced(penalised=penalised)) == 0
    reduced, space = prepared.reduced(penalised=penalised)
    assert reduced.rows.n_features == space.mixing.shape[1] < rows.n_rows
    assert reduced.count is prepared.count
    assert passes_of(prepared, lambda: reduced.likelihood) == 1


def test_they_are_reduced_again_where_columns_are_divided_by_another_scale_but_not_for_its_rounding():
    rows, family = rows_and_family(wide())
    prepared = Prepared(rows, family, fit_intercept=True)
    scale = np.linspace(0.1, 1.0, 60)
    assert passes_of(prepared, lambda: prepared.reduced(penalised=True, scale=scale)) == 1
    assert passes_of(prepared, lambda: prepared.reduced(penalised=True, scale=scale * (1.0 + 2e-16))) == 0
    assert passes_of(prepared, lambda: prepared.reduced(penalised=True, scale=scale * (1.0 + 1e-12))) == 1
    assert passes_of(prepared, lambda: prepared.reduced(penalised=True)) == 1


def test_that_they_cannot_be_reduced_is_remembered():
    data = wide()
    X = data.X * np.logspace(0.0, 9.0, 60)
    prepared = Prepared(RowsInMemory(X, data.y), Categorical(3), fit_intercept=True)
    assert passes_of(prepared, lambda: prepared.reduced(penalised=True)) == 1
    assert prepared.reduced(penalised=True) is None
    assert prepared.count.n_passes == 1
