import numpy as np
import pytest

from softglm.solver import Iterate
from softglm.solver.aims import Aims
from softglm.solver.curvature import Curvature
from softglm.solver.polish import polished

AIMS = Aims(reference=1.0, tol=1e-4, precision=1e-7, max_iter=100)
CENTER = np.array([1.0, -2.0])


class Scaled:
    """The metric that is the curvature of the problem times so much."""

    def __init__(self, factor):
        self.root = np.sqrt(factor)

    def whiten(self, gradient):
        return gradient / self.root

    def unwhiten(self, vector):
        return vector / self.root


def half_square(point):
    return Iterate(point, float((point - CENTER) @ (point - CENTER)) / 2.0, point - CENTER)


def polish(metric, *, distance=1e-3, evaluate=half_square):
    start, known = half_square(CENTER + np.array([distance, 0.0])), Curvature(metric)
    return start, polished(evaluate, start, known, AIMS), known


@pytest.mark.parametrize("factor", [0.9, 0.999, 1.0, 1.5])
def test_it_goes_on_until_the_gap_is_as_small_as_the_precision_asks(factor):
    _, here, _ = polish(Scaled(factor))
    assert here.gradient @ here.gradient / factor / 2.0 <= AIMS.precise(here.value)


@pytest.mark.parametrize("factor", [0.999, 1.5])
def test_the_way_is_counted(factor):
    start, here, known = polish(Scaled(factor))
    np.testing.assert_allclose(known.distance, np.sqrt(factor) * np.linalg.norm(here.point - start.point))


@pytest.mark.parametrize("factor", [0.4, 3.0])
def test_where_a_step_does_not_halve_the_gradient_it_is_not_taken(factor):
    start, here, known = polish(Scaled(factor))
    assert here is start
    assert known.distance == 0.0


@pytest.mark.parametrize("distance", [1e-9, 0.5])
def test_where_it_is_too_near_or_too_far_no_step_is_tried(distance):
    def never(point):
        raise AssertionError(f"evaluated at {point}")

    start, here, _ = polish(Scaled(1.0), distance=distance, evaluate=never)
    assert here is start


def test_where_f_rises_by_more_than_rounding_the_step_is_not_taken():
    start, here, _ = polish(Scaled(1.0), evaluate=lambda point: half_square(point)._replace(value=1e-3))
    assert here is start


def test_of_steps_that_gain_little_no_more_than_ten_are_taken():
    points = []
    polish(Scaled(0.7), evaluate=lambda point: points.append(point) or half_square(point))
    assert len(points) == 10
