import numpy as np
import pytest
from dense_newton import SoftmaxRegression
from problems import OVERLAPPING, PROBLEMS, REGRESSIONS, objective_of, regression, rows_and_family

from softglm.fit import fit
from softglm.model import Objective, Ridge
from softglm.model.intercept import solve_intercept
from softglm.model.proof import gradient_rounding
from softglm.model.proof.duality import duality_gap, strong_convexity_gap

ALPHA = 0.1
# Of two values of f of order 1, of which some are 100.
RESOLUTION = 1e-13


def proved(objective, point, value, gradient):
    return duality_gap(objective, point, value, gradient, gradient_rounding(objective, point, gradient))


def near_the_optimum(objective, distance):
    """A point at about this distance from the optimum, and f there and at the optimum."""
    best = fit(objective.rows, objective.family, objective.penalty, fit_intercept=objective.fit_intercept, tol=1e-10)
    optimum = objective.centred(best.coef, best.intercept)
    point = optimum + distance * np.random.default_rng(0).normal(size=optimum.shape)
    return point, *objective.evaluate(point), best.loss


@pytest.mark.parametrize("distance", [3.0, 0.1, 1e-3, 1e-5, 0.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("offset", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("name", REGRESSIONS)
def test_it_is_never_below_the_gap(name, weighted, offset, fit_intercept, distance):
    rows, family = regression(name, weighted=weighted, offset=offset)
    objective = objective_of(rows, family, ALPHA, fit_intercept=fit_intercept)
    *here, optimum = near_the_optimum(objective, distance)
    assert proved(objective, *here) >= here[1] - optimum - RESOLUTION


@pytest.mark.parametrize("alpha", [1e-3, 1.0])
@pytest.mark.parametrize("distance", [1.0, 1e-2, 1e-4])
@pytest.mark.parametrize("name", PROBLEMS)
def test_it_is_never_below_the_gap_to_the_optimum_of_another_program(name, distance, alpha):
    data = PROBLEMS[name]()
    objective = objective_of(*rows_and_family(data), alpha)
    point, value, gradient, _ = near_the_optimum(objective, distance / np.sqrt(np.mean(data.dense**2)))
    optimum = SoftmaxRegression(data, alpha).optimum().value
    assert proved(objective, point, value, gradient) >= value - optimum - RESOLUTION


@pytest.mark.parametrize("name", OVERLAPPING)
def test_it_vanishes_in_proportion_to_the_distance(name):
    objective = objective_of(*rows_and_family(PROBLEMS[name]()), ALPHA)
    scale = 1e-3 / np.abs(near_the_optimum(objective, 0.0)[0]).max()
    far, near = (proved(objective, *near_the_optimum(objective, d * scale)[:3]) for d in (1e-3, 1e-6))
    assert 0.0 < near < 2e-3 * far


@pytest.mark.parametrize("name", REGRESSIONS)
def test_with_the_best_intercepts_it_is_that_of_strong_convexity(name):
    rows, family = regression(name, offset=True)
    objective = objective_of(rows, family, ALPHA)
    point = solve_intercept(objective, near_the_optimum(objective, 0.1)[0])[0]
    value, gradient = objective.evaluate(point)
    expected = (gradient[: rows.n_features] ** 2).sum() / (2 * ALPHA)
    np.testing.assert_allclose(proved(objective, point, value, gradient), expected, rtol=1e-9)
    np.testing.assert_allclose(strong_convexity_gap(objective, gradient), expected, rtol=1e-12)


@pytest.mark.parametrize("distance", [1.0, 1e-2, 1e-4])
def test_each_coefficient_may_have_its_own_strength(distance):
    rows, family = regression("categorical", offset=True)
    strength = np.append(np.logspace(-2.0, 1.0, rows.n_features), 0.0)
    objective = Objective(rows, family, Ridge(strength), fit_intercept=True)
    *here, optimum = near_the_optimum(objective, distance)
    assert proved(objective, *here) >= here[1] - optimum - RESOLUTION


def test_nothing_is_known_where_a_coefficient_is_not_penalised():
    rows, family = regression("categorical")
    strength = np.append(np.ones(rows.n_features), 0.0)
    strength[1] = 0.0
    objective = Objective(rows, family, Ridge(strength), fit_intercept=True)
    *here, _ = near_the_optimum(objective, 1e-3)
    assert proved(objective, *here) == np.inf
