"""Steps in a metric that is off are corrected by what was seen on the way."""

from itertools import islice

import numpy as np
import pytest

from softglm.solver import Iterate, accelerated
from softglm.solver.curvature import Curvature
from softglm.solver.pairs import Pairs

ROUNDING = {"rtol": 1e-9, "atol": 1e-11}
# Steps in a metric that is off by half come closer by half each: these are many fewer than would take.
FEW_STEPS = 14


class Inverse:
    """A metric, by its matrix."""

    def __init__(self, matrix):
        self.matrix = matrix

    def solve(self, gradient):
        return np.linalg.solve(self.matrix, gradient)


class Quadratic:
    """x'Ax / 2, of which metrics are known up to a factor for each direction."""

    def __init__(self, seed=0, size=6):
        rng = np.random.default_rng(seed)
        roots = rng.normal(size=(2, size, size))
        self.matrix = roots[0] @ roots[0].T + np.identity(size)
        self.known = self.matrix + roots[1] @ roots[1].T / 2.0
        self.n_renewed = 0

    def evaluate(self, point):
        return Iterate(point, float(point @ self.matrix @ point) / 2.0, self.matrix @ point)

    def renewed(self, _):
        self.n_renewed += 1
        return Inverse(self.known)


def test_the_inverse_hessian_is_that_of_bfgs_whatever_the_metric():
    rng = np.random.default_rng(0)
    function, pairs = Quadratic(), Pairs()
    inverse, identity = np.linalg.inv(function.known), np.identity(6)
    for step in rng.normal(size=(4, 6)):
        change = function.matrix @ step
        pairs.add(step, change)
        # Nocedal & Wright 2006, equation 6.17.
        left = identity - np.outer(step, change) / (step @ change)
        inverse = left @ inverse @ left.T + np.outer(step, step) / (step @ change)
    for gradient in rng.normal(size=(3, 6)):
        np.testing.assert_allclose(pairs.times(gradient, Inverse(function.known).solve), inverse @ gradient, **ROUNDING)


def test_the_first_step_goes_another_way_where_one_is_known_and_is_learned_from_as_all_are():
    function = Quadratic()
    start, known = function.evaluate(np.ones(6)), Curvature(Inverse(function.known))
    steps = accelerated(function, start, known, rounding=1e-13, way=lambda here: -0.9 * here.point)
    np.testing.assert_allclose(next(steps).here.point, 0.1 * start.point, **ROUNDING)
    # Whoever begins again has no other way: the step before counts.
    there = function.evaluate(0.1 * start.point)
    again = next(accelerated(function, there, known, rounding=1e-13, way=lambda _: np.full(6, np.nan)))
    assert again.here.value < there.value


def test_what_has_no_curvature_is_not_remembered():
    pairs = Pairs()
    pairs.add(np.ones(2), -np.ones(2))
    np.testing.assert_array_equal(pairs.times(np.ones(2), lambda gradient: 3.0 * gradient), [3.0, 3.0])


@pytest.mark.parametrize("seed", range(4))
def test_it_arrives_though_every_metric_is_off(seed):
    function = Quadratic(seed)
    start = function.evaluate(np.ones(6))
    known = Curvature(function.renewed(start.point))
    *_, last = islice(accelerated(function, start, known, rounding=1e-15), FEW_STEPS)
    assert last.here.value < 1e-12 * start.value
    assert function.n_renewed == 1 + FEW_STEPS
    assert known.distance == 0.0


def test_the_estimate_is_the_decrease_that_is_left_once_all_is_learned():
    function = Quadratic()
    start = function.evaluate(np.ones(6))
    *_, last = islice(accelerated(function, start, Curvature(function.renewed(None)), rounding=1e-15), 8)
    np.testing.assert_allclose(last.estimate, last.here.value, rtol=0.5)


def test_it_ends_where_no_step_goes_down():
    function = Quadratic()
    start = function.evaluate(np.zeros(6))
    assert not list(accelerated(function, start, Curvature(function.renewed(None)), rounding=1e-15))


def test_it_arrives_too_where_a_new_metric_costs_more_than_it_gains():
    function = Quadratic()
    start, known = function.evaluate(np.ones(6)), Curvature(function.renewed(None))
    function.renewed = lambda _: None
    *_, last = islice(accelerated(function, start, known, rounding=1e-15), FEW_STEPS)
    assert last.here.value < 1e-12 * start.value
    assert known.distance == np.inf  # and so it proves nothing
