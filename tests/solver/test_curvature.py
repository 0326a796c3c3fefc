import numpy as np
import pytest

from softglm.solver.curvature import Curvature

STEPS = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0], [0.0, 0.25, -2.0]])


class Twice:
    """The metric 4 I."""

    def whiten(self, gradient):
        return gradient / 2.0

    def unwhiten(self, vector):
        return vector / 2.0


@pytest.mark.parametrize("n_steps", [0, 1, 3])
def test_the_distance_is_that_of_all_steps_together(n_steps):
    known = Curvature(Twice())
    for step in STEPS[:n_steps]:
        known.travel(step)
    np.testing.assert_allclose(known.distance, np.linalg.norm(STEPS[:n_steps].sum(axis=0)))


def test_no_step_is_modified():
    steps = STEPS.copy()
    known = Curvature(Twice())
    for step in steps:
        known.travel(step)
    np.testing.assert_array_equal(steps, STEPS)


def test_where_nothing_is_learned_the_estimate_is_that_of_the_metric():
    np.testing.assert_allclose(Curvature(Twice()).estimate(np.array([2.0, 0.0, 4.0])), (1.0 + 4.0) / 2.0)


def test_what_is_learned_counts_in_the_estimate():
    known = Curvature(Twice())
    # Along the first axis the curvature is twice that of the metric.
    known.memory.add(np.array([1.0, 0.0, 0.0]), np.array([2.0, 0.0, 0.0]))
    np.testing.assert_allclose(known.estimate(np.array([2.0, 0.0, 0.0])), 1.0 / 4.0)


@pytest.mark.parametrize("forget", [Curvature.forget, lambda known: known.replace(Twice())])
def test_a_new_metric_and_forgetting_begin_with_nothing_learned_and_no_way(forget):
    known = Curvature(Twice())
    known.travel(STEPS[0])
    known.memory.add(STEPS[0], STEPS[0])
    assert known.memory
    forget(known)
    assert not known.memory
    assert known.distance == 0.0
