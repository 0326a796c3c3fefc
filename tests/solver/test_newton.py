from functools import partial
from itertools import islice

import numpy as np
import pytest

from softglm.solver.curvature import Curvature
from softglm.solver.line_search import Iterate
from softglm.solver.method import WithHessian
from softglm.solver.newton import newton

ROUNDING = {"rtol": 1e-10, "atol": 1e-12}


class Hessian:
    """The Hessian at a point."""

    def __init__(self, matrix):
        self.factor = np.linalg.cholesky(matrix)

    def whiten(self, gradient):
        return np.linalg.solve(self.factor, gradient)

    def unwhiten(self, vector):
        return np.linalg.solve(self.factor.T, vector)


def convex(x):
    """Value, gradient and Hessian of sum exp(x) + exp(-2x), coupled."""
    value = np.sum(np.exp(x) + np.exp(-2.0 * x)) + x.sum() ** 2
    gradient = np.exp(x) - 2.0 * np.exp(-2.0 * x) + 2.0 * x.sum()
    return value, gradient, np.diag(np.exp(x) + 4.0 * np.exp(-2.0 * x)) + 2.0


def pseudo_huber(x):
    """Of sum sqrt(1 + x^2): from afar the whole Newton step goes farther still."""
    root = np.sqrt(1.0 + x * x)
    return root.sum(), x / root, np.diag(root**-3)


class Recorded:
    """A function that remembers where it was evaluated, and where Hessians were made."""

    def __init__(self, function):
        self.function, self.tried, self.made = function, [], []

    def evaluate_with_hessian(self, point):
        self.tried.append(point)
        return WithHessian(point, *self.function(point)[:2], partial(self.hessian, point))

    def hessian(self, point):
        self.made.append(point)
        return Hessian(self.function(point)[2])


def run(function, start, n_steps, *, first=None):
    """What was visited, the estimates of the gap, where Hessians were made, and what is known in the end."""
    recorded, known = Recorded(function), Curvature(Hessian(function(start)[2]) if first is None else first)
    steps = newton(recorded, Iterate(start, *function(start)[:2]), known, rounding=1e-13)
    visited, estimates = [], []
    for here, estimate in islice(steps, n_steps):
        visited.append(here)
        estimates.append(estimate)
    return visited, estimates, recorded.made, known


def test_every_step_is_newtons():
    x = np.array([1.0, -0.5, 0.3])
    visited, _, made, _ = run(convex, x, 5)
    for here in visited:
        _, gradient, matrix = convex(x)
        x = x - np.linalg.solve(matrix, gradient)
        np.testing.assert_allclose(here.point, x, **ROUNDING)
    np.testing.assert_array_equal(made, [here.point for here in visited[:-1]])


@pytest.mark.parametrize("n_steps", [1, 2, 4])
def test_the_way_since_the_last_metric_was_made_is_known(n_steps):
    x = np.array([1.0, -0.5, 0.3])
    visited, _, made, known = run(convex, x, n_steps)
    made_at = made[-1] if made else x
    way = known.metric.factor.T @ (visited[-1].point - made_at)
    np.testing.assert_allclose(known.distance, np.linalg.norm(way), **ROUNDING)


def test_the_way_before_the_first_step_counts_too():
    x = np.array([1.0, -0.5, 0.3])
    metric, already = Hessian(convex(x)[2]), np.full(3, 5.0)
    known = Curvature(metric)
    known.travel(already)
    (here, _), *_ = islice(newton(Recorded(convex), Iterate(x, *convex(x)[:2]), known, rounding=1e-13), 1)
    way = already + metric.factor.T @ (here.point - x)
    np.testing.assert_allclose(known.distance, np.linalg.norm(way), **ROUNDING)


def test_what_is_accepted_was_tried_last_so_that_one_pass_can_serve_its_hessian_too():
    recorded, start = Recorded(pseudo_huber), np.array([3.0, -2.0])
    known = Curvature(Hessian(pseudo_huber(start)[2]))
    for here, _ in islice(newton(recorded, Iterate(start, *pseudo_huber(start)[:2]), known, rounding=1e-13), 6):
        assert here.point is recorded.tried[-1]
    assert len(recorded.tried) > 6


def test_the_estimate_is_that_of_the_metric_before():
    start = np.array([1.0, -0.5, 0.3])
    visited, estimates, *_ = run(convex, start, 3)
    for before, here, estimate in zip([start, *(here.point for here in visited)], visited, estimates, strict=False):
        expected = here.gradient @ np.linalg.solve(convex(before)[2], here.gradient) / 2.0
        np.testing.assert_allclose(estimate, expected, **ROUNDING)


def test_a_whole_step_that_goes_too_far_is_shortened():
    visited, *_ = run(pseudo_huber, np.array([3.0, -2.0]), 12)
    values = [pseudo_huber(np.array([3.0, -2.0]))[0], *(here.value for here in visited)]
    assert (np.diff(values) <= 0.0).all()
    np.testing.assert_allclose(visited[-1].point, 0.0, atol=1e-8)


@pytest.mark.parametrize("sign", [-1.0, 0.0])
def test_where_no_step_is_acceptable_it_ends_with_the_metric_it_had(sign):
    class Useless(Hessian):
        def unwhiten(self, vector):
            return sign * super().unwhiten(vector)

    useless = Useless(np.identity(2))
    visited, _, made, known = run(pseudo_huber, np.array([0.5, 0.5]), 3, first=useless)
    assert (visited, made, known.metric) == ([], [], useless)
    assert known.distance == 0.0


def test_a_whole_step_that_leaves_much_of_the_slope_is_made_longer():
    def exponential(x):
        return np.exp(-x).sum(), -np.exp(-x), np.diag(np.exp(-x))

    (here,), *_, known = run(exponential, np.zeros(1), 1)
    # After one whole step exp(-1) of the slope is left: more than is asked for, less at 1 / (1 - exp(-1)).
    np.testing.assert_allclose(here.point, 1.0 / (1.0 - np.exp(-1.0)), **ROUNDING)
    np.testing.assert_allclose(known.distance, here.point[0], **ROUNDING)


def test_a_metric_that_was_made_and_then_led_nowhere_is_known_in_the_end():
    start = np.array([1.0, -0.5, 0.3])
    visited, _, made, known = run(convex, start, 100)
    assert len(visited) < 100
    np.testing.assert_array_equal(made, [here.point for here in visited])
    np.testing.assert_array_equal(known.metric.factor, np.linalg.cholesky(convex(visited[-1].point)[2]))
    assert known.distance == 0.0
