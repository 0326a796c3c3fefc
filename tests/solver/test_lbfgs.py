from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import pytest

from softglm.arrays import FloatArray
from softglm.solver.curvature import Curvature
from softglm.solver.lbfgs import lbfgs
from softglm.solver.line_search import Iterate, _farther, _next_length, _Trial

# The constants of sufficient decrease and of curvature, which the search promises.
DECREASE, CURVATURE = 1e-4, 0.9
# Iterates in transformed coordinates drift apart by their condition, at most 1e4, times rounding per iteration.
SAME_PATH = {"rtol": 1e-8, "atol": 1e-10}


@dataclass(frozen=True)
class Linear:
    """The metric L L' of a lower triangular L; the identity by default."""

    factor: FloatArray

    def whiten(self, gradient):
        return np.linalg.solve(self.factor, gradient)

    def unwhiten(self, vector):
        return np.linalg.solve(self.factor.T, vector)


def quadratic(size, *, seed=0):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size)) * np.logspace(0.0, 1.0, size)
    matrix, center = root @ root.T + np.identity(size), rng.normal(size=size)

    def function(x):
        return 0.5 * (x - center) @ matrix @ (x - center), matrix @ (x - center)

    return function


def logistic(size, *, seed=0):
    """A sum of log cosh, on whose far slopes a Newton step overshoots."""
    slopes = 3.0 * np.random.default_rng(seed).normal(size=(2 * size, size))

    def function(x):
        z = slopes @ x - 1.0
        return np.sum(np.logaddexp(z, -z)), slopes.T @ np.tanh(z)

    return function


def quartic(size, *, seed=0):
    shift = np.random.default_rng(seed).normal(size=size)
    return lambda x: (np.sum((x - shift) ** 4), 4.0 * (x - shift) ** 3)


def steep_exponential(size, *, seed=0):
    """Not a number beyond a wall that the first steps run into."""
    weights = np.random.default_rng(seed).exponential(size=size) + 0.5

    def function(x):
        if abs(x).max() > 50.0:
            return np.nan, np.full(size, np.nan)
        return weights @ (np.exp(x) + np.exp(-2.0 * x)), weights * (np.exp(x) - 2 * np.exp(-2 * x))

    return function


FUNCTIONS = {make.__name__: make for make in (quadratic, logistic, quartic, steep_exponential)}


class Recorded:
    """A function that remembers the points tried, those of each step apart."""

    def __init__(self, function):
        self.function, self.tried = function, [[]]

    def evaluate(self, point):
        self.tried[-1].append(point)
        return Iterate(point, *self.function(point))


def run(function, start, *, factor=None, n_iterations=8, known=None):
    """All accepted iterates, the first included, and for each iteration the points tried.

    Each estimate of the gap has to be half the slope of the step that would be tried next.
    """
    first, recorded = Iterate(start, *function(start)), Recorded(function)
    accepted, tried, estimates = [first], recorded.tried, []
    if known is None:
        known = Curvature(Linear(np.identity(len(start)) if factor is None else factor))
    for here, estimate in islice(lbfgs(recorded, first, known, rounding=1e-13), n_iterations):
        accepted.append(here)
        estimates.append(estimate)
        tried.append([])
    for here, (trial, *_), estimate in zip(accepted[1:], filter(None, tried[1:]), estimates, strict=False):
        np.testing.assert_allclose(estimate, here.gradient @ (here.point - trial) / 2.0, rtol=1e-6)
    return accepted, tried


@pytest.mark.parametrize("far", [0.0, 1.0, 10.0])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_step_satisfies_the_wolfe_conditions(name, far):
    accepted, _ = run(FUNCTIONS[name](6), np.full(6, far))
    assert len(accepted) > 2
    for before, after in pairwise(accepted):
        slope = before.gradient @ (after.point - before.point)
        assert slope < 0.0
        assert after.gradient @ (after.point - before.point) >= CURVATURE * slope
        # Where the decrease is rounding, the slopes tell alone.
        rounding = 1e-13 * (1.0 + abs(before.value))
        assert after.value <= before.value + DECREASE * slope + rounding


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_metric_is_a_change_of_coordinates(name):
    function, start = FUNCTIONS[name](5), np.full(5, 0.5)
    rng = np.random.default_rng(1)
    factor = np.tril(rng.normal(size=(5, 5))) + 4.0 * np.diag(np.logspace(-1.0, 1.0, 5))
    back = np.linalg.inv(factor).T

    def transformed(v):
        value, gradient = function(back @ v)
        return value, back.T @ gradient

    preconditioned, _ = run(function, start, factor=factor, n_iterations=6)
    plain, _ = run(transformed, factor.T @ start, n_iterations=6)
    assert len(plain) == len(preconditioned) == 7
    for one, other in zip(preconditioned, plain, strict=True):
        np.testing.assert_allclose(one.point, back @ other.point, **SAME_PATH)
        np.testing.assert_allclose(one.value, other.value, **SAME_PATH)


def inverse_after(pairs, size):
    """The dense BFGS inverse (Nocedal & Wright 2006, equation 6.17), from the usual multiple of the identity."""
    step, change = pairs[-1]
    inverse = (step @ change) / (change @ change) * np.identity(size)
    for step, change in pairs:
        scale = 1.0 / (step @ change)
        projection = np.identity(size) - scale * np.outer(step, change)
        inverse = projection @ inverse @ projection.T + scale * np.outer(step, step)
    return inverse


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_first_trial_is_the_dense_bfgs_step(name):
    accepted, tried = run(FUNCTIONS[name](6), np.full(6, 0.7), n_iterations=7)
    np.testing.assert_allclose(tried[0][0], accepted[0].point - accepted[0].gradient)
    for k in range(1, len(accepted) - 1):
        pairs = [
            (accepted[i + 1].point - accepted[i].point, accepted[i + 1].gradient - accepted[i].gradient)
            for i in range(k)
        ]
        here = accepted[k]
        expected = here.point - inverse_after(pairs, 6) @ here.gradient
        np.testing.assert_allclose(tried[k][0], expected, **SAME_PATH)


def test_only_the_last_ten_steps_are_remembered():
    accepted, tried = run(logistic(20), np.full(20, 0.7), n_iterations=14)
    pairs = [
        (after.point - before.point, after.gradient - before.gradient) for before, after in pairwise(accepted[3:14])
    ]
    here = accepted[13]
    expected = here.point - inverse_after(pairs, 20) @ here.gradient
    np.testing.assert_allclose(tried[13][0], expected, **SAME_PATH)


def test_the_newton_step_of_an_exact_metric_is_tried_first_and_accepted():
    function, start = quadratic(6), np.zeros(6)
    matrix = np.array([function(unit)[1] - function(start)[1] for unit in np.identity(6)])
    accepted, tried = run(function, start, factor=np.linalg.cholesky(matrix), n_iterations=1)
    assert len(tried[0]) == 1
    np.testing.assert_allclose(accepted[1].gradient, 0.0, atol=1e-10 * abs(matrix).max())


def test_a_memory_is_carried_on_from_stage_to_stage():
    function, start = logistic(6), np.full(6, 0.7)
    whole, _ = run(function, start, n_iterations=6)
    known = Curvature(Linear(np.identity(6)))
    first, _ = run(function, start, n_iterations=3, known=known)
    second, _ = run(function, first[-1].point, n_iterations=3, known=known)
    np.testing.assert_array_equal(whole[-1].point, second[-1].point)


@pytest.mark.parametrize("n_iterations", [1, 3, 12])
def test_the_way_since_the_metric_was_made_is_counted(n_iterations):
    factor = np.tril(np.ones((6, 6))) + np.diag(np.logspace(-1.0, 1.0, 6))
    known = Curvature(Linear(factor))
    accepted, _ = run(logistic(6), np.full(6, 0.7), n_iterations=n_iterations, known=known)
    way = factor.T @ (accepted[-1].point - accepted[0].point)
    np.testing.assert_allclose(known.distance, np.linalg.norm(way), **SAME_PATH)


def test_nothing_is_tried_beyond_the_step_that_was_asked_for():
    recorded, start = Recorded(logistic(6)), np.full(6, 0.7)
    steps = lbfgs(recorded, Iterate(start, *logistic(6)(start)), Curvature(Linear(np.identity(6))), rounding=1e-13)
    assert recorded.tried == [[]]
    here, _ = next(steps)
    assert recorded.tried[-1][-1] is here.point


def test_nothing_is_accepted_where_no_direction_descends():
    accepted, tried = run(quadratic(3), np.array([1.0, 1.0, 1.0]) * np.nan)
    assert len(accepted) == 1
    assert tried == [[]]


def test_the_starting_point_is_not_modified():
    start = np.full(6, 0.7)
    run(logistic(6), start)
    np.testing.assert_array_equal(start, np.full(6, 0.7))


@pytest.mark.parametrize("value", [-1e-3, 0.0, 1.0, 1e5, 1e170, 1e300, np.inf, np.nan])
@pytest.mark.parametrize("slope", [1e-3, 1.0, 1e172, 1e300, np.inf, np.nan])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.3, 0.5)])
def test_the_next_length_is_well_inside_the_bracket_whatever_is_found_at_its_end(value, slope, low, high):
    with np.errstate(over="ignore", invalid="ignore"):
        length = _next_length(_Trial(low, 0.0, -1.0), _Trial(high, value, slope))
    assert low + 0.04 * (high - low) < length < high - 0.04 * (high - low)


def test_the_next_length_is_where_a_cubic_is_lowest():
    low, high = (_Trial(x, x**3 - 0.27 * x, 3.0 * x**2 - 0.27) for x in (0.0, 1.0))
    np.testing.assert_allclose(_next_length(low, high), 0.3)


def test_farther_on_is_where_a_quadratic_is_lowest_or_four_times_as_far():
    np.testing.assert_allclose(_farther(_Trial(1.0, 0.0, -2.0), -3.0), 3.0)
    assert _farther(_Trial(1.0, 0.0, -2.9), -3.0) == 4.0
    assert _farther(_Trial(2.0, 0.0, -3.5), -3.0) == 8.0
