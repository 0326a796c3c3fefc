"""A few of the rows hold f up from below, wherever it is asked: what they prove is true, and near what they can."""

import numpy as np
import pytest
from far_away import MANY_ROWS

from softglm.data import Draw, RowsInMemory, survey
from softglm.fit import prepare, solve
from softglm.model import Ridge
from softglm.model.coordinates import scaled_coordinates, second_moments
from softglm.model.proof.rounding import gradient_rounding, sharp_rounding
from softglm.model.tangent import Tangent, gap_by_sample

# What values of order 1 are off by.
RESOLUTION = 1e-12
# A sample of a fifth of the rows proves a gap that is about five times as large, and a bit more.
SHARE, LOOSE = 0.2, 1.3
# What a gradient may be off by for a proof to be out of reach.
TOO_MUCH = 1e6
# So near f is a quadratic.
NEAR = 1e-3


@pytest.fixture(scope="module", params=MANY_ROWS)
def problem(request):
    rows, family = MANY_ROWS[request.param](n=5000)
    prepared = prepare(rows, family)
    objective = prepared.likelihood.with_penalty(Ridge.on_coefficients(1e-4, rows.n_features, fit_intercept=True))
    sample = survey(rows, Draw(SHARE, family.n_parameters)).sample()
    best = solve(prepared, objective.penalty, tol=1e-12)
    squares, _ = rows.sum(second_moments(objective, is_full=False))
    coordinates = scaled_coordinates(objective, prepared.null.information, squares)
    return objective, sample, coordinates, objective.centred(best.coef, best.intercept), best.loss


def never():
    raise AssertionError("a pass that is not needed")


def near(best, size, seed):
    return best + size * np.random.default_rng(seed).normal(size=best.shape)


@pytest.mark.parametrize("size", [1e-4, 1e-2, 1.0])
def test_f_is_nowhere_below_its_tangent_held_up_by_a_sample(problem, size):
    objective, sample, _, best, _ = problem
    point = near(best, 0.1, 0)
    value, gradient = objective.evaluate(point)
    below = objective.tilted(RowsInMemory(*sample.parts), sample.multiplicity, point, gradient)
    lowest, own = below.evaluate(point)
    np.testing.assert_allclose(own, gradient, rtol=0.0, atol=RESOLUTION)
    for seed in range(1, 4):
        elsewhere = near(point, size, seed)
        assert below.evaluate(elsewhere)[0] - lowest <= objective.evaluate(elsewhere)[0] - value + RESOLUTION


@pytest.mark.parametrize("distance", [NEAR, 1e-2, 1e-1])
def test_its_minimum_bounds_the_gap_and_is_no_lower_than_it_has_to_be(problem, distance):
    objective, sample, coordinates, best, least = problem
    # As far in the units of each column: raw ones span 1e4.
    point = best + distance * coordinates.displacement(np.random.default_rng(1).normal(size=coordinates.scales.size))
    value, gradient = objective.evaluate(point)
    here = Tangent(point, gradient, gradient_rounding(objective, point, gradient), never)
    gap = gap_by_sample(objective, sample, coordinates, here, allowed=np.inf)
    assert value - least <= gap + RESOLUTION
    if distance == NEAR:
        assert gap <= LOOSE * sample.multiplicity * (value - least)
    if value - least > RESOLUTION:
        assert gap_by_sample(objective, sample, coordinates, here, allowed=0.0) == np.inf


def test_where_rounding_alone_is_in_the_way_it_is_bounded_sharply(problem):
    objective, sample, coordinates, best, least = problem
    point = best + NEAR * coordinates.displacement(np.random.default_rng(1).normal(size=coordinates.scales.size))
    value, gradient = objective.evaluate(point)
    sharp = sharp_rounding(objective, point, is_centred=False).bound
    loose = Tangent(point, gradient, np.full_like(gradient, TOO_MUCH), lambda: sharp)
    gap = gap_by_sample(objective, sample, coordinates, loose, allowed=np.inf)
    assert value - least <= gap + RESOLUTION
    assert gap < np.inf
    still = loose._replace(sharp=lambda: loose.rounding)
    assert gap_by_sample(objective, sample, coordinates, still, allowed=np.inf) == np.inf
