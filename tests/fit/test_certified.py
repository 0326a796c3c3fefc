"""What is known of parameters whichever way a fit beside them was proved: with a Hessian or without."""

import numpy as np
import pytest
from dense_newton import in_columns, truth_of
from fits import TOO_LARGE_FOR_THE_HESSIAN
from problems import PROBLEMS, rows_and_family
from scipy.special import softmax

from softglm.fit import certified, compared_elsewhere, prepare
from softglm.model import ElasticNet, Ridge
from softglm.solver import GapKind
from softglm.tuning import Tuning

# Of the truth, which is Newton's method in double precision.
ROUNDING = 1e-11
# What divergences alone lose, the root of a gap of 1e-9 times n over the weight of a row.
LOOSE = 1e-2
NO_HESSIAN = Tuning(**TOO_LARGE_FOR_THE_HESSIAN)


def prepared(name, tuning=None):
    data = PROBLEMS[name]()
    options = {} if tuning is None else {"tuning": tuning}
    return data, prepare(*rows_and_family(data), **options)


def moved_from(optimum, q, size):
    rng = np.random.default_rng(0)
    coef, intercept = (np.diff(each, axis=-1) if q == 1 else each for each in (optimum.coef, optimum.intercept))
    return coef + size * rng.normal(size=coef.shape), intercept + size * rng.normal(size=intercept.shape)


@pytest.mark.parametrize("tuning", [None, NO_HESSIAN], ids=["with a Hessian", "without"])
@pytest.mark.parametrize("name", ["many_classes", "two_classes_with_offset", "weighted_with_offset", "sparse_rows"])
def test_bounds_hold_with_a_hessian_or_without(name, tuning):
    data, known = prepared(name, tuning)
    truth, optimum, _ = truth_of(name, 1.0)
    ridge = Ridge.on_coefficients(1.0 / data.total_weight, known.rows.n_features, fit_intercept=True)
    best = softmax(truth.X @ optimum.coef + optimum.intercept + truth.offset, axis=1)
    for size in (0.0, 1e-4, 0.3):
        coef, intercept = moved_from(optimum, known.family.n_parameters, size)
        found = certified(known, ridge, coef, intercept)
        true_gap = truth.value(coef, intercept) - optimum.value
        assert found.least_gap - ROUNDING <= true_gap <= found.gap + ROUNDING
        given = softmax(truth.X @ in_columns(coef) + in_columns(intercept) + truth.offset, axis=1)
        errors = np.abs(given - best).max(axis=1)
        assert (errors <= found.bounds.errors + ROUNDING).all()
        assert found.bounds.may_change[given.argmax(axis=1) != best.argmax(axis=1)].all()
        weighs = data.row_weights > 0.0
        np.testing.assert_allclose(found.bounds.errors[weighs], errors[weighs], atol=LOOSE)
        assert (found.elsewhere is None) == (tuning is not None)
        if found.elsewhere is not None:
            there = compared_elsewhere(found, known.rows)
            assert (errors <= there.errors + ROUNDING).all()
            # Of a row that was fitted both bounds hold.
            assert (found.bounds.errors <= there.errors + ROUNDING).all()


def test_the_hessian_proves_more_than_the_fit_had_to():
    _, known = prepared("many_classes")
    ridge = Ridge.on_coefficients(0.5, known.rows.n_features, fit_intercept=True)
    found = certified(known, ridge, np.zeros((4, 7)), np.zeros(7))
    assert found.fit.gap_kind is GapKind.SELF_CONCORDANCE
    assert found.fit.gap <= 1e-17


def test_without_a_penalty_and_a_hessian_there_are_estimates():
    _, known = prepared("many_classes", NO_HESSIAN)
    nothing = Ridge.on_coefficients(0.0, known.rows.n_features, fit_intercept=True)
    found = certified(known, nothing, np.zeros((4, 7)), np.zeros(7))
    assert found.fit.gap_kind is GapKind.ESTIMATE
    assert found.elsewhere is None


def test_what_the_objective_adds_beside_the_optimum_is_in_the_gap():
    _, known = prepared("two_classes")
    ridge = Ridge.on_coefficients(0.1, known.rows.n_features, fit_intercept=True)
    one, other = (certified(known, ridge, np.ones((4, 1)), np.zeros(1), beside=beside) for beside in (0.0, 0.25))
    for name in ("loss", "gap", "least_gap"):
        assert getattr(other, name) == getattr(one, name) + 0.25


def test_under_a_lasso_bounds_hold_for_the_rows_that_were_fitted():
    data, known = prepared("overlapping")
    lasso = ElasticNet.on_coefficients(0.05, 1.0, np.ones(4), fit_intercept=True)
    best = certified(known, lasso, np.zeros((4, 3)), np.zeros(3)).fit
    coef = best.coef + 0.1
    found = certified(known, lasso, coef, best.intercept)
    assert found.fit.gap_kind is GapKind.DUALITY
    assert found.loss - best.loss <= found.gap + ROUNDING
    errors = softmax(data.X @ coef + best.intercept, axis=1) - softmax(data.X @ best.coef + best.intercept, axis=1)
    np.testing.assert_allclose(found.bounds.errors, np.abs(errors).max(axis=1), atol=1e-5)


def test_parameters_that_are_too_large_for_the_arithmetic_are_said_nothing_of():
    _, known = prepared("two_classes")
    ridge = Ridge.on_coefficients(0.1, known.rows.n_features, fit_intercept=True)
    found = certified(known, ridge, np.full((4, 1), 1e300), np.zeros(1))
    assert (found.gap, found.least_gap) == (np.inf, 0.0)
    assert (found.bounds.errors <= 1.0).all()
