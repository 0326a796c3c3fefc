import numpy as np
import pytest

from softglm.solver.line_search import Iterate
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


def run(function, start, n_steps, *, first=None):
    visited, estimates, made = [], [], []

    def evaluate(point):
        return Iterate(point, *function(point)[:2])

    def hessian_at(point):
        made.append(point)
        return Hessian(function(point)[2])

    def stop(here, estimate):
        visited.append(here)
        estimates.append(estimate)
        return len(visited) == n_steps

    here = Iterate(start, *function(start)[:2])
    metric = Hessian(function(start)[2]) if first is None else first
    metric, step = newton(evaluate, here, metric, hessian_at, stop, rounding=1e-13)
    return visited, estimates, made, metric, step


def test_every_step_is_newtons():
    x = np.array([1.0, -0.5, 0.3])
    visited, _, made, metric, step = run(convex, x, 5)
    for here in visited:
        _, gradient, matrix = convex(x)
        x = x - np.linalg.solve(matrix, gradient)
        np.testing.assert_allclose(here.point, x, **ROUNDING)
    np.testing.assert_array_equal(made, [here.point for here in visited[:-1]])
    np.testing.assert_allclose(visited[-2].point + metric.unwhiten(step), visited[-1].point, **ROUNDING)


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
def test_where_no_step_is_acceptable_the_metric_and_no_step_are_returned(sign):
    class Useless(Hessian):
        def unwhiten(self, vector):
            return sign * super().unwhiten(vector)

    useless = Useless(np.identity(2))
    visited, _, made, metric, step = run(pseudo_huber, np.array([0.5, 0.5]), 3, first=useless)
    assert (visited, made, metric) == ([], [], useless)
    np.testing.assert_array_equal(step, 0.0)


def test_a_whole_step_that_leaves_much_of_the_slope_is_made_longer():
    def exponential(x):
        return np.exp(-x).sum(), -np.exp(-x), np.diag(np.exp(-x))

    (here,), *_, step = run(exponential, np.zeros(1), 1)
    # After one whole step exp(-1) of the slope is left: more than is asked for, less at 1 / (1 - exp(-1)).
    np.testing.assert_allclose(here.point, 1.0 / (1.0 - np.exp(-1.0)), **ROUNDING)
    np.testing.assert_allclose(step, here.point, **ROUNDING)
